"""Streams of a manifest: chunks as a file, gzip decompressed, bytes decoded. Memory use does not depend on the size."""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO

from functions.core.model.errors import InvalidManifest

PIECE_BYTES = 1024 * 1024
"""Maximum size of a piece of decompressed data, in bytes, whatever the compression ratio."""

MAX_LINE_BYTES = 6 * 180 * 1024
"""Maximum length of a line of CSV or JSON Lines, in bytes: a row of MAX_ITEM_BYTES of which each byte is written as a
JSON escape, which has six. In CSV, only quotation marks are longer."""

MAX_EMPTY_GZIP_BYTES = 1024 * 1024
"""Maximum number of compressed bytes that are read without data, in addition to twice the data. Gzip adds 18 bytes to
each member, and 5 to each 32 KB that cannot be compressed (RFC 1951, RFC 1952)."""

BUFFER_BYTES = 256 * 1024
"""Size of the read buffer, in bytes: the size of the chunks that are read from S3."""


class ChunkReader(io.RawIOBase):
    """Chunks of bytes as a readable file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._rest = memoryview(b"")
        self._position = 0

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
        self._position += count
        return count

    def tell(self) -> int:
        return self._position


def decompress_gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The decompressed data, of all gzip members in sequence. Raises InvalidManifest."""
    compressed = _CompressedChunks(chunks)
    try:
        with gzip.GzipFile(fileobj=io.BufferedReader(ChunkReader(compressed), BUFFER_BYTES)) as file:
            while piece := file.read1(PIECE_BYTES):
                compressed.max_bytes += 2 * len(piece)
                yield piece
    except EOFError as error:
        raise InvalidManifest("The gzip file is truncated. Upload it again.", at_end=True) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InvalidManifest(
            f"The name of the manifest ends with .gz, but it is not a valid gzip file: {error}. "
            "Compress it with gzip, or remove .gz from its name."
        ) from error


class _CompressedChunks:
    """Chunks up to `max_bytes` in total, which grows with the decompressed data. Raises InvalidManifest above it."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.max_bytes = MAX_EMPTY_GZIP_BYTES
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        position = 0
        for chunk in self._chunks:
            if position > self.max_bytes:
                raise InvalidManifest(
                    f"The gzip file has almost no data in its first {position} bytes. Compress the manifest as a whole."
                )
            position += len(chunk)
            yield chunk


def first_bytes(chunks: Iterable[bytes], count: int) -> Iterator[bytes]:
    """The chunks up to `count` bytes in total."""
    for chunk in chunks:
        yield chunk[:count]
        count -= len(chunk)
        if count <= 0:
            return


@contextmanager
def open_text(chunks: Iterable[bytes], start: int = 0) -> Iterator[TextIO]:
    """The manifest as a text file without a byte order mark. Lines end with LF and are otherwise unchanged.

    The chunks are those from the byte `start` on. Raises InvalidManifest with the byte offset for data that is not
    UTF-8, also while the file is read.
    """
    source = io.BufferedReader(ChunkReader(_without_zero_bytes(chunks, start)), BUFFER_BYTES)
    try:
        yield io.TextIOWrapper(source, encoding="utf-8" if start else "utf-8-sig", newline="\n")
    except UnicodeDecodeError as error:
        offset = start + source.tell() - len(error.object) + error.start
        byte = error.object[error.start]
        raise InvalidManifest(f"The manifest is not UTF-8: byte {offset} is 0x{byte:02x}. Save it as UTF-8.") from error


def open_lines(chunks: Iterable[bytes], start: int = 0) -> AbstractContextManager[TextIO]:
    """The same for a manifest of lines. Raises InvalidManifest for a line of more than MAX_LINE_BYTES too."""
    return open_text(_with_short_lines(chunks, start), start)


def _with_short_lines(chunks: Iterable[bytes], start: int) -> Iterator[bytes]:
    """The chunks. A line that is longer by less than a chunk may pass."""
    line_start = offset = start
    for chunk in chunks:
        first_end = chunk.find(b"\n")
        length = offset + (first_end if first_end >= 0 else len(chunk)) - line_start
        if length > MAX_LINE_BYTES:
            raise InvalidManifest(
                f"The line of the manifest that begins at byte {line_start} is longer than 1.1 MB. A row has at most "
                "180 KB: end each row with a line feed, and remove long columns."
            )
        if first_end >= 0:
            line_start = offset + chunk.rfind(b"\n") + 1
        offset += len(chunk)
        yield chunk


def _without_zero_bytes(chunks: Iterable[bytes], start: int) -> Iterator[bytes]:
    """The chunks. Raises InvalidManifest at a zero byte, which is valid UTF-8 but in practice means UTF-16."""
    offset = start
    for chunk in chunks:
        if (index := chunk.find(0)) >= 0:
            raise InvalidManifest(
                f"Byte {offset + index} of the manifest is zero, as in UTF-16. Save it as UTF-8 (in Excel: CSV UTF-8)."
            )
        offset += len(chunk)
        yield chunk
