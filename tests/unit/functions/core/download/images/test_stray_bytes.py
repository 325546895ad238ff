"""What decoders skip does not make a file truncated, and what they miss does."""

import io
import struct

import pytest

from functions.core.download.images import iso_boxes, sizes, tiff
from functions.core.download.images.types import detect_image_type
from tests.support.images import avif, bmp, gif, heic, jpeg, svg
from tests.support.images import tiff as tiff_image


def is_complete(data: bytes) -> bool:
    image_type = detect_image_type(data)
    assert image_type is not None
    return image_type.is_complete(io.BytesIO(data), len(data))


def size_of(data: bytes) -> tuple[int, int] | None:
    image_type = detect_image_type(data)
    assert image_type is not None
    return image_type.dimensions(io.BytesIO(data), len(data))


@pytest.mark.parametrize("stray", [b"\x00", b"\x00\x00\x00", b"\x07", b"abc"])
def test_bytes_before_the_trailer_of_a_gif_are_skipped(stray: bytes) -> None:
    data = gif()

    assert is_complete(data[:-1] + stray + b";")
    assert not is_complete(data[:-1] + stray)


@pytest.mark.parametrize("stray", [b"\x00", b"stray", b"\xff", b"\xff\x00", bytes(5000)])
def test_bytes_between_the_segments_of_a_jpeg_are_skipped(stray: bytes) -> None:
    data = jpeg(note=b"note")
    comment = data.index(b"\xff\xfe")
    tables = data.index(b"\xff\xdb")

    for at in (comment, tables):
        assert is_complete(data[:at] + stray + data[at:])
        assert not is_complete(data[:at] + stray + data[at:-2])


def test_tables_between_the_scans_of_a_jpeg_do_not_end_it() -> None:
    table = b"\xff\xc4\x00\x06\x00\xff\xd9\x00"
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\xff\x00\xff\xd0\x34"

    assert not is_complete(b"\xff\xd8" + scan + table + scan)
    assert is_complete(b"\xff\xd8" + scan + table + scan + b"\xff\xd9")


def test_an_end_before_the_first_scan_is_none() -> None:
    assert not is_complete(b"\xff\xd8\xff\xe0\x00\x02\xff\xd9")


def item_location(version: int, offset: int, length: int, method: int = 0) -> bytes:
    """The box `iloc` with one item of one part."""
    if version == 0:
        fields = struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, offset, length)
    else:
        number = ">BB" + ("I" if version == 2 else "H") * 2 + "HHHII"
        fields = struct.pack(number, 0x44, 0, 1, 1, method, 0, 1, offset, length)
    content = bytes([version, 0, 0, 0]) + fields
    return struct.pack(">I", len(content) + 8) + b"iloc" + content


def with_location(data: bytes, box: bytes) -> bytes:
    """A file whose box `meta` has one more box, and whose data extends to the end of the file."""
    at = data.index(b"meta") - 4
    (length,) = struct.unpack_from(">I", data, at)
    meta = struct.pack(">I", length + len(box)) + data[at + 4 : at + length] + box
    return data[:at] + meta + struct.pack(">I", 0) + data[at + length + 4 :]


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("make", [heic, avif])
def test_the_data_of_an_item_lies_within_the_file(make: type[bytes], version: int) -> None:
    size = len(with_location(make(6, 4), item_location(version, 0, 0)))  # type: ignore[call-arg, arg-type]

    def located(offset: int, length: int, method: int = 0) -> bytes:
        return with_location(make(6, 4), item_location(version, offset, length, method))  # type: ignore[call-arg, arg-type]

    assert is_complete(located(size - 10, 10))
    assert not is_complete(located(size - 10, 11))
    assert not is_complete(located(0xFFFFFFFF, 0xFFFFFFFF))
    if version:
        assert is_complete(located(size, 10, method=1))  # within the box `idat`


def test_a_box_of_64_bits_has_its_length() -> None:
    data = heic()
    at = data.index(b"mdat") - 4
    large = data[:at] + struct.pack(">I4sQ", 1, b"mdat", 16 + 16) + bytes(16)

    assert is_complete(large)
    assert not is_complete(large[:-1])


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00\x18ftypheic", heic()[:40]])
def test_a_file_without_a_picture_is_not_whole_and_has_no_size(data: bytes) -> None:
    assert not iso_boxes.is_complete(io.BytesIO(data), len(data))
    assert iso_boxes.dimensions(io.BytesIO(data), len(data)) is None


def test_directories_that_lead_to_themselves_end() -> None:
    data = bytearray(tiff_image())
    (first,) = struct.unpack_from("<I", data, 4)
    data[-4:] = struct.pack("<I", first)

    assert tiff.is_complete(io.BytesIO(data), len(data))


def test_a_directory_of_too_many_fields_is_none() -> None:
    data = b"II*\x00\x08\x00\x00\x00\xff\xff" + bytes(12 * 65_535 + 4)

    assert not tiff.is_complete(io.BytesIO(data), len(data))
    assert tiff.dimensions(io.BytesIO(data), len(data)) is None


def test_a_bitmap_of_os2_has_its_size() -> None:
    """`imagesize` says 3145792 x 1572865."""
    picture = bytes(192 * 144 * 3)
    header = struct.pack("<IHHHH", 12, 192, 144, 1, 24)
    data = b"BM" + struct.pack("<IHHI", 26 + len(picture), 0, 0, 26) + header + picture

    assert size_of(data) == (192, 144)
    assert is_complete(data)
    assert not is_complete(data[:-1])


def test_a_bitmap_from_top_to_bottom_has_its_size() -> None:
    data = bytearray(bmp())
    data[22:26] = struct.pack("<i", -4)

    assert size_of(bytes(data)) == (6, 4)
    assert is_complete(bytes(data))


def test_the_padding_of_the_last_row_may_be_missing_where_the_header_says_so() -> None:
    data = bytearray(bmp(5, 3))[:-1]
    assert not is_complete(bytes(data))
    data[2:6] = struct.pack("<I", len(data))

    assert is_complete(bytes(data))


def test_an_icon_has_the_size_of_its_largest_picture() -> None:
    entries = b"".join(struct.pack("<BBBBHHII", side, side, 0, 0, 1, 8, 4, 54) for side in (16, 48, 32))
    data = struct.pack("<HHH", 0, 1, 3) + entries + b"icon"

    assert size_of(data) == (48, 48)
    assert is_complete(data)
    assert not is_complete(data[:-1])
    assert sizes.ico(io.BytesIO(struct.pack("<HHH", 0, 1, 0)), 6) is None


@pytest.mark.parametrize(
    "end", [b"</svg>", b"</SVG >", b"</svg:svg>\n<!-- made by a program -->", b"</svg>" + b" " * 100_000]
)
def test_an_svg_ends_with_its_root(end: bytes) -> None:
    start = svg().partition(b"</svg>")[0]

    assert is_complete(start + end)
    assert not is_complete(start)
    assert is_complete(b"<svg width='1'/>")
