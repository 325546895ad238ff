"""Bytes of a manifest to text: UTF-8 and nothing else, faults by their byte offset."""

import codecs
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from functions.core.faults import InvalidManifest

_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


class _Bytes(io.RawIOBase):
    """Chunks as a readable file; counts what it gave."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self.given += count
        return count


class _Text(io.TextIOWrapper):
    def __init__(self, raw: _Bytes) -> None:
        super().__init__(io.BufferedReader(raw, 256 * 1024), encoding="utf-8", newline="")


@contextmanager
def text(chunks: Iterable[bytes]) -> Iterator[TextIO]:
    """The manifest as a text file, line ends kept, a byte order mark left out.

    Raises InvalidManifest for what is not UTF-8, with the byte offset, also while it is being read in the context.
    """
    raw = _Bytes(chunks)
    try:
        file = _Text(raw)
        first = file.buffer.peek(4)[:4]  # type: ignore[attr-defined]
        for mark, name in _MARKS.items():
            if first.startswith(mark):
                raise InvalidManifest(f"The manifest is {name} (byte 0). Save it as UTF-8.")
        if first.startswith(codecs.BOM_UTF8):
            file.buffer.read(len(codecs.BOM_UTF8))
        yield file
    except UnicodeDecodeError as error:
        offset = raw.given - len(error.object) + error.start
        raise InvalidManifest(
            f"The manifest is not UTF-8: byte {offset} is 0x{error.object[error.start]:02x}. Save it as UTF-8."
        ) from error
