"""Reading of numbers at positions of a file."""

import struct
from typing import IO


class CutError(Exception):
    """The file ends before the bytes that its own fields promise."""


def read_at(file: IO[bytes], position: int, length: int) -> bytes:
    """Raises CutError if the file ends before."""
    file.seek(position)
    data = file.read(length)
    if len(data) < length:
        raise CutError
    return data


def unpack_at(file: IO[bytes], position: int, layout: str) -> tuple[int, ...]:
    """Numbers in the layout of `struct`. Raises CutError."""
    return struct.unpack(layout, read_at(file, position, struct.calcsize(layout)))
