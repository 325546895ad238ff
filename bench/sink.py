"""What takes images and rows and keeps none of them: enough of S3, DynamoDB and SNS to be written to, and no more.

`python -m bench.sink` prints its address and serves. Checksums that come along are checked; what is under `runs/` is
kept, for it is read again.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.sax.saxutils import escape

from bench.servers import Answer, Request, Seen, answered, serve, server

_CHECKSUMS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
    b"x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
}
_NOT_FOUND = answered("404 Not Found")
_PUBLISHED = answered(
    "200 OK", b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)


def sink() -> Answer:
    kept: dict[str, bytes] = {}
    keys: set[str] = set()

    def answer(request: Request, seen: Seen) -> bytes:
        if target := request.header(b"x-amz-target"):
            return _table(target.rpartition(b".")[2].decode(), request.body, seen)
        path, _, query = request.path.partition("?")
        if request.method == "PUT":
            return put(path, request, seen)
        if request.method == "POST":
            seen.count("messages")
            return _PUBLISHED
        if "list-type" in query:
            seen.count("lists")
            return _listed(path, query, kept)
        seen.count(request.method.lower())
        return answered("200 OK", kept[path]) if path in kept else _NOT_FOUND

    def put(path: str, request: Request, seen: Seen) -> bytes:
        for name, digest in _CHECKSUMS.items():
            if (told := request.header(name)) and told != base64.b64encode(digest(request.body)):
                seen.count("wrong checksums")
                return answered("400 Bad Request", b"<Error><Code>BadDigest</Code></Error>")
            if told:
                seen.count("checksums")
        if "/runs/" in path or "/manifests/" in path:
            kept[path] = request.body
            seen.count("parts")
        elif path.endswith(".jpg"):
            seen.count("images", path not in keys)
            keys.add(path)
        seen.count("puts")
        return answered("200 OK", b"", 'ETag: "0"')

    return answer


def _table(operation: str, body: bytes, seen: Seen) -> bytes:
    seen.count(operation)
    if operation == "BatchWriteItem":
        seen.count("rows written", body.count(b'"PutRequest"'))
        found: dict[str, Any] = {"UnprocessedItems": {}}
    elif operation == "BatchGetItem":
        seen.count("rows read", body.count(b'"url"'))
        found = {"Responses": {}, "UnprocessedKeys": {}}
    else:
        found = {}
    return answered("200 OK", json.dumps(found).encode(), "Content-Type: application/x-amz-json-1.0")


def _listed(path: str, query: str, kept: Mapping[str, bytes]) -> bytes:
    prefix = next((pair[7:] for pair in query.split("&") if pair.startswith("prefix=")), "").replace("%2F", "/")
    bucket = path.strip("/")
    keys = sorted(key.removeprefix(f"/{bucket}/") for key in kept if key.startswith(f"/{bucket}/{prefix}"))
    found = "".join(f"<Contents><Key>{escape(key)}</Key><Size>1</Size></Contents>" for key in keys)
    text = f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
    return answered("200 OK", text.encode(), "Content-Type: application/xml")


@contextmanager
def running() -> Iterator[str]:
    """The address of a sink in a process of its own."""
    with server("bench.sink") as (address,):
        yield address


if __name__ == "__main__":
    serve(sink())
