"""Image files, judged by their bytes and never by Content-Type: type, dimensions in pixels, and completeness."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import SEEK_CUR
from typing import IO

import imagesize

HEAD_BYTES = 512
"""Number of bytes that identify every type of the tables."""

TAIL_BYTES = 64 * 1024
"""Length of the end of a PNG file that is searched for its last chunk, in bytes: some tools append data to it."""


@dataclass(frozen=True, slots=True)
class ImageType:
    """A row of the table. `is_complete` looks for the end marker of a file of that size, if the format has one."""

    name: str
    content_type: str
    extension: str
    matches: Callable[[bytes], bool]
    is_complete: Callable[[IO[bytes], int], bool] = lambda file, size: True


def _starts_with(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    """ISO base media files: `ftyp`, then the major brand and the compatible brands."""
    return lambda head: head[4:8] == b"ftyp" and any(brand in head[8:64] for brand in brands)


def _tail(file: IO[bytes], size: int) -> bytes:
    file.seek(max(0, size - TAIL_BYTES))
    return file.read(TAIL_BYTES)


def _png_is_complete(file: IO[bytes], size: int) -> bool:
    return b"IEND\xaeB`\x82" in _tail(file, size)


def _gif_is_complete(file: IO[bytes], size: int) -> bool:
    """Look for the trailer at the start of a block: its one byte occurs in image data, too."""
    file.seek(10)
    _skip_color_table(file, file.read(3)[:1])
    while block := file.read(1):
        if block == b"\x3b":
            return True
        if block == b"\x2c":  # an image: position and size, local color table, code size
            _skip_color_table(file, file.read(9)[8:])
        file.seek(1, SEEK_CUR)  # the code size, or the label of an extension
        while length := file.read(1):
            if length == b"\x00":
                break
            file.seek(length[0], SEEK_CUR)
    return False


def _skip_color_table(file: IO[bytes], flags: bytes) -> None:
    """Skip a table of 2 to 256 colors of three bytes, if the flags have one."""
    if flags and flags[0] & 0x80:
        file.seek(3 << (flags[0] & 0x07) + 1, SEEK_CUR)


def _webp_is_complete(file: IO[bytes], size: int) -> bool:
    """Compare with the length in the RIFF header; the byte that pads to an even length may be missing."""
    file.seek(4)
    return size >= int.from_bytes(file.read(4), "little") + 8 - 1


def _jpeg_is_complete(file: IO[bytes], size: int) -> bool:
    """Look for an end-of-image marker (EOI) after the first scan begins.

    Segments before it are skipped by their lengths, because an Exif thumbnail has an EOI of its own. In a scan 0xFF is
    always escaped, so an EOI is a real one; data after it is ignored (the video of a motion photo).
    """
    position = 2
    while position < size:
        file.seek(position)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            return False
        if head[1] == 0xFF:
            position += 1
            continue
        position += 2 + int.from_bytes(head[2:4], "big")
        if head[1] == 0xDA:
            return _ends_with_eoi(file, position, size) or _contains_eoi(file, position)
    return False


_EOI = b"\xff\xd9"


def _ends_with_eoi(file: IO[bytes], position: int, size: int) -> bool:
    """Check the end first, where nearly every file has it, so that few are read again."""
    file.seek(max(position, size - len(_EOI)))
    return file.read() == _EOI


def _contains_eoi(file: IO[bytes], position: int) -> bool:
    file.seek(position)
    previous = b""
    while chunk := file.read(256 * 1024):
        if _EOI in previous + chunk:
            return True
        previous = chunk[-1:]
    return False


_BOM = b"\xef\xbb\xbf"
_SVG = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(?>(<!--.*?-->\s*)*)(<!DOCTYPE\s+svg[^>]*>\s*)?<svg[\s>]", re.DOTALL | re.IGNORECASE
)

IMAGE_TYPES = (
    ImageType("jpeg", "image/jpeg", "jpg", _starts_with(b"\xff\xd8\xff"), _jpeg_is_complete),
    ImageType("png", "image/png", "png", _starts_with(b"\x89PNG\r\n\x1a\n"), _png_is_complete),
    ImageType("gif", "image/gif", "gif", _starts_with(b"GIF87a", b"GIF89a"), _gif_is_complete),
    ImageType(
        "webp", "image/webp", "webp", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _webp_is_complete
    ),
    ImageType("avif", "image/avif", "avif", _brand(b"avif", b"avis")),
    ImageType("heic", "image/heic", "heic", _brand(b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1")),
    ImageType("tiff", "image/tiff", "tif", _starts_with(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")),
    ImageType("bmp", "image/bmp", "bmp", lambda head: head[:2] == b"BM" and head[6:10] == bytes(4)),
    ImageType("ico", "image/x-icon", "ico", _starts_with(b"\x00\x00\x01\x00")),
    ImageType("svg", "image/svg+xml", "svg", lambda head: bool(_SVG.match(head.removeprefix(_BOM)))),
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


def dimensions(image_type: ImageType, file: IO[bytes]) -> tuple[int, int] | None:
    """Width and height in pixels by the header of the file, or None where it has none."""
    if image_type.name == "svg":
        return None
    file.seek(0)
    if image_type.name == "ico":
        entry = file.read(8)
        return (entry[6] or 256, entry[7] or 256) if len(entry) == 8 else None
    width, height = imagesize.get(file, exif_rotation=False)  # raises nothing: -1 where it cannot read the header
    return (width, height) if width > 0 and height > 0 else None
