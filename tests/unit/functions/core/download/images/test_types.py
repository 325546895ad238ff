"""The type, dimensions and completeness of a file by its bytes."""

import io
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.core.download.images.other_content import describe_unsupported
from functions.core.download.images.types import IMAGE_TYPES, FileType, detect_image_type
from functions.core.model.options import IMAGE_TYPES as ACCEPTED
from tests.support.images import HTML, SAMPLES, Sample, bmp, gif, ico, jpeg, png, svg, webp

DEMO = Path(__file__).parents[6] / "manifests" / "demo"
BY_NAME = {sample.name: sample for sample in SAMPLES}
WITH_END_MARKER = [sample for sample in SAMPLES if sample.ends]


def type_of(data: bytes) -> FileType:
    image_type = detect_image_type(data)
    assert image_type is not None
    return image_type


def is_complete(data: bytes) -> bool:
    return type_of(data).is_complete(io.BytesIO(data), len(data))


def dimensions_of(data: bytes) -> tuple[int, int] | None:
    return type_of(data).dimensions(io.BytesIO(data), len(data))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_every_type_is_detected_by_its_bytes(sample: Sample) -> None:
    image_type = type_of(sample.data)

    assert (image_type.name, image_type.content_type, image_type.extension) == (
        sample.name,
        sample.content_type,
        sample.extension,
    )


def test_every_type_has_its_sample_and_every_accepted_type_is_known() -> None:
    assert [image_type.name for image_type in IMAGE_TYPES] == [sample.name for sample in SAMPLES]
    assert {*ACCEPTED, "svg"} == set(BY_NAME)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.parametrize(("width", "height"), [(6, 4), (1, 1), (200, 17)])
def test_width_and_height_are_read_from_the_head(sample: Sample, width: int, height: int) -> None:
    assert dimensions_of(sample.make(width, height)) == ((width, height) if sample.sized else None)


def test_an_icon_of_256_pixels_has_a_zero_for_its_size() -> None:
    assert dimensions_of(ico(256, 256)) == (256, 256)


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
def test_content_that_is_not_a_supported_image_has_no_type(data: bytes) -> None:
    assert detect_image_type(data) is None


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (HTML, "HTML"),
        (b"\xef\xbb\xbf\n<!doctype HTML>", "HTML"),
        (b"<!-- cached -->\n<html lang='en'>", "HTML"),
        (b"<HEAD><title>Moved</title>", "HTML"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML"),
        (b'{"error": "not found"}', "JSON"),
        (b"[]", "JSON"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomiso2", "an MP4 or MOV video"),
        (b"\x1aE\xdf\xa3\x01", "a WebM or Matroska video"),
        (b"PK\x03\x04\x14\x00", "a ZIP archive"),
        (b"\x1f\x8b\x08\x00", "gzip data"),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", "an MP4 or MOV video"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "an AVI video"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "WAV audio"),
        (b"ID3\x04\x00", "MP3 audio"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
        (bytes(257) + b"ustar\x0000", "a tar archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "a Git LFS pointer"),
        (b"id;name;price\r\n1;pot;3\r\n", "CSV"),
    ],
)
def test_content_that_is_not_an_image_is_named(data: bytes, name: str) -> None:
    assert detect_image_type(data) is None
    assert describe_unsupported(data) == f"The response body is {name}, not an image (Content-Type is ignored)."


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"8BPS\x00\x01", "PSD"),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "CR3"),
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b"II\xbc\x01\x08\x00\x00\x00", "JPEG XR"),
        (b"qoif\x00\x00\x00\x01", "QOI"),
        (b"P6\n4 4\n255\n", "Netpbm"),
        (b"\x00\x00\x02\x00\x01\x00", "a Windows cursor"),
        (bytes(128) + b"DICM\x02\x00", "DICOM"),
    ],
)
def test_an_image_of_an_unsupported_format_is_named(data: bytes, name: str) -> None:
    assert detect_image_type(data) is None
    sentence = f"The response body is {name}, an image format that is not supported (Content-Type is ignored)."
    assert describe_unsupported(data) == sentence


@pytest.mark.parametrize("data", [b"", b"x", b"no such image", b"{oops}}", b"<b>bold</b>", b"<htmlfoo>"])
def test_content_that_is_not_recognized_has_no_name(data: bytes) -> None:
    assert describe_unsupported(data) == "The response body is not an image (Content-Type is ignored)."


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\xef\xbb\xbf",
        b"\n\t ",
        b"<?xml version='1.0'?>\n",
        b"<!-- a --><!-- b -->\n<!---->",
        b"<!-- a --> <?xml-stylesheet href='a.css'?>\n<!-- b -->",
        b'<?xml version="1.0"?><!-- a --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">\n',
    ],
)
def test_an_svg_may_have_much_before_its_root(before: bytes) -> None:
    assert type_of(before + b"<svg width='1'>").name == "svg"


@pytest.mark.parametrize("head", [b"<!---->" * 73, b"<!-- --> " * 60, b"<?xml" + b"<!--" * 120, b" " * 512])
def test_a_head_made_for_slow_matching_is_matched_fast(head: bytes) -> None:
    started_at = time.process_time()

    assert detect_image_type(head) is None
    assert describe_unsupported(head)
    assert time.process_time() - started_at < 0.5


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_whole_file_passes_the_check(sample: Sample) -> None:
    assert is_complete(sample.data)


@pytest.mark.parametrize("sample", WITH_END_MARKER, ids=lambda sample: sample.name)
def test_a_file_truncated_anywhere_behind_its_head_fails_the_check(sample: Sample) -> None:
    data = sample.make(40, 40)
    missing = {"webp": 3, "svg": 2}.get(sample.name, 1)  # the padding byte, or the last line break, may be missing
    ends = range(100 if sample.name == "svg" else 20, len(data) - missing + 1)

    assert [end for end in ends if is_complete(data[:end])] == []


@pytest.mark.parametrize("sample", WITH_END_MARKER, ids=lambda sample: sample.name)
def test_data_appended_to_a_whole_file_is_ignored(sample: Sample) -> None:
    assert is_complete(sample.data + b"\x00" * 1_000)
    assert is_complete(sample.data + b"film" * 10_000)


def test_the_end_marker_of_a_thumbnail_is_not_that_of_the_photo() -> None:
    data = jpeg(80, 80, thumbnail=jpeg())

    assert is_complete(data)
    assert not is_complete(data[:-2])


def test_fill_bytes_may_precede_a_marker() -> None:
    data = jpeg(note=b"x")

    assert is_complete(data[:2] + b"\xff\xff\xff" + data[2:])


def test_an_end_marker_is_found_across_two_reads() -> None:
    head = jpeg()[:-2]
    piece = 256 * 1024

    for scan in range(piece - 4, piece + 2):  # one of them splits the marker
        filled = head + b"\x00" * scan
        assert is_complete(filled + b"\xff\xd9")
        assert not is_complete(filled + b"\xff")


def test_a_webp_may_lack_its_padding_byte() -> None:
    data = webp()

    assert is_complete(data[:-1])


@given(data=st.binary(max_size=80), sample=st.sampled_from(SAMPLES), cut=st.integers(0, 120))
@example(data=b"", sample=BY_NAME["ico"], cut=4)
@example(data=b"\xff", sample=BY_NAME["jpeg"], cut=3)
def test_whatever_follows_a_head_breaks_nothing(data: bytes, sample: Sample, cut: int) -> None:
    file = sample.data[:cut] + data
    image_type = detect_image_type(file)
    if image_type is None:
        return

    assert image_type.is_complete(io.BytesIO(file), len(file)) in (True, False)
    size = image_type.dimensions(io.BytesIO(file), len(file))
    assert size is None or min(size) > 0


def test_samples_of_one_type_can_differ() -> None:
    assert png(note=b"a") != png(note=b"b")
    assert is_complete(png(note=b"a"))
    assert is_complete(gif(300, 300))
    assert is_complete(bmp(300, 300))
    assert detect_image_type(svg()) is not None


@pytest.mark.parametrize("name", ["spark.gif", "ripple.gif"])
def test_a_gif_truncated_anywhere_fails_the_check_whatever_bytes_it_contains(name: str) -> None:
    whole = (DEMO / name).read_bytes()
    mark = b"\x00\x3b"

    assert is_complete(whole)
    assert not [cut for cut in range(20, len(whole), 11) if is_complete(whole[:cut])]
    assert not is_complete(whole[:500] + mark)
