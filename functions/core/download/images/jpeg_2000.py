"""JPEG 2000: the file of boxes (ISO/IEC 15444-1, annex I) and the codestream of markers (annex A)."""

from collections.abc import Iterator
from typing import IO

from functions.core.download.images import iso_boxes
from functions.core.download.images.reading import CutError, read_at, unpack_at

FILE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"

MAX_MARKERS = 100_000
BLOCK_BYTES = 256 * 1024

_BOXES = frozenset(
    {b"jP  ", b"ftyp", b"jp2h", b"jp2c", b"jp2i", b"xml ", b"uuid", b"uinf", b"rreq", b"jpch", b"jplh", b"asoc"}
    | {b"nlst", b"ftbl", b"dtbl", b"mdat", b"free", b"cgrp", b"drep", b"comp", b"lbl ", b"roid", b"jumb", b"res "}
)
_START_OF_TILE = 0xFF90
_END = 0xFFD9


def is_complete_file(file: IO[bytes], size: int) -> bool:
    """True if all boxes and the codestream lie within the file."""
    try:
        boxes = list(iso_boxes.top_level(file, size, _BOXES))
        codestreams = [box for box in boxes if box.name == b"jp2c"]
        return (
            bool(codestreams)
            and all(box.end <= size for box in boxes)
            and all(_has_end(file, box.start, box.end) for box in codestreams)
        )
    except CutError:
        return False


def is_complete_codestream(file: IO[bytes], size: int) -> bool:
    """True if all parts of tiles and the marker of the end lie within the file."""
    try:
        return _has_end(file, 0, size)
    except CutError:
        return False


def file_dimensions(file: IO[bytes], size: int) -> tuple[int, int] | None:
    """Width and height by the box `ihdr`, which is the first in `jp2h`; else by the codestream."""
    try:
        for box in iso_boxes.top_level(file, size, _BOXES):
            if box.name == b"jp2h" and read_at(file, box.start + 4, 4) == b"ihdr":
                height, width = unpack_at(file, box.start + 8, ">II")
                return (width, height) if width and height else None
            if box.name == b"jp2c":
                return _size(file, box.start)
    except CutError:
        pass
    return None


def codestream_dimensions(file: IO[bytes], size: int) -> tuple[int, int] | None:
    try:
        return _size(file, 0)
    except CutError:
        return None


def _size(file: IO[bytes], start: int) -> tuple[int, int] | None:
    """The marker segment SIZ: the size of the reference grid without the offset of the image."""
    right, bottom, left, top = unpack_at(file, start + 8, ">IIII")
    return (right - left, bottom - top) if right > left and bottom > top else None


def _has_end(file: IO[bytes], start: int, end: int) -> bool:
    """Look for the end marker behind the parts of tiles, by their lengths. Raises CutError."""
    position = start + 2
    for _ in range(MAX_MARKERS):
        marker, length = unpack_at(file, position, ">HH") if position + 4 <= end else (*_last(file, position), 0)
        if marker == _END:
            return True
        if marker != _START_OF_TILE:
            position += 2 + length
            continue
        (part,) = unpack_at(file, position + 6, ">I")
        if part == 0:  # the last part goes on up to the end marker
            return any(b"\xff\xd9" in block for block in _blocks(file, position, end))
        position += max(part, 12)
    return False


def _last(file: IO[bytes], position: int) -> tuple[int, ...]:
    return unpack_at(file, position, ">H")


def _blocks(file: IO[bytes], position: int, end: int) -> Iterator[bytes]:
    """Blocks that overlap by one byte. The end marker does not occur in the data of a tile."""
    while position + 1 < end:
        file.seek(position)
        yield file.read(min(BLOCK_BYTES, end - position))
        position += BLOCK_BYTES - 1
