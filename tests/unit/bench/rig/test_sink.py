"""What contenders write into: it counts, and it looks at what it is given."""

import base64
import hashlib

from bench.rig.servers import Request, Seen
from bench.rig.sink import Sink

BODY = b"\xff\xd8 an image"
DIGEST = base64.b64encode(hashlib.sha256(BODY).digest())


def put(sink: Sink, seen: Seen, path: str, checksum: bytes = DIGEST) -> bytes:
    headers = b"Host: x\r\nX-Amz-Checksum-SHA256: " + checksum
    return answer(sink, Request("PUT", path, headers, BODY), seen)


def answer(sink: Sink, request: Request, seen: Seen) -> bytes:
    """At once, or after a wait that nobody waits for here."""
    found = sink.answer(request, seen)
    return found[1] if isinstance(found, tuple) else found


def test_an_image_is_counted_once_however_often_it_comes() -> None:
    sink, seen = Sink(), Seen()

    for path in ("/b/1.jpg", "/b/1.jpg", "/b/2.jpg"):
        assert put(sink, seen, path).startswith(b"HTTP/1.1 200")

    assert (seen.counts["images"], seen.counts["puts"]) == (2, 3)


def test_bytes_that_are_not_those_of_their_checksum_are_refused_and_told() -> None:
    sink, seen = Sink(), Seen()

    assert put(sink, seen, "/b/1.jpg", base64.b64encode(bytes(32))).startswith(b"HTTP/1.1 400")
    assert seen.counts == {"wrong checksums": 1}


def test_what_is_no_image_can_be_read_again_and_in_part() -> None:
    sink, seen = Sink(), Seen()
    put(sink, seen, "/b/runs/r/part.jsonl")

    whole = answer(sink, Request("GET", "/b/runs/r/part.jsonl", b""), seen)
    part = answer(sink, Request("GET", "/b/runs/r/part.jsonl", b"Range: bytes=2-4"), seen)

    assert whole.endswith(b"\r\n\r\n" + BODY)
    assert part.endswith(b"\r\n\r\n" + BODY[2:5])
    assert b"part.jsonl" in answer(sink, Request("GET", "/b?list-type=2&prefix=runs%2Fr", b""), seen)


def test_a_put_takes_as_long_as_it_is_told_to() -> None:
    wait, _ = Sink(0.03).answer(Request("PUT", "/b/1.jpg", b"", BODY), Seen())

    assert wait == 0.03
