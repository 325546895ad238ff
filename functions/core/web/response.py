"""The response: its validators, and its body, which is limited in size, decompressed and hashed while it is read.

urllib3 could decompress, too, but it accepts a gzip body without its end, and does not limit the compressed bytes.
"""

import hashlib
import itertools
import re
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from requests.models import Response
from urllib3.response import HTTPResponse

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.errors import body_error_from

CHUNK_BYTES = 64 * 1024
IN_MEMORY_BYTES = 256 * 1024
"""Maximum size of a body in memory, in bytes; a larger one is kept in a temporary file.
272 downloads may run at once."""

DRAIN_BYTES = 16 * 1024
DRAIN_SECONDS = 0.25
"""Limits for reading the rest of an error response, so that its connection can be used again."""

_DECODED = frozenset({"gzip", "x-gzip", "deflate"})
_NOT_DECODED = frozenset({"aes128gcm", "br", "compress", "dcb", "dcz", "exi", "pack200-gzip", "x-compress", "zstd"})
"""The other content codings of iana.org/assignments/http-parameters; any other name (aws-chunked) means no coding."""

_VALIDATOR = re.compile(r"[\x20-\x7e]{1,256}")


@dataclass(slots=True)
class Body:
    """A received body. `file` is at position 0 and must be closed by the caller; digests are lower-case hex."""

    file: IO[bytes]
    size: int
    sha256: str
    md5: str | None


def validator(response: Response, name: str) -> str | None:
    """The value of ETag or Last-Modified, where a later request can send it back and it is short enough to store."""
    text = response.headers.get(name, "")
    return text if _VALIDATOR.fullmatch(text) else None


def body_reader(response: Response, max_bytes: int) -> Callable[[int], bytes]:
    """A function that reads at most so many raw bytes. Raises RowError(TOO_LARGE) by Content-Length."""
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length[:18]) > max_bytes:
        raise _too_large(max_bytes)
    raw: HTTPResponse = response.raw

    def read(amount: int) -> bytes:
        try:
            return raw.read(amount, decode_content=False)
        except Exception as error:
            raise body_error_from(error) from error

    return read


def release(response: Response) -> None:
    """Return the connection to the pool if the body was read or little of it is left, else close it."""
    raw: HTTPResponse = response.raw
    with suppress(Exception):
        length = response.headers.get("Content-Length", "")
        if response.status_code != 200 and length.isdigit() and int(length[:9]) <= DRAIN_BYTES:
            raw.connection.sock.settimeout(DRAIN_SECONDS)  # type: ignore[union-attr]
            raw.read(DRAIN_BYTES, decode_content=False)
    with suppress(Exception):
        response.close()


def receive(
    read: Callable[[int], bytes],
    *,
    encoding: str,
    max_bytes: int,
    want_md5: bool,
    check_head: Callable[[bytes], None],
    is_recognized: Callable[[bytes], bool],
) -> Body:
    """Read a body to its end. `check_head` is called with the first bytes and may raise an error to stop.
    `is_recognized` says of the first bytes of an encoded body whether they are those of a file that is not encoded.

    Raises RowError(TOO_LARGE | EMPTY_BODY | INCOMPLETE_BODY | NOT_AN_IMAGE | STORAGE), and the errors of `read`.
    """
    sha256 = hashlib.sha256()
    md5 = hashlib.md5(usedforsecurity=False) if want_md5 else None
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - the caller closes it
    size = 0
    try:
        for chunk in _decoded(_limited(read, max_bytes), encoding, is_recognized):
            if size == 0:
                check_head(chunk)
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes)
            sha256.update(chunk)
            if md5 is not None:
                md5.update(chunk)
            _write(file, chunk)
        if size == 0:
            raise RowError(Reason.EMPTY_BODY, "The response body is empty.", status=200)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Body(file, size, sha256.hexdigest(), md5.hexdigest() if md5 else None)


def receive_start(response: Response, max_bytes: int, is_recognized: Callable[[bytes], bool]) -> bytes:
    """The first bytes of a body, decoded unless they are recognized as they are. Raises RowError."""
    read = body_reader(response, sys.maxsize)
    chunks = iter(lambda: read(CHUNK_BYTES), b"")
    received = bytearray()
    for chunk in _decoded(chunks, response.headers.get("Content-Encoding", ""), is_recognized):
        received += chunk
        if len(received) >= max_bytes:
            break
    return bytes(received[:max_bytes])


def _write(file: IO[bytes], chunk: bytes) -> None:
    """Write to the spooled file. Large images of one batch can fill the disk: the row that fails is retried later."""
    try:
        file.write(chunk)
    except OSError as error:
        message = f"Writing the body to temporary storage failed: {(error.strerror or 'I/O error').lower()}."
        raise RowError(Reason.STORAGE, message, status=200) from error


def _limited(read: Callable[[int], bytes], max_bytes: int) -> Iterator[bytes]:
    total = 0
    while chunk := read(CHUNK_BYTES):
        total += len(chunk)
        if total > max_bytes:
            raise _too_large(max_bytes)
        yield chunk


def _decoded(chunks: Iterator[bytes], encoding: str, is_recognized: Callable[[bytes], bool]) -> Iterator[bytes]:
    """The body without its content codings, of which the last was applied last (RFC 9110, section 8.4).

    A body that is a file already is taken as it is: some servers name a coding that they did not apply.
    """
    names = [name.strip().lower() for name in encoding.split(",")]
    codings = [name for name in names if name in _DECODED or name in _NOT_DECODED]
    if not codings:
        yield from chunks
        return
    first = next(chunks, b"")
    chunks = itertools.chain((first,), chunks)
    if not is_recognized(first):
        for coding in reversed(codings):
            if coding in _NOT_DECODED:
                message = f"The Content-Encoding {coding} is not supported (only gzip and deflate are)."
                raise RowError(Reason.NOT_AN_IMAGE, message, status=200)
            chunks = _decompressed(chunks)
    yield from chunks


def _decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks, b"")
    if not first:
        return
    decompressor = _decompressor(first)
    for raw in itertools.chain((first,), chunks, (b"",)):
        yield from _pieces(decompressor, raw)
    if not decompressor.eof:
        raise RowError(Reason.INCOMPLETE_BODY, "The compressed body is truncated.", status=200)


def _decompressor(head: bytes) -> "zlib._Decompress":
    """For gzip or zlib by the first bytes, else for raw deflate: some servers send it (RFC 9110, section 8.4.1.2)."""
    is_raw = not head.startswith((b"\x1f\x8b", b"\x78"))
    return zlib.decompressobj(-zlib.MAX_WBITS if is_raw else zlib.MAX_WBITS | 32)


def _pieces(decompressor: "zlib._Decompress", raw: bytes) -> Iterator[bytes]:
    """Decompress piece by piece, so that the caller can stop a decompression bomb."""
    while not decompressor.eof:
        try:
            piece = decompressor.decompress(raw, CHUNK_BYTES)
        except zlib.error as error:
            raise RowError(Reason.INCOMPLETE_BODY, "The compressed body is corrupt.", status=200) from error
        if not piece:
            return
        yield piece
        raw = decompressor.unconsumed_tail


def _too_large(max_bytes: int) -> RowError:
    return RowError(Reason.TOO_LARGE, f"The image is larger than max_bytes ({max_bytes:,} bytes).", status=200)
