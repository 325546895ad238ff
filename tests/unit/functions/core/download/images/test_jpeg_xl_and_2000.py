"""JPEG XL and JPEG 2000: forms that the files of the corpus do not have."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.download.images.types import FileType, detect_image_type
from tests.support.images import j2k, jp2, jxl, jxl_codestream

SIGNATURE = b"\x00\x00\x00\x0cJXL \r\n\x87\n"


def type_of(data: bytes) -> FileType:
    image_type = detect_image_type(data)
    assert image_type is not None
    return image_type


def is_complete(data: bytes) -> bool:
    return type_of(data).is_complete(io.BytesIO(data), len(data))


def dimensions_of(data: bytes) -> tuple[int, int] | None:
    return type_of(data).dimensions(io.BytesIO(data), len(data))


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


@pytest.mark.parametrize(("orientation", "size"), [(1, (60, 40)), (4, (60, 40)), (5, (40, 60)), (8, (40, 60))])
def test_the_size_of_a_jpeg_xl_is_that_which_is_shown(orientation: int, size: tuple[int, int]) -> None:
    assert dimensions_of(jxl_codestream(60, 40, orientation)) == size


@pytest.mark.parametrize(
    ("ratio", "size"),
    [(1, (120, 120)), (2, (144, 120)), (3, (160, 120)), (4, (180, 120)), (5, (213, 120)), (6, (150, 120)),
     (7, (240, 120))],
)  # fmt: skip
def test_a_small_jpeg_xl_has_its_height_in_eighths_and_a_ratio(ratio: int, size: tuple[int, int]) -> None:
    fields = 1 | (120 // 8 - 1) << 1 | ratio << 6 | 1 << 9

    assert dimensions_of(b"\xff\x0a" + fields.to_bytes(2, "little")) == size


def test_a_jpeg_xl_in_parts_needs_its_last_part() -> None:
    codestream = jxl_codestream(60, 40) + bytes(50)
    first, last = box(b"jxlp", struct.pack(">I", 0) + codestream[:3]), struct.pack(">I", 1 | 1 << 31) + codestream[3:]
    data = SIGNATURE + box(b"Exif", bytes(9)) + first

    assert is_complete(data + box(b"jxlp", last))
    assert dimensions_of(data + box(b"jxlp", last)) == (60, 40)
    assert not is_complete(data)
    assert not is_complete(data + box(b"xml ", b"<a/>"))


def test_a_box_up_to_the_end_of_the_file_has_no_length() -> None:
    assert is_complete(SIGNATURE + struct.pack(">I4s", 0, b"jxlc") + jxl_codestream())
    endless = jp2().replace(struct.pack(">I4s", len(j2k()) + 8, b"jp2c"), struct.pack(">I4s", 0, b"jp2c"))
    assert is_complete(endless)
    assert not is_complete(endless[:-1])


def test_the_last_part_of_a_tile_may_have_no_length() -> None:
    data = j2k()
    endless = data.replace(struct.pack(">I", 214), bytes(4))

    assert is_complete(endless)
    assert is_complete(endless + b"more")
    assert not is_complete(endless[:-1])


def test_a_jpeg_2000_file_without_its_codestream_is_not_whole() -> None:
    data = jp2()

    assert not is_complete(data[: data.index(b"jp2c") - 4])
    assert dimensions_of(data.replace(b"ihdr", b"free")) == (6, 4)


@pytest.mark.parametrize(
    ("whole", "signature"),
    [(jxl(), 12), (jxl_codestream(), 2), (jp2(), 12), (j2k(), 4)],
    ids=["jxl", "bits", "jp2", "j2k"],
)
@given(data=st.data())
def test_a_damaged_file_raises_nothing(whole: bytes, signature: int, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for position in data.draw(st.lists(st.integers(signature, len(damaged) - 1), max_size=4)):
        damaged[position] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(signature, len(damaged)))])

    is_complete(cut)
    dimensions_of(cut)
