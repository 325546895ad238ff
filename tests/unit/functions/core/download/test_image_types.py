"""What a file is, by its bytes."""

import io
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.core.download.image_types import IMAGE_TYPES, ImageType, image_type, pixels
from functions.core.model.options import IMAGE_TYPES as ACCEPTED
from tests.support.images import HTML, SAMPLES, Sample, bmp, gif, ico, jpeg, png, svg, webp

DEMO = Path(__file__).parents[5] / "manifests" / "demo"
BY_NAME = {sample.name: sample for sample in SAMPLES}
ENDING = [sample for sample in SAMPLES if sample.ends]


def kind_of(data: bytes) -> ImageType:
    kind = image_type(data)
    assert kind is not None
    return kind


def complete(data: bytes) -> bool:
    return kind_of(data).complete(io.BytesIO(data), len(data))


def size_of(data: bytes) -> tuple[int, int] | None:
    return pixels(kind_of(data), io.BytesIO(data))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_every_type_is_told_by_its_bytes(sample: Sample) -> None:
    kind = kind_of(sample.data)

    assert (kind.name, kind.content_type, kind.extension) == (sample.name, sample.content_type, sample.extension)


def test_every_type_has_its_sample_and_every_accepted_type_is_known() -> None:
    assert [kind.name for kind in IMAGE_TYPES] == [sample.name for sample in SAMPLES]
    assert {*ACCEPTED, "svg"} == set(BY_NAME)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.parametrize(("width", "height"), [(6, 4), (1, 1), (200, 17)])
def test_width_and_height_are_read_from_the_head(sample: Sample, width: int, height: int) -> None:
    assert size_of(sample.make(width, height)) == ((width, height) if sample.sized else None)


def test_an_icon_of_256_pixels_says_zero() -> None:
    assert size_of(ico(256, 256)) == (256, 256)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        HTML,
        b'{"error": "not found"}',
        b"%PDF-1.7",
        b"GIF8",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomiso2",
        b"\x00\x01\x00\x00\x00\x0f",
        b"\x00\x00\x01\xba",
        b"BMxxxxxxxxxxxx",
        b"<html><svg></svg></html>",
        b"<svgfoo>",
        b"<!-- no picture -->",
    ],
)
def test_what_is_no_image_that_we_know_has_no_type(data: bytes) -> None:
    assert image_type(data) is None


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\xef\xbb\xbf",
        b"\n\t ",
        b"<?xml version='1.0'?>\n",
        b"<!-- a --><!-- b -->\n<!---->",
        b'<?xml version="1.0"?><!-- a --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">\n',
    ],
)
def test_an_svg_may_have_much_before_its_root(before: bytes) -> None:
    assert kind_of(before + b"<svg width='1'>").name == "svg"


@pytest.mark.parametrize("head", [b"<!---->" * 73, b"<!-- --> " * 60, b"<?xml" + b"<!--" * 120, b" " * 512])
def test_a_head_made_to_keep_us_busy_does_not(head: bytes) -> None:
    begun = time.process_time()

    assert image_type(head) is None
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_whole_file_is_complete(sample: Sample) -> None:
    assert complete(sample.data)


@pytest.mark.parametrize("sample", ENDING, ids=lambda sample: sample.name)
def test_a_file_cut_anywhere_behind_its_head_is_not_complete(sample: Sample) -> None:
    data = sample.make(40, 40)
    least = 3 if sample.name == "webp" else 1  # the byte that pads it may be missing

    assert [end for end in range(20, len(data) - least + 1) if complete(data[:end])] == []


@pytest.mark.parametrize("sample", ENDING, ids=lambda sample: sample.name)
def test_what_is_appended_to_a_whole_file_is_nobodys_business(sample: Sample) -> None:
    assert complete(sample.data + b"\x00" * 1_000)
    assert complete(sample.data + b"film" * 10_000)


def test_the_end_of_a_thumbnail_is_not_the_end_of_a_photo() -> None:
    data = jpeg(80, 80, thumbnail=jpeg())

    assert complete(data)
    assert not complete(data[:-2])


def test_fill_bytes_may_stand_before_a_marker() -> None:
    data = jpeg(note=b"x")

    assert complete(data[:2] + b"\xff\xff\xff" + data[2:])


def test_an_end_mark_is_found_across_the_pieces_that_are_read() -> None:
    head = jpeg()[:-2]
    piece = 256 * 1024

    for scan in range(piece - 4, piece + 2):  # one of them parts the mark
        filled = head + b"\x00" * scan
        assert complete(filled + b"\xff\xd9")
        assert not complete(filled + b"\xff")


def test_a_webp_may_lack_the_byte_that_pads_it() -> None:
    data = webp()

    assert complete(data[:-1])


@given(data=st.binary(max_size=80), sample=st.sampled_from(SAMPLES), cut=st.integers(0, 120))
@example(data=b"", sample=BY_NAME["ico"], cut=4)
@example(data=b"\xff", sample=BY_NAME["jpeg"], cut=3)
def test_whatever_follows_a_head_breaks_nothing(data: bytes, sample: Sample, cut: int) -> None:
    file = sample.data[:cut] + data
    kind = image_type(file)
    if kind is None:
        return

    assert kind.complete(io.BytesIO(file), len(file)) in (True, False)
    size = pixels(kind, io.BytesIO(file))
    assert size is None or min(size) > 0


def test_samples_of_one_type_can_differ() -> None:
    assert png(note=b"a") != png(note=b"b")
    assert complete(png(note=b"a"))
    assert complete(gif(300, 300))
    assert complete(bmp(300, 300))
    assert image_type(svg()) is not None


@pytest.mark.parametrize("name", ["spark.gif", "ripple.gif"])
def test_a_gif_cut_anywhere_has_no_end_whatever_bytes_it_holds(name: str) -> None:
    whole = (DEMO / name).read_bytes()
    mark = b"\x00\x3b"

    assert complete(whole)
    assert not [cut for cut in range(20, len(whole), 11) if complete(whole[:cut])]
    assert not complete(whole[:500] + mark)
