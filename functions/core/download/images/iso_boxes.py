"""HEIC and AVIF: the boxes of ISO base media files (ISO/IEC 14496-12), with the items of HEIF (ISO/IEC 23008-12).

The size is that of the primary item as it is shown: cropped (`clap`) and rotated (`irot`), as libheif reports it.
"""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO

from functions.core.download.images.reading import CutError, read_at, unpack_at

MAX_META_BYTES = 16 * 1024 * 1024
"""Maximum size of the metadata that is read, in bytes. That of a picture of many tiles has about 100 KB."""

MAX_BOXES = 4096
"""Maximum number of boxes in one box."""

_TOP_LEVEL = frozenset(
    {b"ftyp", b"meta", b"mdat", b"idat", b"moov", b"moof", b"mfra", b"free", b"skip", b"wide", b"uuid"}
)
"""Boxes at the top of a file. What follows with another name is data that a program has appended."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its name, and the positions of its content and of its end. `end` may lie beyond the end of the file."""

    name: bytes
    start: int
    end: int


def is_complete(file: IO[bytes], size: int) -> bool:
    """True if every box at the top, and the data of every item, lies within the file."""
    try:
        boxes = list(top_level(file, size))
        if any(box.end > size for box in boxes):
            return False
        extents = [extent for box in boxes if box.name == b"meta" for extent in _extents(_content(file, box))]
    except (CutError, struct.error):
        return False
    has_picture = bool(extents) or any(box.name == b"mdat" for box in boxes)
    return has_picture and all(offset + length <= size for offset, length in extents)


def dimensions(file: IO[bytes], size: int) -> tuple[int, int] | None:
    """Width and height of the primary item in pixels, or None where the file does not say it."""
    try:
        for box in top_level(file, size):
            if box.name == b"meta":
                return _primary_dimensions(_content(file, box))
    except (CutError, struct.error, ZeroDivisionError):
        pass
    return None


def top_level(file: IO[bytes], size: int, names: Collection[bytes] = _TOP_LEVEL) -> Iterator[Box]:
    """The boxes at the top of a file, up to the first with another name. Raises CutError."""
    position = 0
    for _ in range(MAX_BOXES):
        if position >= size:
            return
        header = read_at(file, position, min(8, size - position))
        if header[4:] not in names:
            return
        length, name = struct.unpack(">I4s", header)
        start = position + 8
        if length == 1:
            (length,) = unpack_at(file, start, ">Q")
            start += 8
        end = size if length == 0 else position + length
        yield Box(name, start, end)
        position = max(end, start)


def _content(file: IO[bytes], box: Box) -> bytes:
    """The content of the box `meta`, without its version and flags. Raises CutError."""
    return read_at(file, box.start, min(box.end - box.start, MAX_META_BYTES))[4:]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the boxes in the content of a box. A box that is cut off has what there is."""
    position = 0
    for _ in range(MAX_BOXES):
        if position + 8 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, position)
        header = 8
        if length == 1 and position + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, position + 8)
            header = 16
        end = len(data) if length == 0 else position + max(length, header)
        yield name, data[position + header : end]
        position = end


def _box(data: bytes, name: bytes) -> bytes:
    return next((content for found, content in _boxes(data) if found == name), b"")


def _extents(meta: bytes) -> Iterator[tuple[int, int]]:
    """Offset and length of the parts of all items in the file, of the box `iloc`. An item within `meta` has 0 and 0."""
    data = _box(meta, b"iloc")
    if not data:
        return
    version, sizes = data[0], struct.unpack_from(">H", data, 4)[0]
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version in (1, 2) else 0
    reader = _Fields(data, 6)
    for _ in range(reader.number(4 if version == 2 else 2)):
        reader.number(4 if version == 2 else 2)  # the item's ID
        method = reader.number(2) & 15 if version in (1, 2) else 0
        reference = reader.number(2)
        base = reader.number(base_size)
        for _ in range(reader.number(2)):
            reader.number(index_size)
            offset, length = reader.number(offset_size), reader.number(length_size)
            yield (base + offset, length) if method == 0 and reference == 0 else (0, 0)


class _Fields:
    """Big-endian numbers of different sizes, one after the other."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position

    def number(self, size: int) -> int:
        """Raises CutError."""
        part = self._data[self._position : self._position + size]
        if len(part) < size:
            raise CutError
        self._position += size
        return int.from_bytes(part, "big")


def _primary_dimensions(meta: bytes) -> tuple[int, int] | None:
    properties = list(_boxes(_box(_box(meta, b"iprp"), b"ipco")))
    size: tuple[int, int] | None = None
    for index in _associated(_box(_box(meta, b"iprp"), b"ipma"), _primary_item(_box(meta, b"pitm"))):
        if not 0 < index <= len(properties):
            continue
        name, content = properties[index - 1]
        if name == b"ispe":
            size = struct.unpack_from(">II", content, 4)
        elif name == b"clap" and size:
            width, width_by, height, height_by = struct.unpack_from(">IIII", content)
            size = round(width / width_by), round(height / height_by)
        elif name == b"irot" and size and content[:1] and content[0] & 1:
            size = size[1], size[0]
    return size if size and min(size) > 0 else None


def _primary_item(data: bytes) -> int:
    """The ID of the item of the box `pitm`."""
    if not data:
        raise CutError
    return _Fields(data, 4).number(2 if data[0] == 0 else 4)


def _associated(data: bytes, item: int) -> list[int]:
    """The numbers of the properties of an item, by the box `ipma`, in the order in which they apply."""
    if not data:
        return []
    version, flags = data[0], data[3]
    reader = _Fields(data, 4)
    for _ in range(reader.number(4)):
        item_id = reader.number(2 if version == 0 else 4)
        width = 2 if flags & 1 else 1
        numbers = [reader.number(width) & (0x7FFF if width == 2 else 0x7F) for _ in range(reader.number(1))]
        if item_id == item:
            return numbers
    return []
