"""Request bodies into temporary files, their length, digests, checksums and chunk signatures verified on the way."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from local.aws.store.checksums import ALGORITHMS, PREFIX, Checksum, encoded, is_valid
from local.aws.store.errors import S3Error
from local.aws.store.objects import Content
from local.aws.store.signature import UNSIGNED_PAYLOAD, ChunkVerifier, Scope

BLOCK_BYTES = 1 << 18
MAX_LINE_BYTES = 8192
MAX_TRAILER_BYTES = 16 * 1024

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"


@dataclass(frozen=True, slots=True)
class Body:
    """`content`, and the checksum headers to keep with the object."""

    content: Content
    checksums: Mapping[str, str]


@dataclass(slots=True)
class _Digests:
    """Over the decoded bytes. `expected` are checksums by algorithm, as base64."""

    expected: dict[str, str]
    md5: Checksum = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    sha256: Checksum = field(default_factory=hashlib.sha256)
    others: dict[str, Checksum] = field(default_factory=dict)
    size: int = 0

    def update(self, block: bytes) -> None:
        self.size += len(block)
        self.md5.update(block)
        self.sha256.update(block)
        for checksum in self.others.values():
            checksum.update(block)

    def of(self, algorithm: str) -> str:
        return encoded((self.sha256 if algorithm == "sha256" else self.others[algorithm]).digest())


def receive(stream: IO[bytes], headers: Mapping[str, str], scope: Scope, path: Path) -> Body:
    """Writes the decoded body to `path`; removes it where something does not match. Raises S3Error."""
    try:
        return _receive(stream, headers, scope, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _receive(stream: IO[bytes], headers: Mapping[str, str], scope: Scope, path: Path) -> Body:
    payload = headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
    streaming = payload.startswith("STREAMING-")
    if streaming and payload not in (UNSIGNED_TRAILER, SIGNED_CHUNKS, SIGNED_TRAILER):
        raise S3Error("NotImplemented", f"The payload signature {payload} is not implemented.")
    length = _length(headers, streaming)
    digests = _Digests(_expected(headers))
    trailer_names = _trailer_names(headers)
    algorithms = {*digests.expected, *trailer_names} - {"sha256"}
    digests.others = {algorithm: ALGORITHMS[algorithm]() for algorithm in sorted(algorithms)}
    trailers: dict[str, str] = {}
    with path.open("wb") as file:
        chunks = _Chunked(stream, payload, scope, trailers).blocks() if streaming else _plain(stream, length)
        for block in chunks:
            digests.update(block)
            file.write(block)
    if digests.size != length:
        raise S3Error("IncompleteBody")
    for algorithm in trailer_names:
        digests.expected[algorithm] = _checked_format(algorithm, trailers.get(PREFIX + algorithm, ""))
    _compare(digests, headers, payload if not streaming else UNSIGNED_PAYLOAD)
    content = Content(path, digests.size, digests.md5.digest().hex(), digests.sha256.digest().hex())
    return Body(content, {PREFIX + name: value for name, value in digests.expected.items()})


def _length(headers: Mapping[str, str], streaming: bool) -> int:
    text = headers.get("x-amz-decoded-content-length" if streaming else "content-length", "")
    if not text.isdecimal():
        raise S3Error("MissingContentLength")
    return int(text)


def _expected(headers: Mapping[str, str]) -> dict[str, str]:
    names = [name for name in ALGORITHMS if PREFIX + name in headers]
    if len(names) > 1:
        raise S3Error(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed."
        )
    return {name: _checked_format(name, headers[PREFIX + name]) for name in names}


def _trailer_names(headers: Mapping[str, str]) -> list[str]:
    names = [part.strip().lower() for part in headers.get("x-amz-trailer", "").split(",") if part.strip()]
    algorithms = [name.removeprefix(PREFIX) for name in names]
    for algorithm in algorithms:
        if algorithm not in ALGORITHMS:
            raise S3Error(
                "InvalidRequest", f"The value specified in the x-amz-trailer header is not supported: {algorithm}"
            )
    return algorithms


def _checked_format(algorithm: str, text: str) -> str:
    if not is_valid(algorithm, text):
        raise S3Error("InvalidRequest", f"Value for {PREFIX}{algorithm} header is invalid.")
    return text


def _compare(digests: _Digests, headers: Mapping[str, str], payload: str) -> None:
    if payload != UNSIGNED_PAYLOAD and payload != digests.sha256.digest().hex():
        raise S3Error("XAmzContentSHA256Mismatch", ClientComputedContentSHA256=payload)
    if (text := headers.get("content-md5")) is not None:
        with suppress(binascii.Error, ValueError):
            if len(digest := base64.b64decode(text, validate=True)) == 16:
                if digest != digests.md5.digest():
                    raise S3Error("BadDigest", ExpectedDigest=text)
                text = None
        if text is not None:
            raise S3Error("InvalidDigest", **{"Content-MD5": text})
    for algorithm, value in digests.expected.items():
        if digests.of(algorithm) != value:
            raise S3Error("BadDigest", f"The {algorithm.upper()} you specified did not match the calculated checksum.")


def _plain(stream: IO[bytes], length: int) -> Iterator[bytes]:
    while length > 0 and (block := stream.read(min(BLOCK_BYTES, length))):
        length -= len(block)
        yield block


class _Chunked:
    """The encoding `aws-chunked`, with or without signatures, with or without a trailer.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """

    def __init__(self, stream: IO[bytes], payload: str, scope: Scope, trailers: dict[str, str]) -> None:
        self._stream = stream
        self._verifier = None if payload == UNSIGNED_TRAILER else ChunkVerifier(scope)
        self._has_trailer = payload != SIGNED_CHUNKS
        self._trailers = trailers

    def blocks(self) -> Iterator[bytes]:
        while True:
            size, signature = self._head()
            sha256 = hashlib.sha256()
            left = size
            while left > 0:
                block = self._stream.read(min(BLOCK_BYTES, left))
                if not block:
                    raise S3Error("IncompleteBody")
                left -= len(block)
                sha256.update(block)
                yield block
            if self._verifier is not None:
                self._verifier.check(sha256.hexdigest(), signature)
            if size == 0:
                return self._tail()
            if self._line() != b"":
                raise S3Error("IncompleteBody")

    def _head(self) -> tuple[int, str]:
        line = self._line()
        text, _, extension = line.decode("latin-1").partition(";")
        try:
            return int(text, 16), extension.removeprefix("chunk-signature=")
        except ValueError as error:
            raise S3Error("IncompleteBody") from error

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
                self._trailers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()
        if self._verifier is not None and self._has_trailer:
            self._verifier.check_trailer(covered, signature)

    def _line(self, *, end_allowed: bool = False) -> bytes:
        line = self._stream.readline(MAX_LINE_BYTES)
        if not line.endswith(b"\n") and not (end_allowed and not line):
            raise S3Error("IncompleteBody")
        return line.rstrip(b"\r\n")
