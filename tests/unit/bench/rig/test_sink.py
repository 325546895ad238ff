"""The sink counts requests and verifies checksums."""

import base64
import hashlib
import io
import tarfile

from bench.rig.servers import Request, ServerStats
from bench.rig.sink import Sink

BODY = b"\xff\xd8 an image"
DIGEST = base64.b64encode(hashlib.sha256(BODY).digest())


def put(sink: Sink, stats: ServerStats, path: str, checksum: bytes = DIGEST) -> bytes:
    headers = b"Host: x\r\nX-Amz-Checksum-SHA256: " + checksum
    return handle(sink, Request("PUT", path, headers, BODY), stats)


def handle(sink: Sink, request: Request, stats: ServerStats) -> bytes:
    """Return the response without its delay."""
    result = sink.handle(request, stats)
    return result[1] if isinstance(result, tuple) else result


def test_an_image_is_counted_once() -> None:
    sink, stats = Sink(), ServerStats()

    for path in ("/b/1.jpg", "/b/1.jpg", "/b/2.jpg"):
        assert put(sink, stats, path).startswith(b"HTTP/1.1 200")

    assert (stats.counts["images"], stats.counts["puts"]) == (2, 3)


def test_the_images_of_a_shard_are_counted() -> None:
    sink, stats = Sink(), ServerStats()
    shard = io.BytesIO()
    with tarfile.open(fileobj=shard, mode="w") as tar:
        for name in ("1.jpg", "1.json", "2.jpg", "2.json"):
            tar.addfile(tarfile.TarInfo(name))

    assert handle(sink, Request("PUT", "/b/1.tar", b"", shard.getvalue()), stats).startswith(b"HTTP/1.1 200")
    assert (stats.counts["images"], stats.counts["puts"]) == (2, 1)


def test_a_wrong_checksum_is_rejected_and_counted() -> None:
    sink, stats = Sink(), ServerStats()

    assert put(sink, stats, "/b/1.jpg", base64.b64encode(bytes(32))).startswith(b"HTTP/1.1 400")
    assert stats.counts == {"wrong checksums": 1}


def test_an_object_that_is_not_an_image_can_be_read_whole_and_in_part() -> None:
    sink, stats = Sink(), ServerStats()
    put(sink, stats, "/b/runs/r/part.jsonl")

    whole = handle(sink, Request("GET", "/b/runs/r/part.jsonl", b""), stats)
    part = handle(sink, Request("GET", "/b/runs/r/part.jsonl", b"Range: bytes=2-4"), stats)

    assert whole.endswith(b"\r\n\r\n" + BODY)
    assert part.endswith(b"\r\n\r\n" + BODY[2:5])
    assert b"part.jsonl" in handle(sink, Request("GET", "/b?list-type=2&prefix=runs%2Fr", b""), stats)


def test_a_put_has_the_delay_of_the_sink() -> None:
    delay, _ = Sink(0.03).handle(Request("PUT", "/b/1.jpg", b"", BODY), ServerStats())

    assert delay == 0.03
