"""The supported image types: their signatures, whether a file is whole, and its size. And what other content is."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from functions.core.download.images import ends, iso_boxes, sizes, tiff

HEAD_BYTES = 512
"""Number of bytes that identify every type of the tables."""


@dataclass(frozen=True, slots=True)
class ImageType:
    """A row of the table. `is_complete` and `dimensions` take a file and its size in bytes.

    `dimensions` returns width and height in pixels, or None where they cannot be read.
    """

    name: str
    content_type: str
    extension: str
    matches: Callable[[bytes], bool]
    is_complete: Callable[[IO[bytes], int], bool]
    dimensions: Callable[[IO[bytes], int], tuple[int, int] | None] = sizes.by_imagesize


def _starts_with(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    """ISO base media files: `ftyp`, then the major brand and the compatible brands."""
    return lambda head: head[4:8] == b"ftyp" and any(brand in head[8:64] for brand in brands)


_BOM = b"\xef\xbb\xbf"
_SVG = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(?>(<!--.*?-->\s*)*)(<!DOCTYPE\s+svg[^>]*>\s*)?<svg[\s>]", re.DOTALL | re.IGNORECASE
)

IMAGE_TYPES = (
    ImageType("jpeg", "image/jpeg", "jpg", _starts_with(b"\xff\xd8\xff"), ends.jpeg),
    ImageType("png", "image/png", "png", _starts_with(b"\x89PNG\r\n\x1a\n"), ends.png),
    ImageType("gif", "image/gif", "gif", _starts_with(b"GIF87a", b"GIF89a"), ends.gif),
    ImageType("webp", "image/webp", "webp", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", ends.webp),
    ImageType("avif", "image/avif", "avif", _brand(b"avif", b"avis"), iso_boxes.is_complete, iso_boxes.dimensions),
    ImageType(
        "heic",
        "image/heic",
        "heic",
        _brand(b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1"),
        iso_boxes.is_complete,
        iso_boxes.dimensions,
    ),
    ImageType(
        "tiff",
        "image/tiff",
        "tif",
        _starts_with(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
        tiff.is_complete,
        tiff.dimensions,
    ),
    ImageType(
        "bmp", "image/bmp", "bmp", lambda head: head[:2] == b"BM" and head[6:10] == bytes(4), ends.bmp, sizes.bmp
    ),
    ImageType("ico", "image/x-icon", "ico", _starts_with(b"\x00\x00\x01\x00"), ends.ico, sizes.ico),
    ImageType(
        "svg",
        "image/svg+xml",
        "svg",
        lambda head: bool(_SVG.match(head.removeprefix(_BOM))),
        ends.svg,
        sizes.unknown,
    ),
)
"""The supported types; the first match applies."""

_UNSUPPORTED_IMAGES = (
    ("JPEG XL", _starts_with(b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n")),
    ("JPEG 2000", _starts_with(b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")),
    ("PSD", _starts_with(b"8BPS")),
)
_HTML = re.compile(rb"\s*(?>(<!--.*?-->\s*)*)<(!doctype\s+html|html|head|body|script|meta|title)\b", re.I | re.DOTALL)
_JSON = re.compile(rb"\s*(\{\s*[\"}]|\[\s*([\"{\[\]\d-]|true|false|null))")
_OTHER_CONTENT = (
    ("HTML", lambda head: bool(_HTML.match(head.removeprefix(_BOM)))),
    ("XML", lambda head: head.removeprefix(_BOM).lstrip().startswith(b"<?xml")),
    ("JSON", lambda head: bool(_JSON.match(head.removeprefix(_BOM)))),
    ("a PDF", _starts_with(b"%PDF-")),
    ("an MP4 or MOV video", lambda head: head[4:8] == b"ftyp"),
    ("a WebM or Matroska video", _starts_with(b"\x1aE\xdf\xa3")),
    ("a ZIP archive", _starts_with(b"PK\x03\x04", b"PK\x05\x06")),
    ("gzip data", _starts_with(b"\x1f\x8b")),
)


def detect_image_type(head: bytes) -> ImageType | None:
    """The type of the file that begins with `head`, or None where it is not a supported image."""
    return next((image_type for image_type in IMAGE_TYPES if image_type.matches(head[:HEAD_BYTES])), None)


def describe_unsupported(head: bytes) -> str:
    """A sentence about a body that is not a supported image, with its format where its first bytes identify it."""
    head = head[:HEAD_BYTES]
    for name, matches in _UNSUPPORTED_IMAGES:
        if matches(head):
            return f"The response body is {name}, an image format that is not supported (Content-Type is ignored)."
    for name, matches in _OTHER_CONTENT:
        if matches(head):
            return f"The response body is {name}, not an image (Content-Type is ignored)."
    return "The response body is not an image (Content-Type is ignored)."
