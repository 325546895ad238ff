"""Request bodies into temporary files, their length, digests, checksums and chunk signatures verified on the way."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.aws.s3.signature import UNSIGNED_PAYLOAD, ChunkVerifier, Scope
from local.aws.store import files
from local.aws.store.checksums import ALGORITHMS, PREFIX, Digests, is_valid
from local.aws.store.errors import S3Error
from local.aws.store.files import BLOCK_BYTES, Content

MAX_BODY_BYTES = 5 * 1024**3
MAX_LINE_BYTES = 8192
MAX_TRAILER_BYTES = 16 * 1024
MD5_BYTES = 16

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAMING = (UNSIGNED_TRAILER, SIGNED_CHUNKS, SIGNED_TRAILER)

_ALGORITHM_BY_HEADER = {PREFIX + name: name for name in ALGORITHMS}
_HEX = re.compile(r"[0-9a-fA-F]{1,16}")


@dataclass(frozen=True, slots=True)
class Body:
    """`content`, and the checksum headers to keep with the object."""

    content: Content
    checksums: Mapping[str, str]


def receive(stream: IO[bytes], headers: Mapping[str, str], scope: Scope, path: Path) -> Body:
    """Writes the decoded body to `path`; removes it if something does not match. Raises S3Error."""
    payload = headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
    streaming = payload.startswith("STREAMING-")
    if streaming and payload not in STREAMING:
        raise S3Error("NotImplemented", f"The local AWS does not implement the payload {payload}.")
    length = _length(headers, streaming)
    expected = _expected(headers)
    trailer_names = _trailer_names(headers) if streaming else []
    chunked = _Chunked(stream, payload, scope, length) if streaming else None
    blocks = chunked.blocks() if chunked else _plain(stream, length)
    digests = Digests([*expected, *trailer_names])
    content = files.write(blocks, path, digests)
    try:
        if content.size != length:
            raise S3Error("IncompleteBody")
        if chunked:
            for name in trailer_names:
                expected[name] = _checked_format(name, chunked.trailers.get(PREFIX + name, ""))
        _compare(digests, content, headers, expected, UNSIGNED_PAYLOAD if chunked else payload)
    except BaseException:
        path.unlink()
        raise
    return Body(content, {PREFIX + name: value for name, value in expected.items()})


def _length(headers: Mapping[str, str], streaming: bool) -> int:
    text = headers.get("x-amz-decoded-content-length" if streaming else "content-length", "")
    if not text.isdecimal():
        raise S3Error("MissingContentLength")
    if len(text) > 18 or int(text) > MAX_BODY_BYTES:
        raise S3Error("EntityTooLarge", MaxSizeAllowed=str(MAX_BODY_BYTES))
    return int(text)


def _expected(headers: Mapping[str, str]) -> dict[str, str]:
    """Checksums in base64 by algorithm."""
    found = {name: headers[header] for header, name in _ALGORITHM_BY_HEADER.items() if header in headers}
    if len(found) > 1:
        raise S3Error(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    return {name: _checked_format(name, value) for name, value in found.items()}


def _trailer_names(headers: Mapping[str, str]) -> list[str]:
    names = [part.strip().lower() for part in headers.get("x-amz-trailer", "").split(",") if part.strip()]
    for name in names:
        if name not in _ALGORITHM_BY_HEADER:
            raise S3Error("InvalidRequest", f"The value specified in the x-amz-trailer header is not supported: {name}")
    return [_ALGORITHM_BY_HEADER[name] for name in names]


def _checked_format(algorithm: str, text: str) -> str:
    if not is_valid(algorithm, text):
        raise S3Error("InvalidRequest", f"Value for {PREFIX}{algorithm} header is invalid.")
    return text


def _compare(
    digests: Digests, content: Content, headers: Mapping[str, str], expected: Mapping[str, str], payload: str
) -> None:
    if payload not in (UNSIGNED_PAYLOAD, content.sha256):
        raise S3Error(
            "XAmzContentSHA256Mismatch",
            ClientComputedContentSHA256=payload,
            S3ComputedContentSHA256=content.sha256,
        )
    if "content-md5" in headers and _md5(headers["content-md5"]) != content.md5:
        raise S3Error("BadDigest", ExpectedDigest=headers["content-md5"], CalculatedDigest=content.md5)
    for algorithm, value in expected.items():
        if digests.checksum(algorithm) != value:
            raise S3Error("BadDigest", f"The {algorithm.upper()} you specified did not match the calculated checksum.")


def _md5(text: str) -> str:
    """In hex. Raises S3Error(InvalidDigest)."""
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != MD5_BYTES:
        raise S3Error("InvalidDigest", ContentMD5=text)
    return digest.hex()


def _plain(stream: IO[bytes], length: int) -> Iterator[bytes]:
    while length > 0 and (block := stream.read(min(BLOCK_BYTES, length))):
        length -= len(block)
        yield block


class _Chunked:
    """The encoding `aws-chunked`, with or without signatures, with or without a trailer.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """

    def __init__(self, stream: IO[bytes], payload: str, scope: Scope, length: int) -> None:
        self._stream = stream
        self._verifier = None if payload == UNSIGNED_TRAILER else ChunkVerifier(scope)
        self._has_trailer = payload != SIGNED_CHUNKS
        self._length = length
        self.trailers: dict[str, str] = {}
        """By name in lower case, when all blocks have been read."""

    def blocks(self) -> Iterator[bytes]:
        """Raises S3Error."""
        while True:
            size, signature = self._head()
            self._length -= size
            if self._length < 0:
                raise S3Error("IncompleteBody")
            yield from self._chunk(size, signature)
            if size == 0:
                return self._tail()
            if self._line() != b"":
                raise S3Error("IncompleteBody")

    def _chunk(self, size: int, signature: str) -> Iterator[bytes]:
        sha256 = hashlib.sha256()
        while size > 0:
            block = self._stream.read(min(BLOCK_BYTES, size))
            if not block:
                raise S3Error("IncompleteBody")
            size -= len(block)
            if self._verifier is not None:
                sha256.update(block)
            yield block
        if self._verifier is not None:
            self._verifier.check(sha256.hexdigest(), signature)

    def _head(self) -> tuple[int, str]:
        text, _, extension = self._line().decode("latin-1").partition(";")
        if not _HEX.fullmatch(text.strip()):
            raise S3Error("IncompleteBody")
        return int(text, 16), extension.strip().removeprefix("chunk-signature=")

    def _tail(self) -> None:
        """`name:value` lines up to an empty one; the last of them signs those before."""
        covered, signature, total = b"", "", 0
        while line := self._line(end_allowed=True):
            total += len(line)
            name, _, value = line.partition(b":")
            if total > MAX_TRAILER_BYTES:
                raise S3Error("InvalidRequest", "The trailer is too large.")
            if name == b"x-amz-trailer-signature":
                signature = value.decode("latin-1").strip()
            else:
                covered += name.lower() + b":" + value.strip() + b"\n"
                self.trailers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()
        if self._verifier is not None and self._has_trailer:
            self._verifier.check_trailer(covered, signature)

    def _line(self, *, end_allowed: bool = False) -> bytes:
        line = self._stream.readline(MAX_LINE_BYTES)
        if not line.endswith(b"\n") and not (end_allowed and not line):
            raise S3Error("IncompleteBody")
        return line.rstrip(b"\r\n")
