"""Image files at the edges: every signature, the last byte that counts, and files that were read before."""

import io
from collections.abc import Callable

import pytest

from functions.core.download.images.other_content import describe_unsupported
from functions.core.download.images.types import detect_image_type
from tests.support.images import SAMPLES, Sample, gif, ico, jpeg, png, webp

BOX = b"\x00\x00\x00\x40ftyp"


def type_name(head: bytes) -> str | None:
    image_type = detect_image_type(head)
    return image_type.name if image_type else None


def is_complete(data: bytes) -> bool:
    image_type = detect_image_type(data)
    assert image_type is not None
    return image_type.is_complete(io.BytesIO(data), len(data))


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff", "jpeg"),
        (b"\xff\xd8\xfe", None),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\x89PNG\n\x1a\n\n", None),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"GIF88a", None),
        (b"RIFF____WEBP", "webp"),
        (b"RIFX____WEBP", None),
        *((BOX + brand, "avif") for brand in (b"avif", b"avis")),
        *((BOX + brand, "heic") for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1")),
        (BOX + b"isom" + bytes(48) + b"avif", "avif"),  # the last of the 64 bytes
        (BOX + b"isom" + bytes(49) + b"avif", None),
        (b"\x00\x00\x00\x40free" + b"avif", None),
        *((signature, "tiff") for signature in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")),
        (b"BM\x9a\x01\x00\x00\x00\x00\x00\x00", "bmp"),
        (b"BM\x9a\x01\x00\x00\x01\x00\x00\x00", None),
        (b"BM\x9a\x01\x00\x00\x00\x00\x00\x01", None),
        (b"BA\x9a\x01\x00\x00\x00\x00\x00\x00", None),
        (b"\x00\x00\x01\x00", "ico"),
        (b"\x00\x00\x02\x00", None),
        (b" " * 5000 + b"<svg>", "svg"),
        (b" " * 5000 + b"<svg", None),
        (b"\xff\x0a", "jxl"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
        (b"\xff\x4f\xff\x51", "j2k"),
        (b"\xff\x4f\xff\x52", None),
    ],
)
def test_a_signature_identifies_its_type(head: bytes, name: str | None) -> None:
    assert type_name(head) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        *((f"<{tag}>".encode(), "HTML") for tag in ("html", "head", "body", "script", "meta", "title")),
        *((text.encode(), "JSON") for text in ('{ "a"', "{}", '["a"', "[ 1", "[-1", "[true", "[false", "[null", "[[")),
        (b"\xef\xbb\xbf <?xml version='1.0'?>", "XML"),
        (b"PK\x05\x06", "a ZIP archive"),
        (BOX + b"qt  ", "an MP4 or MOV video"),
        (b" " * 506 + b"<html>", "HTML"),
    ],
)
def test_the_start_of_other_content_identifies_it(head: bytes, name: str) -> None:
    assert describe_unsupported(head) == f"The response body is {name}, not an image (Content-Type is ignored)."


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_file_is_judged_from_its_start_wherever_it_was_read_to(sample: Sample) -> None:
    image_type = detect_image_type(sample.data)
    assert image_type is not None
    for position in (1, len(sample.data)):
        file = io.BytesIO(sample.data)
        file.seek(position)
        assert image_type.is_complete(file, len(sample.data))
        file.seek(position)
        assert image_type.dimensions(file, len(sample.data)) == ((6, 4) if sample.sized else None)


@pytest.mark.parametrize(("appended", "complete"), [(0, True), (64 * 1024 - 8, True), (64 * 1024 - 7, False)])
def test_the_end_of_a_png_with_a_wrong_length_is_looked_for_in_its_last_64_kib(appended: int, complete: bool) -> None:
    """Of the last chunk, its name and its checksum, 8 bytes."""
    data = png()
    at = data.index(b"IDAT") - 4
    wrong = data[:at] + b"\x7f\xff\xff\xff" + data[at + 4 :] + bytes(appended)

    assert is_complete(wrong) is complete
    assert is_complete(data + bytes(appended))


@pytest.mark.parametrize(("missing", "complete"), [(0, True), (1, True), (2, False)])
def test_a_webp_has_the_length_of_its_header_but_for_the_padding(missing: int, complete: bool) -> None:
    data = webp()

    assert is_complete(data[: len(data) - missing]) is complete


HEADER = b"GIF89a\x01\x00\x01\x00"
"""Signature, width and height. Flags, background color and aspect ratio follow."""

IMAGE = b"\x2c" + bytes(8)
"""Position and size. Flags and, after a color table, the code size follow."""

TRAILER = b"\x3b"


def color_table(bits: int) -> bytes:
    """2 to 256 colors of three bytes, all of which look like the trailer."""
    return TRAILER * 3 * 2 ** (bits + 1)


@pytest.mark.parametrize(
    "body",
    [
        *(bytes([0x80 | bits, 0, 0]) + color_table(bits) for bits in range(8)),
        *(b"\x00\x00\x00" + IMAGE + bytes([0x80 | bits]) + color_table(bits) + b"\x02\x00" for bits in range(8)),
        b"\x78\x00\x00",  # every flag but that of a color table
        b"\x00\x00\x00" + IMAGE + b"\x00\x02" + b"\x01\x3b" + b"\x02\x3b\x3b" + b"\x00",
        b"\x00\x00\x00" + b"\x21\xf9" + b"\xff" + TRAILER * 255 + b"\x00",  # an extension
        b"\x00\x00\x00" + b"\x21\x3b\x00" + b"\x21\x2c\x01\x2c\x00" + IMAGE + b"\x00\x3b\x00",
    ],
)
def test_the_trailer_of_a_gif_is_found_behind_its_tables_and_blocks(body: bytes) -> None:
    assert is_complete(HEADER + body + TRAILER)
    assert not is_complete(HEADER + body)


def test_an_end_marker_in_the_header_of_a_scan_is_not_that_of_the_file() -> None:
    start_of_scan = b"\xff\xda\x00\x06\x01\x01\xff\xd9"

    assert not is_complete(b"\xff\xd8" + start_of_scan)
    assert is_complete(b"\xff\xd8" + start_of_scan + b"\xff\xd9")


@pytest.mark.parametrize("cut", [2, 3, 4, 5])
def test_a_jpeg_without_a_scan_is_truncated(cut: int) -> None:
    assert not is_complete(b"\xff\xd8\xff" + b"\xe0\x00\x02"[: cut - 2])


@pytest.mark.parametrize(
    ("make", "width", "height", "expected"),
    [
        (ico, 256, 16, (256, 16)),
        (ico, 16, 256, (16, 256)),
        (png, 0, 4, None),
        (png, 4, 0, None),
        (gif, 0, 1, None),
        (jpeg, 65_535, 1, (65_535, 1)),
    ],
)
def test_dimensions_are_positive_and_those_of_the_header(
    make: Callable[[int, int], bytes], width: int, height: int, expected: tuple[int, int] | None
) -> None:
    data = make(width, height)
    image_type = detect_image_type(data)
    assert image_type is not None

    assert image_type.dimensions(io.BytesIO(data), len(data)) == expected


@pytest.mark.parametrize(("length", "expected"), [(7, None), (8, (6, 4))])
def test_an_icon_has_its_dimensions_in_its_first_eight_bytes(length: int, expected: tuple[int, int] | None) -> None:
    data = ico(6, 4)[:length]
    image_type = detect_image_type(data)
    assert image_type is not None

    assert image_type.dimensions(io.BytesIO(data), len(data)) == expected
