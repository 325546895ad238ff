"""Is a file whole? By the end marker or the extents of its format, looked for as decoders do: data behind the end is
ignored, and so are stray bytes that decoders skip."""

import re
import struct
from io import SEEK_CUR
from typing import IO

from functions.core.download.images.reading import CutError, read_at, unpack_at

TAIL_BYTES = 64 * 1024
"""Length of the end of a file that is searched for an end marker first, in bytes."""

BLOCK_BYTES = 256 * 1024


def _tail(file: IO[bytes], size: int) -> bytes:
    file.seek(max(0, size - TAIL_BYTES))
    return file.read(TAIL_BYTES)


_IEND = b"IEND\xaeB`\x82"


def png(file: IO[bytes], size: int) -> bool:
    """Look for the last chunk by the lengths of the chunks; then at the end, for a file with a wrong length."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name == b"IEND":
            return len(file.read(4)) == 4
        file.seek(length + 4, SEEK_CUR)
    return _IEND in _tail(file, size)


def gif(file: IO[bytes], size: int) -> bool:
    """Look for the trailer at the start of a block: its one byte occurs in image data, too.

    Bytes between the blocks that start none are skipped after the first image, as Pillow and Go do.
    """
    file.seek(10)
    _skip_color_table(file, file.read(3)[:1])
    has_image = False
    while block := file.read(1):
        if block == b"\x3b":
            return True
        if block == b"\x2c":  # an image: position and size, local color table, code size
            _skip_color_table(file, file.read(9)[8:])
            has_image = True
        elif block != b"\x21" and (has_image or block == b"\x00"):
            continue
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


def webp(file: IO[bytes], size: int) -> bool:
    """Compare with the length in the RIFF header; the byte that pads to an even length may be missing."""
    file.seek(4)
    return size >= int.from_bytes(file.read(4), "little") + 8 - 1


_EOI = b"\xff\xd9"
_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9


def jpeg(file: IO[bytes], size: int) -> bool:
    """Look for an end-of-image marker (EOI) after the first scan begins.

    Segments are skipped by their lengths, because an Exif thumbnail has an EOI of its own, and bytes between them are
    skipped, as libjpeg does. In a scan 0xFF is always escaped, so an EOI is a real one; data after it is ignored (the
    video of a motion photo).
    """
    position = 2
    while (marker := _next_marker(file, position)) is not None:
        code, position = marker
        if code == _END_OF_IMAGE:
            return False  # before the first scan
        if code in _WITHOUT_LENGTH:
            continue
        file.seek(position)
        length = file.read(2)
        position += int.from_bytes(length, "big")
        if len(length) < 2 or position > size:
            return False
        if code == _START_OF_SCAN:
            return _ends_with_eoi(file, position, size) or _contains_eoi(file, position, size)
    return False


def _next_marker(file: IO[bytes], position: int) -> tuple[int, int] | None:
    """The code of the next marker, and the position behind it."""
    file.seek(position)
    previous = b""
    while chunk := file.read(BLOCK_BYTES if previous else 64):
        searched = previous + chunk
        if match := _MARKER.search(searched):
            return match[1][0], position - len(previous) + match.end()
        position += len(chunk)
        previous = searched[-1:]
    return None


def _ends_with_eoi(file: IO[bytes], position: int, size: int) -> bool:
    """Check the end first, where nearly every file has it, so that few are read again."""
    file.seek(max(position, size - len(_EOI)))
    return file.read() == _EOI


def _contains_eoi(file: IO[bytes], position: int, size: int) -> bool:
    """Walk the scans; the tables between them are skipped by their lengths."""
    while (marker := _next_marker(file, position)) is not None:
        code, position = marker
        if code == _END_OF_IMAGE:
            return True
        if code in _WITHOUT_LENGTH:
            continue
        file.seek(position)
        position += int.from_bytes(file.read(2), "big")
    return False


def bmp(file: IO[bytes], size: int) -> bool:
    """Compare with the length of the pixels: by width, height and depth, or for a compressed file by its header.

    The bytes that pad the last row may be missing if the header does not count them.
    """
    try:
        (declared,) = unpack_at(file, 2, "<I")
        start, header = unpack_at(file, 10, "<II")
        if header == 12:  # OS/2
            width, height, _, depth = unpack_at(file, 18, "<HHHH")
            compression = length = 0
        else:
            width, height, _, depth, compression, length = unpack_at(file, 18, "<iiHHII")
    except CutError:
        return False
    padding = 0
    if compression in (0, 3, 6):  # none, or none with bit masks
        row = (width * depth + 31) // 32 * 4
        length = row * abs(height)
        padding = row - (width * depth + 7) // 8 if declared == size else 0
    return size >= start + max(0, length) - padding


def ico(file: IO[bytes], size: int) -> bool:
    """Every picture of the directory lies within the file."""
    try:
        (count,) = unpack_at(file, 4, "<H")
        entries = read_at(file, 6, count * 16)
    except CutError:
        return False
    extents = (struct.unpack_from("<II", entries, at + 8) for at in range(0, len(entries), 16))
    return count > 0 and all(offset + length <= size for length, offset in extents)
