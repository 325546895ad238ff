"""What a file is, by its bytes and never by its header: type, size in pixels, and whether its end is there."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import SEEK_CUR
from typing import IO

import imagesize

HEAD_BYTES = 512
"""Enough to tell every type in the table."""

TAIL_BYTES = 64 * 1024
"""Tools append to PNG files; the end mark is looked for this far back."""


@dataclass(frozen=True, slots=True)
class ImageType:
    """`complete` reads a whole file and says whether its end mark is there, where the format has one."""

    name: str
    content_type: str
    extension: str
    matches: Callable[[bytes], bool]
    complete: Callable[[IO[bytes], int], bool] = lambda file, size: True


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    """ISO base media files: `ftyp`, then the major brand and the compatible ones."""
    return lambda head: head[4:8] == b"ftyp" and any(brand in head[8:64] for brand in brands)


def _tail(file: IO[bytes], size: int) -> bytes:
    file.seek(max(0, size - TAIL_BYTES))
    return file.read(TAIL_BYTES)


def _png_ends(file: IO[bytes], size: int) -> bool:
    return b"IEND\xaeB`\x82" in _tail(file, size)


def _gif_ends(file: IO[bytes], size: int) -> bool:
    """The trailer where a block would begin: its one byte is in any image data, too."""
    file.seek(10)
    _skip_colours(file, file.read(3)[:1])
    while block := file.read(1):
        if block == b"\x3b":
            return True
        if block == b"\x2c":  # an image: its place and size, its own colours, the width of its codes
            _skip_colours(file, file.read(9)[8:])
        file.seek(1, SEEK_CUR)  # that width, or an extension's label
        while length := file.read(1):
            if length == b"\x00":
                break
            file.seek(length[0], SEEK_CUR)
    return False


def _skip_colours(file: IO[bytes], flags: bytes) -> None:
    """A table of 2 to 256 colours of three bytes, where the flags say that there is one."""
    if flags and flags[0] & 0x80:
        file.seek(3 << (flags[0] & 0x07) + 1, SEEK_CUR)


def _webp_ends(file: IO[bytes], size: int) -> bool:
    """RIFF says how long it is; the byte that pads it to an even length may be missing."""
    file.seek(4)
    return size >= int.from_bytes(file.read(4), "little") + 8 - 1


def _jpeg_ends(file: IO[bytes], size: int) -> bool:
    """An end-of-image mark after the first scan begins.

    Segments before it are stepped over by their lengths, for an Exif thumbnail has an end mark of its own. In a scan
    0xFF is always stuffed, so the mark is a real one; what follows it (a motion photo's film) is nobody's business.
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
            return _ends(file, position, size) or _contains(file, position)
    return False


_JPEG_END = b"\xff\xd9"


def _ends(file: IO[bytes], position: int, size: int) -> bool:
    """Where nearly every file has it, so that few are read once more."""
    file.seek(max(position, size - len(_JPEG_END)))
    return file.read() == _JPEG_END


def _contains(file: IO[bytes], position: int) -> bool:
    file.seek(position)
    kept = b""
    while chunk := file.read(256 * 1024):
        if _JPEG_END in kept + chunk:
            return True
        kept = chunk[-1:]
    return False


_SVG = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(?>(<!--.*?-->\s*)*)(<!DOCTYPE\s+svg[^>]*>\s*)?<svg[\s>]", re.DOTALL | re.IGNORECASE
)

IMAGE_TYPES = (
    ImageType("jpeg", "image/jpeg", "jpg", _starts(b"\xff\xd8\xff"), _jpeg_ends),
    ImageType("png", "image/png", "png", _starts(b"\x89PNG\r\n\x1a\n"), _png_ends),
    ImageType("gif", "image/gif", "gif", _starts(b"GIF87a", b"GIF89a"), _gif_ends),
    ImageType("webp", "image/webp", "webp", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _webp_ends),
    ImageType("avif", "image/avif", "avif", _brand(b"avif", b"avis")),
    ImageType("heic", "image/heic", "heic", _brand(b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1")),
    ImageType("tiff", "image/tiff", "tif", _starts(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")),
    ImageType("bmp", "image/bmp", "bmp", lambda head: head[:2] == b"BM" and head[6:10] == bytes(4)),
    ImageType("ico", "image/x-icon", "ico", _starts(b"\x00\x00\x01\x00")),
    ImageType("svg", "image/svg+xml", "svg", lambda head: bool(_SVG.match(head.removeprefix(b"\xef\xbb\xbf")))),
)
"""The first that matches wins."""


def image_type(head: bytes) -> ImageType | None:
    """Of the file that begins with `head`, or None where it is no image that we know."""
    return next((kind for kind in IMAGE_TYPES if kind.matches(head[:HEAD_BYTES])), None)


def pixels(kind: ImageType, file: IO[bytes]) -> tuple[int, int] | None:
    """Width and height as the file's header says, or None where it does not say."""
    if kind.name == "svg":
        return None
    file.seek(0)
    if kind.name == "ico":
        entry = file.read(8)
        return (entry[6] or 256, entry[7] or 256) if len(entry) == 8 else None
    width, height = imagesize.get(file, exif_rotation=False)  # raises nothing: what it cannot read has -1
    return (width, height) if width > 0 and height > 0 else None
