"""Bodies in chunks, and S3's chunks within them."""

import base64
import zlib

import pytest

from bench.rig.chunked import chunked
from bench.rig.servers import Request, Seen
from bench.rig.sink import Sink

WHOLE = b"4\r\nWiki\r\nA;name=value\r\npedia\r\n in\r\n0\r\n"


@pytest.mark.parametrize("trailer", [b"", b"x-amz-checksum-crc32:AAAAAA=="])
def test_what_stands_in_chunks_is_joined_and_what_follows_is_left(trailer: bytes) -> None:
    sent = WHOLE + (trailer + b"\r\n" if trailer else b"") + b"\r\n" + b"GET /next"

    assert chunked(sent) == (b"Wikipedia\r\n in", trailer, b"GET /next")


@pytest.mark.parametrize("sent", range(len(WHOLE) + 1))
def test_as_long_as_the_end_is_missing_there_is_nothing(sent: int) -> None:
    assert chunked(WHOLE[:sent]) is None


@pytest.mark.parametrize(("body", "status"), [(b"an image", b"200"), (b"another!", b"400")])
def test_the_sink_holds_the_bytes_of_an_object_against_the_checksum_in_its_trailer(body: bytes, status: bytes) -> None:
    checksum = base64.b64encode(zlib.crc32(b"an image").to_bytes(4, "big"))
    sent = b"8\r\n" + body + b"\r\n0\r\nx-amz-checksum-crc32:" + checksum + b"\r\n\r\n"

    _, told = Sink().answer(Request("PUT", "/b/1.jpg", b"Content-Encoding: aws-chunked", sent), Seen())

    assert bytes(told).startswith(b"HTTP/1.1 " + status)


def test_an_object_that_breaks_off_is_refused() -> None:
    seen = Seen()

    Sink().answer(Request("PUT", "/b/1.jpg", b"Content-Encoding: aws-chunked", b"8\r\nan im"), seen)

    assert seen.counts == {"wrong checksums": 1}
