"""A response's body, onto disk past a small size: bounded raw and decoded, hashed on the way."""

import hashlib
import itertools
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason

CHUNK_BYTES = 64 * 1024
IN_MEMORY_BYTES = 256 * 1024
"""Per download, and there may be 272 at a time; what is larger lies in a temporary file."""

_ENCODINGS = {"gzip", "x-gzip", "deflate"}


@dataclass(slots=True)
class Body:
    """What was received. `file` stands at 0 and is the caller's to close; digests are lower-case hex."""

    file: IO[bytes]
    size: int
    sha256: str
    md5: str | None


def receive(
    read: Callable[[int], bytes],
    *,
    encoding: str,
    max_bytes: int,
    want_md5: bool,
    check_head: Callable[[bytes], None],
) -> Body:
    """Reads to the end. `check_head` sees the first bytes and may raise to stop early.

    Raises RowError(TOO_LARGE | EMPTY_BODY | INCOMPLETE_BODY | NOT_AN_IMAGE | STORAGE), and whatever `read` raises.
    """
    sha256 = hashlib.sha256()
    md5 = hashlib.md5(usedforsecurity=False) if want_md5 else None
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - handed to the caller
    size = 0
    try:
        for chunk in _decoded(_raw(read, max_bytes), encoding):
            if size == 0:
                check_head(chunk)
            size += len(chunk)
            if size > max_bytes:
                raise too_large(max_bytes)
            sha256.update(chunk)
            if md5 is not None:
                md5.update(chunk)
            _keep(file, chunk)
        if size == 0:
            raise RowError(Reason.EMPTY_BODY, "The server answered 200 with no bytes.", status=200)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Body(file, size, sha256.hexdigest(), md5.hexdigest() if md5 else None)


def _keep(file: IO[bytes], chunk: bytes) -> None:
    """A batch of large images may fill the disk: who finds it full gives its room back and is tried again later."""
    try:
        file.write(chunk)
    except OSError as error:
        raise RowError(Reason.STORAGE, "There was no room left to hold the image on its way.", status=200) from error


def _raw(read: Callable[[int], bytes], max_bytes: int) -> Iterator[bytes]:
    total = 0
    while chunk := read(CHUNK_BYTES):
        total += len(chunk)
        if total > max_bytes:
            raise too_large(max_bytes)
        yield chunk


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        yield from chunks
    elif name in _ENCODINGS:
        yield from _inflated(chunks)
    else:
        raise RowError(
            Reason.NOT_AN_IMAGE,
            "The server sent the image in a Content-Encoding that was not asked for.",
            status=200,
        )


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks, b"")
    if not first:
        return
    inflater = _inflater(first)
    for raw in itertools.chain((first,), chunks, (b"",)):
        yield from _pieces(inflater, raw)
    if not inflater.eof:
        raise RowError(Reason.INCOMPLETE_BODY, "The compressed body ended too early.", status=200)


def _inflater(head: bytes) -> Any:
    """For gzip or zlib by their first bytes; some servers mean bare deflate (RFC 9110, section 8.4.1.2)."""
    bare = not head.startswith((b"\x1f\x8b", b"\x78"))
    return zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)


def _pieces(inflater: Any, raw: bytes) -> Iterator[bytes]:
    """A bomb comes out a piece at a time, so that the caller can stop it."""
    while not inflater.eof:
        try:
            piece = inflater.decompress(raw, CHUNK_BYTES)
        except zlib.error as error:
            raise RowError(Reason.INCOMPLETE_BODY, "The compressed body cannot be unpacked.", status=200) from error
        if not piece:
            return
        yield piece
        raw = inflater.unconsumed_tail


def too_large(max_bytes: int) -> RowError:
    return RowError(Reason.TOO_LARGE, f"The image is larger than the {max_bytes:,} bytes allowed.", status=200)
