"""Bytes of a manifest to text: UTF-8 and nothing else, faults by their byte offset."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from functions.core.model.errors import InvalidManifest


class _Bytes(io.RawIOBase):
    """Chunks as a readable file that knows where it is. Raises InvalidManifest at a zero byte."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            if (at := chunk.find(0)) >= 0:
                raise InvalidManifest(
                    f"Byte {self._given + at} of the manifest is zero, as in UTF-16. Save it as UTF-8."
                )
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._given += count
        return count

    def tell(self) -> int:
        return self._given


@contextmanager
def open_text(chunks: Iterable[bytes]) -> Iterator[TextIO]:
    """The manifest as a text file, its lines ended by LF and kept as they are, a byte order mark left out.

    Raises InvalidManifest for what is not UTF-8, with the byte offset, also while it is being read in the context.
    """
    source = io.BufferedReader(_Bytes(chunks), 256 * 1024)
    try:
        yield io.TextIOWrapper(source, encoding="utf-8-sig", newline="\n")
    except UnicodeDecodeError as error:
        offset = source.tell() - len(error.object) + error.start
        byte = error.object[error.start]
        raise InvalidManifest(f"The manifest is not UTF-8: byte {offset} is 0x{byte:02x}. Save it as UTF-8.") from error
