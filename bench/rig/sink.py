"""The sink: the operations of S3, DynamoDB and SNS that a run needs. Images and rows are counted and discarded.

`python -m bench.rig.sink [MS [PUTS]]` prints its address and serves. Each PUT takes MS milliseconds, and at most PUTS
images per second are accepted; others get SlowDown. Checksums are verified, and the images of a shard are counted.
Objects that are neither images nor shards are kept and can be read.
"""

import base64
import hashlib
import io
import json
import math
import sys
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from bench.rig.chunked import decode_chunked
from bench.rig.servers import Request, ServerStats, response, serve, server

_CHECKSUMS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
    b"x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
}
_TABLE_RESPONSES: Mapping[str, Mapping[str, object]] = {
    "BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}},
    "BatchWriteItem": {"UnprocessedItems": {}},
}
_NOT_FOUND = response("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>", "Content-Type: application/xml")
_SLOW_DOWN = response("503 Slow Down", b"<Error><Code>SlowDown</Code></Error>", "Content-Type: application/xml")
_PUBLISHED = response(
    "200 OK", b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)

STORED_AT = "2026-01-01T00:00:00.000Z"
"""The date of every object."""


class Sink:
    """Counts each image once, as `images`, and the requests by operation.

    `delay` is the duration of a PUT in seconds. `puts` is the rate limit of images per second, a token bucket with a
    burst of a tenth of it.
    """

    def __init__(self, delay: float = 0.0, puts: float = math.inf) -> None:
        self._delay, self._puts = delay, puts
        self._tokens, self._refilled_at = puts / 10, time.monotonic()
        self._images: set[str] = set()
        self._objects: dict[str, bytes] = {}

    def handle(self, request: Request, stats: ServerStats) -> bytes | tuple[float, bytes]:
        if target := request.header(b"x-amz-target"):
            return _table(target.rpartition(b".")[2].decode(), request.body, stats)
        path, _, query = request.path.partition("?")
        if request.method == "PUT":
            return self._delay, self._put(unquote(path), request, stats)
        if request.method == "POST":
            stats.count("messages")
            return _PUBLISHED
        if "list-type" in query:
            stats.count("lists")
            return self._list(path.strip("/"), parse_qs(query).get("prefix", [""])[0])
        stats.count("gets")
        return self._read(unquote(path), request)

    def _put(self, path: str, request: Request, stats: ServerStats) -> bytes:
        body, headers = request.body, request
        if request.header(b"content-encoding") == b"aws-chunked":
            incomplete = (b"", b"x-amz-checksum-crc32:incomplete", b"")
            body, trailer, _ = decode_chunked(request.body) or incomplete
            headers = Request("PUT", path, trailer)
        for name, digest in _CHECKSUMS.items():
            checksum = headers.header(name)
            if checksum and checksum != base64.b64encode(digest(body)):
                stats.count("wrong checksums")
                return response("400 Bad Request", b"<Error><Code>BadDigest</Code></Error>")
        if path.endswith(".jpg") and not self._take_token():
            stats.count("slowed down")
            return _SLOW_DOWN
        stats.count("puts")
        if path.endswith(".tar"):
            stats.count("images", _images_in(body))
        elif path.endswith(".jpg"):
            stats.count("images", path not in self._images)
            self._images.add(path)
        else:
            self._objects[path] = body
        return response("200 OK", b"", 'ETag: "0"')

    def _take_token(self) -> bool:
        now = time.monotonic()
        self._tokens = min(self._puts / 10, self._tokens + (now - self._refilled_at) * self._puts)
        self._refilled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _read(self, path: str, request: Request) -> bytes:
        if path not in self._objects:
            return response("404 Not Found") if request.method == "HEAD" else _NOT_FOUND
        body, status, headers = self._objects[path], "200 OK", []
        if byte_range := request.header(b"range").decode().removeprefix("bytes="):
            start, _, end = byte_range.partition("-")
            size = len(body)
            body = body[int(start) : int(end) + 1 if end else size]
            status = "206 Partial Content"
            headers = [f"Content-Range: bytes {start}-{int(start) + len(body) - 1}/{size}"]
        reply = response(status, body, 'ETag: "0"', "Last-Modified: Wed, 25 Nov 2026 00:00:00 GMT", *headers)
        return reply[: len(reply) - len(body)] if request.method == "HEAD" else reply

    def _list(self, bucket: str, prefix: str) -> bytes:
        root = f"/{bucket}/"
        contents = "".join(
            f"<Contents><Key>{escape(path.removeprefix(root))}</Key><LastModified>{STORED_AT}</LastModified>"
            f"<Size>{len(body)}</Size></Contents>"
            for path, body in sorted(self._objects.items())
            if path.startswith(root + prefix)
        )
        text = f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        return response("200 OK", text.encode(), "Content-Type: application/xml")


def _images_in(shard: bytes) -> int:
    with tarfile.open(fileobj=io.BytesIO(shard), mode="r:") as tar:
        return sum(member.name.endswith(".jpg") for member in tar)


def _table(operation: str, body: bytes, stats: ServerStats) -> bytes:
    stats.count(operation)
    stats.count("rows written", body.count(b'"PutRequest"'))
    body_json = json.dumps(_TABLE_RESPONSES.get(operation, {})).encode()
    return response("200 OK", body_json, "Content-Type: application/x-amz-json-1.0")


@contextmanager
def sink(ms: float = 0, puts: float = math.inf, certificate: Path | None = None) -> Iterator[str]:
    """Start a sink in its own process and yield its address."""
    with server("bench.rig.sink", ms, puts, certificate=certificate) as (address,):
        yield address


if __name__ == "__main__":
    arguments = [float(text) for text in sys.argv[1:]]
    serve(Sink(arguments[0] / 1000 if arguments else 0.0, *arguments[1:]).handle)
