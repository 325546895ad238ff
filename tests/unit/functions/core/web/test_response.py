"""The body of a response: its digests and its limits, to the byte."""

import gzip
import io
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from requests.models import Response
from requests.structures import CaseInsensitiveDict

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.response import Body, body_reader, receive, validator

DATA = b"The quick brown fox jumps over the lazy dog"
MD5 = "9e107d9d372bb6826bd81d3542a419d6"
SHA256 = "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"
"""The published digests of this sentence."""


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def is_recognized(head: bytes) -> bool:
    """Stands for the table of types: knows the two bodies of this module."""
    return DATA.startswith(head[:10]) or not any(head[:10])


def received(
    data: bytes, *, encoding: str = "", max_bytes: int = 10**6, head: Callable[[bytes], None] = lambda head: None
) -> Body:
    read = io.BytesIO(data).read
    return receive(
        read, encoding=encoding, max_bytes=max_bytes, want_md5=True, check_head=head, is_recognized=is_recognized
    )


@pytest.mark.parametrize(
    ("sent", "encoding"),
    [
        (DATA, ""),
        (DATA, "identity"),
        (gzip.compress(DATA, mtime=0), "gzip"),
        (gzip.compress(DATA, mtime=0), " X-GZIP "),
        (zlib.compress(DATA), "deflate"),
        (raw_deflate(DATA), "deflate"),
        (gzip.compress(DATA, mtime=0), "deflate"),
        (zlib.compress(gzip.compress(DATA, mtime=0)), "gzip, deflate"),
        (gzip.compress(DATA, mtime=0), "aws-chunked,gzip"),
        *((DATA, name) for name in ("gzip", "deflate", "br", "zstd", "aws-chunked", "UTF-8", "gzip, br", ",")),
    ],
)
def test_a_body_has_its_size_and_its_digests_after_decompression(sent: bytes, encoding: str) -> None:
    body = received(sent, encoding=encoding)

    with body.file as file:
        assert file.tell() == 0
        assert file.read() == DATA
    assert (body.size, body.md5, body.sha256) == (len(DATA), MD5, SHA256)


def test_an_md5_digest_is_made_only_where_it_is_wanted() -> None:
    body = receive(
        io.BytesIO(DATA).read,
        encoding="",
        max_bytes=100,
        want_md5=False,
        check_head=lambda head: None,
        is_recognized=is_recognized,
    )
    body.file.close()

    assert body.md5 is None


def test_a_body_of_several_blocks_is_whole_and_its_head_is_checked_once() -> None:
    data = bytes(range(256)) * 1000
    heads: list[bytes] = []

    with received(data, head=heads.append).file as file:
        assert file.read() == data
    assert heads == [data[: 64 * 1024]]


@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize("size", [100, 70_000])
def test_a_body_may_be_as_large_as_the_limit(encoding: str, size: int) -> None:
    data = bytes(size)
    sent = gzip.compress(data) if encoding else data
    received(sent, encoding=encoding, max_bytes=size).file.close()

    with pytest.raises(RowError, match="larger than max_bytes") as raised:
        received(sent, encoding=encoding, max_bytes=size - 1)

    assert (raised.value.reason, raised.value.status) == (Reason.TOO_LARGE, 200)


@pytest.mark.parametrize(
    ("sent", "encoding", "reason"),
    [
        (b"", "", Reason.EMPTY_BODY),
        (b"", "gzip", Reason.EMPTY_BODY),
        (gzip.compress(b"", mtime=0), "gzip", Reason.EMPTY_BODY),
        (gzip.compress(DATA, mtime=0)[:-1], "gzip", Reason.INCOMPLETE_BODY),
        (b"\x1f\x8bxxxx", "gzip", Reason.INCOMPLETE_BODY),
        (b"\x0b\x02\x80xxxx", "br", Reason.NOT_AN_IMAGE),
        (gzip.compress(b"\x0b\x02\x80xxxx", mtime=0), "br, gzip", Reason.NOT_AN_IMAGE),
    ],
)
def test_a_body_that_cannot_be_used_has_its_reason(sent: bytes, encoding: str, reason: Reason) -> None:
    with pytest.raises(RowError) as raised:
        received(sent, encoding=encoding)

    assert (raised.value.reason, raised.value.status) == (reason, 200)


def response(**headers: str) -> Any:
    """A response of requests, without a connection. Any: `raw` is a plain file."""
    made: Any = Response()
    made.headers = CaseInsensitiveDict({name.replace("_", "-"): text for name, text in headers.items()})
    made.raw = type("Raw", (io.BytesIO,), {"read": lambda self, amount, decode_content: DATA[:amount]})()
    return made


@pytest.mark.parametrize(
    ("length", "accepted"),
    [("100", True), ("101", False), ("9" * 30, False), ("", True), ("-5", True), ("1e9", True), ("\u0661" * 9, True)],
)
def test_a_body_that_is_too_large_is_known_by_its_content_length(length: str, accepted: bool) -> None:
    if accepted:
        assert body_reader(response(Content_Length=length), 100)(3) == DATA[:3]
        return
    with pytest.raises(RowError) as raised:
        body_reader(response(Content_Length=length), 100)
    assert raised.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("text", "kept"), [("x", True), ("x" * 256, True), ("x" * 257, False), ("", False), ("\x7f", False), (" ~", True)]
)
def test_a_validator_is_kept_if_it_can_be_sent_back(text: str, kept: bool) -> None:
    assert validator(response(ETag=text), "ETag") == (text if kept else None)
    assert validator(response(), "ETag") is None
