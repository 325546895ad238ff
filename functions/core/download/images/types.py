"""The supported image types: their signatures, whether a file is whole, and its size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from functions.core.download.images import ends, iso_boxes, jpeg_2000, jpeg_xl, raw_photos, sizes, svg, tiff
from functions.core.download.images.signatures import Matches, brand, riff, starts_with


@dataclass(frozen=True, slots=True)
class FileType:
    """A row of a table of types. `is_complete` and `dimensions` take a file and its size in bytes.

    `dimensions` returns width and height in pixels, or None where they cannot be read.
    """

    name: str
    content_type: str
    extension: str
    matches: Matches
    is_complete: Callable[[IO[bytes], int], bool]
    dimensions: Callable[[IO[bytes], int], tuple[int, int] | None] = sizes.by_imagesize


_HEIC = brand(b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1")
_JXL = starts_with(jpeg_xl.CODESTREAM, jpeg_xl.CONTAINER)
_JP2 = starts_with(jpeg_2000.FILE)
_J2K = starts_with(jpeg_2000.CODESTREAM)

IMAGE_TYPES = (
    FileType("jpeg", "image/jpeg", "jpg", starts_with(b"\xff\xd8\xff"), ends.jpeg),
    FileType("png", "image/png", "png", starts_with(b"\x89PNG\r\n\x1a\n"), ends.png),
    FileType("gif", "image/gif", "gif", starts_with(b"GIF87a", b"GIF89a"), ends.gif),
    FileType("webp", "image/webp", "webp", riff(b"WEBP"), ends.webp),
    FileType("avif", "image/avif", "avif", brand(b"avif", b"avis"), iso_boxes.is_complete, iso_boxes.dimensions),
    FileType("heic", "image/heic", "heic", _HEIC, iso_boxes.is_complete, iso_boxes.dimensions),
    FileType("tiff", "image/tiff", "tif", raw_photos.is_plain_tiff, tiff.is_complete, tiff.dimensions),
    FileType("bmp", "image/bmp", "bmp", lambda head: head[:2] == b"BM" and head[6:10] == bytes(4), ends.bmp, sizes.bmp),
    FileType("ico", "image/x-icon", "ico", starts_with(b"\x00\x00\x01\x00"), ends.ico, sizes.ico),
    FileType("jxl", "image/jxl", "jxl", _JXL, jpeg_xl.is_complete, jpeg_xl.dimensions),
    FileType("jp2", "image/jp2", "jp2", _JP2, jpeg_2000.is_complete_file, jpeg_2000.file_dimensions),
    FileType("j2k", "image/j2c", "j2k", _J2K, jpeg_2000.is_complete_codestream, jpeg_2000.codestream_dimensions),
    FileType("svg", "image/svg+xml", "svg", svg.is_svg, svg.is_complete, sizes.unknown),
)
"""The supported types; the first match applies."""


def detect_image_type(head: bytes) -> FileType | None:
    """The type of the file that begins with `head`, or None where it is not a supported image.

    512 bytes identify every type except SVG, whose root element may come after a long document type declaration.
    """
    return next((image_type for image_type in IMAGE_TYPES if image_type.matches(head)), None)
