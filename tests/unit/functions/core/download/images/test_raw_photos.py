"""Raw photos that begin as a TIFF does."""

import struct

import pytest

from functions.core.download.images.other_content import describe_unsupported
from functions.core.download.images.types import detect_image_type
from tests.support.images import tiff


def directory(order: str, *entries: tuple[int, int], at: int = 8) -> bytes:
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    values = [struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries]
    return (
        mark + struct.pack(f"{order}I", at) + bytes(at - 8) + struct.pack(f"{order}H", len(values)) + b"".join(values)
    )


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(100), "CR2"),
        (directory("<", (254, 1), (256, 160), (50706, 0x104)), "DNG"),
        (directory(">", (254, 1), (271, 500), (330, 600)), "a raw photo (NEF, ARW or another)"),
        (directory("<", (254, 1), (271, 500), (330, 600), at=20), "a raw photo (NEF, ARW or another)"),
    ],
    ids=["CR2", "DNG", "NEF", "ARW"],
)
def test_a_raw_photo_is_named(head: bytes, name: str) -> None:
    assert detect_image_type(head) is None
    sentence = f"The response body is {name}, an image format that is not supported (Content-Type is ignored)."
    assert describe_unsupported(head) == sentence


@pytest.mark.parametrize(
    "head",
    [
        tiff(),
        directory("<", (254, 0), (271, 500), (330, 600)),
        directory("<", (254, 1), (256, 160)),
        b"II*\x00\xff\xff\xff\x7f",
        b"MM\x00+",
    ],
    ids=["plain", "pyramid", "preview first", "directory at the end", "BigTIFF"],
)
def test_other_tiffs_are_taken(head: bytes) -> None:
    image_type = detect_image_type(head)

    assert image_type is not None
    assert image_type.name == "tiff"
