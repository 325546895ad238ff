"""JPEG XL: the container of boxes (ISO/IEC 18181-2), and the codestream with its header of bits (ISO/IEC 18181-1)."""

from collections.abc import Iterator
from typing import IO

from functions.core.download.images import iso_boxes
from functions.core.download.images.reading import CutError, read_at

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"

HEADER_BYTES = 32
"""The size and the orientation are within the first bytes of a codestream."""

_BOXES = frozenset({b"JXL ", b"ftyp", b"jxll", b"jxlc", b"jxlp", b"jxli", b"jbrd", b"brob", b"Exif", b"xml ", b"jumb"})
_LAST_PART = 0x80

_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width by height, for the numbers 1 to 7 of the field `ratio`."""

_SIZE_BITS = (9, 13, 18, 30)
_TURNED = 4
"""Orientations from this number on exchange width and height; the number is that of EXIF minus one."""


def is_complete(file: IO[bytes], size: int) -> bool:
    """True if all boxes lie within the file and the last part of the image is among them.

    A codestream without a container does not declare its length: it is taken as whole.
    """
    try:
        if read_at(file, 0, 2) == CODESTREAM:
            return True
        boxes = list(iso_boxes.top_level(file, size, _BOXES))
        has_last = any(box.name == b"jxlc" or (box.name == b"jxlp" and _is_last(file, box)) for box in boxes)
        return has_last and all(box.end <= size for box in boxes)
    except CutError:
        return False


def dimensions(file: IO[bytes], size: int) -> tuple[int, int] | None:
    """Width and height as the image is shown, as libjxl reports them."""
    try:
        return _size(_Bits(_codestream_head(file, size)))
    except CutError:
        return None


def _is_last(file: IO[bytes], box: iso_boxes.Box) -> bool:
    return bool(read_at(file, box.start, 1)[0] & _LAST_PART)


def _codestream_head(file: IO[bytes], size: int) -> bytes:
    """Its first bytes without the signature. Raises CutError."""
    file.seek(0)
    head = file.read(HEADER_BYTES)
    if not head.startswith(CODESTREAM):
        head = b"".join(_parts(file, size))[:HEADER_BYTES]
    if not head.startswith(CODESTREAM):
        raise CutError
    return head[2:]


def _parts(file: IO[bytes], size: int) -> Iterator[bytes]:
    """The beginnings of the boxes that hold the codestream: a box `jxlp` has a number of four bytes first."""
    for box in iso_boxes.top_level(file, size, _BOXES):
        if box.name in (b"jxlc", b"jxlp"):
            start = box.start + (4 if box.name == b"jxlp" else 0)
            file.seek(start)
            yield file.read(max(0, min(box.end - start, HEADER_BYTES)))


class _Bits:
    """Numbers of bits, the lowest bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = len(data) * 8

    def number(self, bits: int) -> int:
        """Raises CutError."""
        if bits > self._left:
            raise CutError
        value = self._value & ((1 << bits) - 1)
        self._value >>= bits
        self._left -= bits
        return value


def _size(bits: _Bits) -> tuple[int, int]:
    is_small = bits.number(1)
    height = _length(bits, is_small)
    ratio = bits.number(3)
    if ratio:
        by, to = _RATIOS[ratio - 1]
        width = height * by // to
    else:
        width = _length(bits, is_small)
    return (height, width) if _is_turned(bits) else (width, height)


def _length(bits: _Bits, is_small: int) -> int:
    if is_small:
        return (bits.number(5) + 1) * 8
    return bits.number(_SIZE_BITS[bits.number(2)]) + 1


def _is_turned(bits: _Bits) -> bool:
    """The metadata follow the size: `all_default`, `extra_fields`, and then the orientation."""
    if bits.number(1) or not bits.number(1):
        return False
    return bits.number(3) >= _TURNED
