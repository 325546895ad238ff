"""Requests and answers of the S3 API, and the headers that are stored with an object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import IO, TypeAlias
from urllib.parse import unquote_to_bytes

from local.aws.s3.bodies import Body, receive
from local.aws.s3.documents import MAX_DOCUMENT_BYTES, Node, document, http_date
from local.aws.s3.signature import Scope
from local.aws.store.checksums import PREFIX
from local.aws.store.errors import S3Error
from local.aws.store.index import StoredObject
from local.aws.store.multipart import CHECKSUM_TYPE, FULL_OBJECT
from local.aws.store.objects import NULL_VERSION, ObjectStore

MAX_KEY_BYTES = 1024
MAX_METADATA_BYTES = 2048
USER_METADATA = "x-amz-meta-"
STORAGE_CLASS = "x-amz-storage-class"
DEFAULT_TYPE = "binary/octet-stream"

REPLACEABLE_HEADERS = (
    *("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"),
)
KEPT_HEADERS = (*REPLACEABLE_HEADERS, "x-amz-website-redirect-location")
OVERRIDES = {f"response-{name}": name for name in REPLACEABLE_HEADERS}
"""Query parameters of a GET that replace a header of its answer."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Request:
    """`query` and `headers` by name, headers in lower case; `stream` is the body. `raw_path` is as it was sent."""

    method: str
    raw_path: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    stream: IO[bytes]
    scope: Scope


@dataclass(frozen=True, slots=True)
class Answer:
    """`length` is that of a streamed body, or of the body that a GET would have, in bytes."""

    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""
    length: int | None = None


Operation: TypeAlias = Callable[[Request], Answer]


def received(request: Request, store: ObjectStore) -> Body:
    """The body in a temporary file. Raises S3Error."""
    return receive(request.stream, request.headers, request.scope, store.temporary_file())


def received_document(request: Request, store: ObjectStore, *, checksums: bool = True) -> bytes:
    """The body of a request that is an XML document. Raises S3Error.

    Without `checksums`, those in the headers are not of the body.
    """
    headers = {name: value for name, value in request.headers.items() if checksums or not name.startswith(PREFIX)}
    body = received(replace(request, headers=headers), store)
    try:
        if body.content.size > MAX_DOCUMENT_BYTES:
            raise S3Error("MalformedXML")
        return body.content.path.read_bytes()
    finally:
        body.content.path.unlink()


def target(raw_path: str) -> tuple[str, str]:
    """Bucket and key. Raises S3Error(InvalidRequest | KeyTooLongError)."""
    bucket, _, rest = raw_path.lstrip("/").partition("/")
    raw = unquote_to_bytes(rest)
    try:
        key, name = raw.decode(), unquote_to_bytes(bucket).decode()
    except UnicodeDecodeError as error:
        raise S3Error("InvalidRequest", "Couldn't parse the specified URI.") from error
    if len(raw) > MAX_KEY_BYTES:
        raise S3Error("KeyTooLongError", Size=str(len(raw)), MaxSizeAllowed=str(MAX_KEY_BYTES))
    return name, key


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are stored with an object. Raises S3Error(MetadataTooLarge)."""
    kept = {name: headers[name] for name in KEPT_HEADERS if headers.get(name)}
    if "content-encoding" in kept:
        parts = [part.strip() for part in kept["content-encoding"].split(",")]
        kept["content-encoding"] = ",".join(part for part in parts if part not in ("", "aws-chunked"))
        if not kept["content-encoding"]:
            del kept["content-encoding"]
    metadata = {name: value for name, value in headers.items() if name.startswith(USER_METADATA)}
    if sum(len(name) - len(USER_METADATA) + len(value) for name, value in metadata.items()) > MAX_METADATA_BYTES:
        raise S3Error("MetadataTooLarge", MaxSizeAllowed=str(MAX_METADATA_BYTES))
    kept.setdefault("content-type", DEFAULT_TYPE)
    return {**kept, **storage_class(headers), **metadata}


def storage_class(headers: Mapping[str, str]) -> dict[str, str]:
    found = headers.get(STORAGE_CLASS, "STANDARD")
    return {} if found == "STANDARD" else {STORAGE_CLASS: found}


def version_header(stored: StoredObject) -> dict[str, str]:
    return {} if stored.version == NULL_VERSION else {"x-amz-version-id": stored.version}


def checksum_headers(headers: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in headers.items() if name.startswith(PREFIX)}
    return {CHECKSUM_TYPE: FULL_OBJECT, **found} if found else {}


def stored_answer(stored: StoredObject) -> Answer:
    """The answer to a PUT."""
    etag = {"etag": f'"{stored.etag}"'}
    return Answer(HTTPStatus.OK, {**etag, **version_header(stored), **checksum_headers(stored.headers)})


def read_answer(
    stored: StoredObject, request: Request, part: tuple[int, int] | None, body: bytes | Iterable[bytes]
) -> Answer:
    """The answer to a GET or HEAD; `part` is the first byte and the length of a range."""
    headers = {name: value for name, value in stored.headers.items() if not name.startswith(PREFIX)}
    if request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED" and part is None:
        headers |= checksum_headers(stored.headers)
    headers |= {
        "etag": f'"{stored.etag}"',
        "last-modified": http_date(stored.modified),
        "accept-ranges": "bytes",
        **version_header(stored),
        **_overrides(request.query),
    }
    start, length = part or (0, stored.size)
    if part is not None:
        headers["content-range"] = f"bytes {start}-{start + length - 1}/{stored.size}"
    return Answer(HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT, headers, body, length)


def _overrides(query: Mapping[str, str]) -> dict[str, str]:
    """Header values as the server sends them: bytes as Latin-1. Raises S3Error(InvalidArgument)."""
    found = {header: query[name].encode().decode("latin-1") for name, header in OVERRIDES.items() if name in query}
    for value in found.values():
        if _CONTROL.search(value):
            raise S3Error("InvalidArgument", "Header value cannot be represented.")
    return found


def xml_answer(name: str, children: Mapping[str, Node | None], headers: Mapping[str, str] | None = None) -> Answer:
    content = document(name, children)
    return Answer(HTTPStatus.OK, {"content-type": "application/xml", **(headers or {})}, content)


def now() -> float:
    return datetime.now(UTC).timestamp()
