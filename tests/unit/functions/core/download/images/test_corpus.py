"""Files of many writers: each is whole and has the size that a decoder reports, and none is whole when it is cut."""

import io
import json
import random

import pytest

from functions.core.download.images.types import FileType, detect_image_type
from tests.corpus.make import FILES, INDEX

CORPUS = json.loads(INDEX.read_text())
CUTS = 20

UNUSED_BYTES = {"pillow-frames.tif": 11}
"""Bytes at the end of a file that nothing in it refers to."""

WITHOUT_LENGTH = {"imagecodecs-codestream.jxl", "pillow-rgb.jxl", "pillow-rgba.jxl"}
"""Codestreams of JPEG XL without a container, which do not say how long they are."""


def type_of(data: bytes) -> FileType:
    image_type = detect_image_type(data)
    assert image_type is not None
    return image_type


def is_complete(data: bytes) -> bool:
    return type_of(data).is_complete(io.BytesIO(data), len(data))


def test_the_corpus_has_many_writers_and_every_type() -> None:
    assert len({each["writer"] for each in CORPUS.values()}) >= 9
    assert set(CORPUS) == {path.name for path in FILES.iterdir()}
    assert {type_of((FILES / name).read_bytes()).name for name in CORPUS} == {
        "jpeg", "png", "gif", "webp", "avif", "heic", "tiff", "bmp", "ico", "jxl", "jp2", "j2k",
    }  # fmt: skip


@pytest.mark.parametrize("name", CORPUS)
def test_a_file_is_whole_and_has_the_size_that_a_decoder_reports(name: str) -> None:
    data = (FILES / name).read_bytes()

    assert is_complete(data)
    assert type_of(data).dimensions(io.BytesIO(data), len(data)) == tuple(CORPUS[name]["size"])


@pytest.mark.parametrize("name", [name for name in CORPUS if name not in WITHOUT_LENGTH])
def test_a_file_that_is_cut_is_not_whole(name: str) -> None:
    data = (FILES / name).read_bytes()
    seed = random.randrange(1_000_000)
    last = len(data) - UNUSED_BYTES.get(name, 0) - (2 if name.endswith(".webp") else 0)
    cuts = {last - 1, *random.Random(seed).sample(range(32, last), CUTS)}

    assert [cut for cut in cuts if is_complete(data[:cut])] == [], seed


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("appended", [b"\x00", bytes(100_000), b"film" * 1000], ids=["a zero", "zeros", "film"])
def test_data_behind_the_end_changes_nothing(name: str, appended: bytes) -> None:
    data = (FILES / name).read_bytes() + appended

    assert is_complete(data)
    assert type_of(data).dimensions(io.BytesIO(data), len(data)) == tuple(CORPUS[name]["size"])
