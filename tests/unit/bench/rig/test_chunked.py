"""Chunked bodies of HTTP and of S3."""

import base64
import zlib

import pytest

from bench.rig.chunked import decode_chunked
from bench.rig.servers import Request, ServerStats
from bench.rig.sink import Sink

BODY = b"4\r\nWiki\r\nA;name=value\r\npedia\r\n in\r\n0\r\n"


@pytest.mark.parametrize("trailer", [b"", b"x-amz-checksum-crc32:AAAAAA=="])
def test_chunks_are_joined_and_the_data_after_the_body_is_returned(trailer: bytes) -> None:
    sent = BODY + (trailer + b"\r\n" if trailer else b"") + b"\r\n" + b"GET /next"

    assert decode_chunked(sent) == (b"Wikipedia\r\n in", trailer, b"GET /next")


@pytest.mark.parametrize("sent", range(len(BODY) + 1))
def test_an_incomplete_body_is_not_decoded(sent: int) -> None:
    assert decode_chunked(BODY[:sent]) is None


@pytest.mark.parametrize(("body", "status"), [(b"an image", b"200"), (b"another!", b"400")])
def test_the_sink_verifies_the_checksum_in_the_trailer(body: bytes, status: bytes) -> None:
    checksum = base64.b64encode(zlib.crc32(b"an image").to_bytes(4, "big"))
    sent = b"8\r\n" + body + b"\r\n0\r\nx-amz-checksum-crc32:" + checksum + b"\r\n\r\n"

    _, reply = Sink().handle(Request("PUT", "/b/1.jpg", b"Content-Encoding: aws-chunked", sent), ServerStats())

    assert bytes(reply).startswith(b"HTTP/1.1 " + status)


def test_an_incomplete_object_is_rejected() -> None:
    stats = ServerStats()

    Sink().handle(Request("PUT", "/b/1.jpg", b"Content-Encoding: aws-chunked", b"8\r\nan im"), stats)

    assert stats.counts == {"wrong checksums": 1}
