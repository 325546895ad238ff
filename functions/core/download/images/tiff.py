"""TIFF and BigTIFF: directories, and the strips or tiles that they name (TIFF 6.0, section 2)."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from functions.core.download.images.reading import CutError, read_at, unpack_at

MAX_DIRECTORIES = 1000
MAX_ENTRIES = 4096
MAX_VALUES = 4_000_000
"""Maximum number of strips or tiles of a directory that are compared with the size of the file."""

_WIDTH, _HEIGHT = 256, 257
_DATA = ((273, 279), (324, 325), (513, 514))
"""Tags of the offsets and of the lengths of strips, of tiles, and of a JPEG."""

_TYPES: Mapping[int, tuple[str, int]] = {
    1: ("B", 1),
    3: ("H", 2),
    4: ("I", 4),
    13: ("I", 4),
    16: ("Q", 8),
    18: ("Q", 8),
}
"""Whole numbers: the letter of `struct` and the length in bytes, by the type of an entry."""

_LENGTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


@dataclass(frozen=True, slots=True)
class _Layout:
    """The parts of a file that differ between TIFF and BigTIFF: how numbers are written."""

    order: str
    count: str
    offset: str
    entry: int
    inline: int


_CLASSIC = ("H", "I", 12, 4)
_BIG = ("Q", "Q", 20, 8)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A field of a directory. `position` is where its values are."""

    kind: int
    count: int
    position: int

    @property
    def end(self) -> int:
        return self.position + self.count * _LENGTHS.get(self.kind, 0)


def is_complete(file: IO[bytes], size: int) -> bool:
    """True if all directories, their values and the strips or tiles that they name lie within the file."""
    try:
        layout, first = _header(file)
        found = False
        for entries in _directories(file, layout, first):
            found = True
            if any(entry.end > size for entry in entries.values()):
                return False
            for offsets, lengths in _DATA:
                if not all(end <= size for end in _ends(file, layout, entries.get(offsets), entries.get(lengths))):
                    return False
    except (CutError, struct.error):
        return False
    return found


def dimensions(file: IO[bytes], size: int) -> tuple[int, int] | None:
    """Width and height of the first directory in pixels."""
    try:
        layout, first = _header(file)
        entries = next(_directories(file, layout, first), {})
        width, height = (next(_values(file, layout, entries.get(tag)), 0) for tag in (_WIDTH, _HEIGHT))
    except (CutError, struct.error):
        return None
    return (width, height) if width and height else None


def _header(file: IO[bytes]) -> tuple[_Layout, int]:
    """The layout, and the offset of the first directory."""
    head = read_at(file, 0, 4)
    order = "<" if head[:2] == b"II" else ">"
    if b"+" in head:
        return _Layout(order, *_BIG), unpack_at(file, 8, order + "Q")[0]
    return _Layout(order, *_CLASSIC), unpack_at(file, 4, order + "I")[0]


def _directories(file: IO[bytes], layout: _Layout, offset: int) -> Iterator[Mapping[int, _Entry]]:
    """The fields of each directory by their tags. Raises CutError."""
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < MAX_DIRECTORIES:
        seen.add(offset)
        (count,) = unpack_at(file, offset, layout.order + layout.count)
        start = offset + struct.calcsize(layout.count)
        if count > MAX_ENTRIES:
            raise CutError
        data = read_at(file, start, count * layout.entry)
        yield dict(_entries(data, layout, start))
        (offset,) = unpack_at(file, start + count * layout.entry, layout.order + layout.offset)


def _entries(data: bytes, layout: _Layout, start: int) -> Iterator[tuple[int, _Entry]]:
    for at in range(0, len(data), layout.entry):
        tag, kind, count = struct.unpack_from(f"{layout.order}HH{layout.offset}", data, at)
        value_at = at + layout.entry - layout.inline
        position = start + value_at
        if count * _LENGTHS.get(kind, 0) > layout.inline:
            (position,) = struct.unpack_from(layout.order + layout.offset, data, value_at)
        yield tag, _Entry(kind, count, position)


def _values(file: IO[bytes], layout: _Layout, entry: _Entry | None) -> Iterator[int]:
    if entry is None or entry.kind not in _TYPES:
        return
    letter, length = _TYPES[entry.kind]
    count = min(entry.count, MAX_VALUES)
    yield from struct.unpack(f"{layout.order}{count}{letter}", read_at(file, entry.position, count * length))


def _ends(file: IO[bytes], layout: _Layout, offsets: _Entry | None, lengths: _Entry | None) -> Iterator[int]:
    """The ends of the strips or tiles. One without a length, which old programs write, ends where it starts."""
    sizes = iter([] if lengths is None else list(_values(file, layout, lengths)))
    for offset in _values(file, layout, offsets):
        yield offset + next(sizes, 0)
