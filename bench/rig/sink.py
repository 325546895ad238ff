"""What takes images and rows and keeps none of them: enough of S3, DynamoDB and SNS to be written to, and no more.

`python -m bench.rig.sink [MS [PUTS]]` prints its address and serves, each PUT after so many milliseconds, and no more than
so many images a second: to others it says SlowDown. Checksums that come along are checked; what is no image is kept,
for it is read again.
"""

import base64
import hashlib
import json
import math
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from bench.rig.chunked import chunked
from bench.rig.servers import Request, Seen, answered, serve, server

_CHECKSUMS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
    b"x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
}
_TABLE_ANSWERS: Mapping[str, Any] = {
    "BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}},
    "BatchWriteItem": {"UnprocessedItems": {}},
}
_NOT_FOUND = answered("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>", "Content-Type: application/xml")
_SLOW_DOWN = answered("503 Slow Down", b"<Error><Code>SlowDown</Code></Error>", "Content-Type: application/xml")
_PUBLISHED = answered(
    "200 OK", b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)


class Sink:
    """Images are counted once each, as `images`; every kind of request by its own name.

    `wait` is in seconds; `puts` are a second, and a tenth of them at once.
    """

    def __init__(self, wait: float = 0.0, puts: float = math.inf) -> None:
        self._wait, self._puts = wait, puts
        self._room, self._then = puts / 10, time.monotonic()
        self._images: set[str] = set()
        self._kept: dict[str, bytes] = {}

    def answer(self, request: Request, seen: Seen) -> bytes | tuple[float, bytes]:
        if target := request.header(b"x-amz-target"):
            return _table(target.rpartition(b".")[2].decode(), request.body, seen)
        path, _, query = request.path.partition("?")
        if request.method == "PUT":
            return self._wait, self._put(unquote(path), request, seen)
        if request.method == "POST":
            seen.count("messages")
            return _PUBLISHED
        if "list-type" in query:
            seen.count("lists")
            return self._listed(path.strip("/"), parse_qs(query).get("prefix", [""])[0])
        seen.count("gets")
        return self._read(unquote(path), request)

    def _put(self, path: str, request: Request, seen: Seen) -> bytes:
        body, headers = request.body, request
        if request.header(b"content-encoding") == b"aws-chunked":
            body, trailer, _ = chunked(request.body) or (b"", b"x-amz-checksum-crc32:it breaks off", b"")
            headers = Request("PUT", path, trailer)
        for name, digest in _CHECKSUMS.items():
            told = headers.header(name)
            if told and told != base64.b64encode(digest(body)):
                seen.count("wrong checksums")
                return answered("400 Bad Request", b"<Error><Code>BadDigest</Code></Error>")
        if path.endswith(".jpg") and not self._has_room():
            seen.count("slowed down")
            return _SLOW_DOWN
        seen.count("puts")
        if path.endswith(".jpg"):
            seen.count("images", path not in self._images)
            self._images.add(path)
        else:
            self._kept[path] = body
        return answered("200 OK", b"", 'ETag: "0"')

    def _has_room(self) -> bool:
        now = time.monotonic()
        self._room = min(self._puts / 10, self._room + (now - self._then) * self._puts)
        self._then = now
        if self._room < 1:
            return False
        self._room -= 1
        return True

    def _read(self, path: str, request: Request) -> bytes:
        if path not in self._kept:
            return answered("404 Not Found") if request.method == "HEAD" else _NOT_FOUND
        body, status, more = self._kept[path], "200 OK", []
        if asked := request.header(b"range").decode().removeprefix("bytes="):
            begin, _, end = asked.partition("-")
            whole = len(body)
            body = body[int(begin) : int(end) + 1 if end else whole]
            status, more = "206 Partial Content", [f"Content-Range: bytes {begin}-{int(begin) + len(body) - 1}/{whole}"]
        found = answered(status, body, 'ETag: "0"', "Last-Modified: Wed, 25 Nov 2026 00:00:00 GMT", *more)
        return found[: len(found) - len(body)] if request.method == "HEAD" else found

    def _listed(self, bucket: str, prefix: str) -> bytes:
        begin = f"/{bucket}/"
        found = "".join(
            f"<Contents><Key>{escape(path.removeprefix(begin))}</Key><Size>{len(body)}</Size></Contents>"
            for path, body in sorted(self._kept.items())
            if path.startswith(begin + prefix)
        )
        text = f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
        return answered("200 OK", text.encode(), "Content-Type: application/xml")


def _table(operation: str, body: bytes, seen: Seen) -> bytes:
    seen.count(operation)
    seen.count("rows written", body.count(b'"PutRequest"'))
    found = json.dumps(_TABLE_ANSWERS.get(operation, {})).encode()
    return answered("200 OK", found, "Content-Type: application/x-amz-json-1.0")


@contextmanager
def sink(ms: float = 0, puts: float = math.inf, certificate: Path | None = None) -> Iterator[str]:
    """The address of one in a process of its own."""
    with server("bench.rig.sink", ms, puts, certificate=certificate) as (address,):
        yield address


if __name__ == "__main__":
    given = [float(text) for text in sys.argv[1:]]
    serve(Sink(given[0] / 1000 if given else 0.0, *given[1:]).answer)
