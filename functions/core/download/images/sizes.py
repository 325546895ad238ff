"""Width and height in pixels by the header of a file, where imagesize does not read them, or not rightly."""

import math
from typing import IO

import imagesize

from functions.core.download.images.reading import CutError, read_at, unpack_at

Size = tuple[int, int]


def by_imagesize(file: IO[bytes], size: int) -> Size | None:
    file.seek(0)
    width, height = imagesize.get(file, exif_rotation=False)  # raises nothing: -1 where it cannot read the header
    return (width, height) if width > 0 and height > 0 else None


def ico(file: IO[bytes], size: int) -> Size | None:
    """The size of the largest picture; 256 is written as 0."""
    try:
        (count,) = unpack_at(file, 4, "<H")
        entries = read_at(file, 6, 16 * (count - 1) + 2) if count else b""
    except CutError:
        return None
    pictures = ((entries[at] or 256, entries[at + 1] or 256) for at in range(0, len(entries), 16))
    return max(pictures, key=math.prod, default=None)


def bmp(file: IO[bytes], size: int) -> Size | None:
    """imagesize reads the short header of OS/2 as if it were the longer one of Windows. Rows may be from top to bottom,
    which is a negative height."""
    try:
        (header,) = unpack_at(file, 14, "<I")
        width, height = unpack_at(file, 18, "<HH" if header == 12 else "<ii")
    except CutError:
        return None
    return (width, abs(height)) if width > 0 and height else None


def unknown(file: IO[bytes], size: int) -> Size | None:
    """A vector graphic has no pixels."""
    return None
