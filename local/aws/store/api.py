"""The S3 API over HTTP: one row of a table for each operation.

Requests about a bucket itself (its versioning, its lifecycle, its policy ...) are not ours: they go to moto. What neither has
is answered NotImplemented by name.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import IO, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

from local.aws.store import listing
from local.aws.store.bodies import Body, receive
from local.aws.store.checksums import PREFIX
from local.aws.store.conditions import byte_range, check_read
from local.aws.store.documents import MAX_DOCUMENT_BYTES, Node, document, http_date, iso, parsed
from local.aws.store.errors import NotModifiedError, S3Error
from local.aws.store.index import StoredObject
from local.aws.store.multipart import Part, Upload, Uploads
from local.aws.store.objects import NULL_VERSION, Condition, Content, ObjectStore, blocks, copy_to
from local.aws.store.signature import Scope, Secrets, SignedRequest, verify

MAX_KEY_BYTES = 1024
MAX_METADATA_BYTES = 2048
MAX_DELETED = 1000
USER_METADATA = "x-amz-meta-"
DEFAULT_TYPE = "binary/octet-stream"

KEPT_HEADERS = (
    *("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"),
    *("x-amz-storage-class", "x-amz-website-redirect-location"),
)
OVERRIDES = {f"response-{name}": name for name in KEPT_HEADERS[:6]}
"""Query parameters of a GET that replace a header of its answer."""

REFUSED_HEADERS = (
    *("x-amz-server-side-encryption-customer-algorithm", "x-amz-tagging", "x-amz-object-lock-mode"),
    *("x-amz-object-lock-legal-hold", "x-amz-write-offset-bytes", "x-amz-grant-read", "x-amz-grant-full-control"),
)
"""What a request asks for with them is not implemented."""

SUBRESOURCES = (
    *("acl", "attributes", "legal-hold", "restore", "retention", "select", "tagging", "torrent"),
    *("renameObject", "partNumber"),
)
"""Of an object, not implemented (partNumber: outside an upload)."""

BUCKET_ONLY = (
    *("uploads", "versions", "delete"),
    *("list-type", "prefix", "delimiter", "marker", "max-keys", "encoding-type", "x-id"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """`query` and `headers` by name, headers in lower case; `stream` is the body. `raw_path` is as it was sent."""

    method: str
    raw_path: str
    raw_query: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    stream: IO[bytes]
    scope: Scope


@dataclass(frozen=True, slots=True)
class Answer:
    """`length` is that of a streamed body, in bytes."""

    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""
    length: int | None = None


Operation: TypeAlias = "Callable[[S3Api, Request], Answer]"


class S3Api:
    """`handles` says whether a request is for this data plane; `answer` answers it, errors included."""

    def __init__(self, store: ObjectStore, secrets_by_key: Secrets) -> None:
        self._store = store
        self._secrets = secrets_by_key
        self._uploads = Uploads(store.temporary_file)

    @staticmethod
    def handles(method: str, path: str, raw_query: str) -> bool:
        """`path` is `/bucket/key`, as it was sent."""
        bucket, _, key = path.lstrip("/").partition("/")
        names = {part.partition("=")[0] for part in raw_query.split("&") if part and not part.startswith("X-Amz-")}
        if not bucket:
            return False
        if key:
            return True
        if method == "POST":
            return "delete" in names
        return method == "GET" and names <= _LISTING

    def answer(
        self, method: str, raw_path: str, raw_query: str, headers: Mapping[str, str], stream: IO[bytes]
    ) -> Answer:
        try:
            signed = SignedRequest(method, raw_path, raw_query, headers)
            scope = verify(signed, self._secrets, datetime.now(UTC))
            bucket, key = _target(raw_path)
            request = Request(
                method, raw_path, raw_query, bucket, key, dict(signed.parameters()), headers, stream, scope
            )
            answer = _operation(request)(self, request)
        except NotModifiedError as found:
            answer = Answer(HTTPStatus.NOT_MODIFIED, {"etag": f'"{found.etag}"'})
        except S3Error as error:
            answer = _problem(error, raw_path, method)
        return answer

    def may_delete_bucket(self, bucket: str) -> bool:
        return self._store.is_empty(bucket)

    # Objects

    def put_object(self, request: Request) -> Answer:
        condition = _condition(request.headers)
        headers = _kept(request.headers)
        body = self._receive(request)
        return _stored(
            self._store.put(request.bucket, request.key, body.content, {**headers, **body.checksums}, condition)
        )

    def get_object(self, request: Request) -> Answer:
        stored, file = self._store.open(request.bucket, request.key, request.query.get("versionId", ""))
        try:
            check_read(stored, request.headers)
            part = byte_range(request.headers.get("range"), stored.size)
        except BaseException:
            file.close()
            raise
        start, length = part or (0, stored.size)
        return _read(stored, request, part, blocks(file, start, length))

    def head_object(self, request: Request) -> Answer:
        stored = self._store.head(request.bucket, request.key, request.query.get("versionId", ""))
        check_read(stored, request.headers)
        return _read(stored, request, byte_range(request.headers.get("range"), stored.size), b"")

    def delete_object(self, request: Request) -> Answer:
        marker, version = self._store.delete(request.bucket, request.key, request.query.get("versionId", ""))
        headers = {"x-amz-version-id": version} if version else {}
        return Answer(HTTPStatus.NO_CONTENT, headers | ({"x-amz-delete-marker": "true"} if marker else {}))

    def delete_objects(self, request: Request) -> Answer:
        root = parsed(self._document(request))
        quiet = (root.findtext("Quiet") or "").lower() == "true"
        chosen = [(each.findtext("Key") or "", each.findtext("VersionId") or "") for each in root.iter("Object")]
        if not chosen or len(chosen) > MAX_DELETED:
            raise S3Error("MalformedXML")
        deleted: list[Node] = []
        errors: list[Node] = []
        for key, version in chosen:
            try:
                marker, found = self._store.delete(request.bucket, key, version)
                deleted.append(_deleted(key, version, marker, found))
            except S3Error as error:
                errors.append({"Key": key, "Code": error.code, "Message": error.message})
        return _xml(document("DeleteResult", {"Deleted": [] if quiet else deleted, "Error": errors}))

    def copy_object(self, request: Request) -> Answer:
        content, source = self._copied(request, None)
        replaced = request.headers.get("x-amz-metadata-directive", "COPY").upper() == "REPLACE"
        same = (source.bucket, source.key) == (request.bucket, request.key)
        if same and not replaced and "x-amz-storage-class" not in request.headers and source.latest:
            content.path.unlink(missing_ok=True)
            raise S3Error(
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself without changing the"
                " object's metadata, storage class, website redirect location or encryption attributes.",
            )
        checksums = {name: value for name, value in source.headers.items() if name.startswith(PREFIX)}
        headers = _kept(request.headers) if replaced else {**source.headers}
        if not replaced and "x-amz-storage-class" in request.headers:
            headers |= _storage_class(request.headers)
        stored = self._store.put(
            request.bucket,
            request.key,
            content,
            {**headers, **checksums},
            _condition(request.headers),
            "ObjectCreated:Copy",
        )
        result = {"LastModified": iso(stored.modified), "ETag": f'"{stored.etag}"'}
        answer = _xml(document("CopyObjectResult", result))
        versions = {"x-amz-copy-source-version-id": source.version} if source.version != NULL_VERSION else {}
        return Answer(answer.status, {**answer.headers, **_version(stored), **versions}, answer.body)

    # Lists

    def list_objects(self, request: Request) -> Answer:
        lister = listing.objects_v2 if request.query.get("list-type") == "2" else listing.objects_v1
        return _xml(document("ListBucketResult", lister(self._store, request.bucket, request.query)))

    def list_versions(self, request: Request) -> Answer:
        return _xml(document("ListVersionsResult", listing.versions(self._store, request.bucket, request.query)))

    # Multipart uploads

    def create_upload(self, request: Request) -> Answer:
        self._store.list_keys(request.bucket, "", "", 0)
        upload = self._uploads.create(request.bucket, request.key, _kept(request.headers))
        result: dict[str, Node | None] = {"Bucket": request.bucket, "Key": request.key, "UploadId": upload.id}
        headers = {
            name: request.headers[name]
            for name in ("x-amz-checksum-algorithm", "x-amz-checksum-type")
            if name in request.headers
        }
        answer = _xml(document("InitiateMultipartUploadResult", result))
        return Answer(answer.status, {**answer.headers, **headers}, answer.body)

    def upload_part(self, request: Request) -> Answer:
        upload = self._upload(request)
        body = self._receive(request)
        self._add_part(upload, request, body.content, body.checksums)
        return Answer(HTTPStatus.OK, {"etag": f'"{body.content.md5}"', **body.checksums})

    def copy_part(self, request: Request) -> Answer:
        upload = self._upload(request)
        content, _ = self._copied(request, request.headers.get("x-amz-copy-source-range"))
        self._add_part(upload, request, content, {})
        result = {"LastModified": iso(datetime.now(UTC).timestamp()), "ETag": f'"{content.md5}"'}
        return _xml(document("CopyPartResult", result))

    def _add_part(self, upload: Upload, request: Request, content: Content, checksums: Mapping[str, str]) -> None:
        number = request.query.get("partNumber", "")
        part = Part(content, checksums, datetime.now(UTC).timestamp())
        self._uploads.add(upload, int(number) if number.isdecimal() else 0, part)

    def complete_upload(self, request: Request) -> Answer:
        upload = self._upload(request)
        root = parsed(self._document(request))
        chosen = [(_number(part.findtext("PartNumber")), part.findtext("ETag") or "") for part in root.iter("Part")]
        content = self._uploads.joined(upload, chosen)
        stored = self._store.put(
            request.bucket,
            request.key,
            content,
            upload.headers,
            _condition(request.headers),
            "ObjectCreated:CompleteMultipartUpload",
        )
        self._uploads.remove(upload)
        result: dict[str, Node | None] = {
            "Location": f"/{request.bucket}/{request.key}",
            "Bucket": request.bucket,
            "Key": request.key,
            "ETag": f'"{stored.etag}"',
        }
        answer = _xml(document("CompleteMultipartUploadResult", result))
        return Answer(answer.status, {**answer.headers, **_version(stored)}, answer.body)

    def abort_upload(self, request: Request) -> Answer:
        self._uploads.remove(self._upload(request))
        return Answer(HTTPStatus.NO_CONTENT)

    def list_parts(self, request: Request) -> Answer:
        upload = self._upload(request)
        parts: list[Node] = [
            {
                "PartNumber": number,
                "LastModified": iso(part.modified),
                "ETag": f'"{part.content.md5}"',
                "Size": part.content.size,
            }
            for number, part in sorted(upload.parts.items())
        ]
        return _xml(
            document(
                "ListPartsResult",
                {
                    "Bucket": upload.bucket,
                    "Key": upload.key,
                    "UploadId": upload.id,
                    "IsTruncated": False,
                    "Part": parts,
                },
            )
        )

    def list_uploads(self, request: Request) -> Answer:
        self._store.list_keys(request.bucket, "", "", 0)
        uploads: list[Node] = [
            {"Key": upload.key, "UploadId": upload.id, "Initiated": iso(upload.started), "StorageClass": "STANDARD"}
            for upload in self._uploads.of_bucket(request.bucket, request.query.get("prefix", ""))
        ]
        return _xml(
            document("ListMultipartUploadsResult", {"Bucket": request.bucket, "IsTruncated": False, "Upload": uploads})
        )

    def _upload(self, request: Request) -> Upload:
        return self._uploads.get(request.bucket, request.key, request.query["uploadId"])

    # Bodies

    def _receive(self, request: Request) -> Body:
        return receive(request.stream, request.headers, request.scope, self._store.temporary_file())

    def _document(self, request: Request) -> bytes:
        if int(request.headers.get("content-length") or 0) > MAX_DOCUMENT_BYTES:
            raise S3Error("MalformedXML")
        body = self._receive(request)
        try:
            return body.content.path.read_bytes()
        finally:
            body.content.path.unlink()

    def _copied(self, request: Request, part: str | None) -> tuple[Content, StoredObject]:
        """The source of a copy in a temporary file. Raises S3Error."""
        source, _, query = request.headers["x-amz-copy-source"].partition("?")
        bucket, _, key = unquote(source).lstrip("/").partition("/")
        stored, file = self._store.open(bucket, key, unquote(query.removeprefix("versionId=")) if query else "")
        with file:
            copied = {
                name.removeprefix("x-amz-copy-source-"): value
                for name, value in request.headers.items()
                if name.startswith("x-amz-copy-source-if-")
            }
            with suppress(NotModifiedError):
                check_read(stored, copied)
                copied = {}
            if "if-none-match" in copied or "if-modified-since" in copied:
                raise S3Error("PreconditionFailed")
            path = self._store.temporary_file()
            if part is None:
                copy_to(file, path)
                etag = stored.etag if "-" not in stored.etag else ""
                return Content(path, stored.size, etag or _md5_of(path), stored.sha256), stored
            start, length = byte_range(part, stored.size) or (0, stored.size)
            return _content_of(blocks(file, start, length), path), stored


def _md5_of(path: object) -> str:
    import hashlib
    from pathlib import Path

    with Path(str(path)).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _content_of(pieces: Iterable[bytes], path: object) -> Content:
    import hashlib
    from pathlib import Path

    target = Path(str(path))
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with target.open("wb") as file:
        for piece in pieces:
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
            file.write(piece)
    return Content(target, size, md5.hexdigest(), sha256.hexdigest())


_LISTING = frozenset(
    {
        *("list-type", "prefix", "delimiter", "marker", "max-keys", "encoding-type", "x-id", "continuation-token"),
        *(
            "start-after",
            "fetch-owner",
            "versions",
            "key-marker",
            "version-id-marker",
            "uploads",
            "optional-object-attributes",
        ),
        *("max-uploads", "upload-id-marker"),
    }
)

# (method, parameter that tells it apart, whether a copy source is named) -> operation
_OF_UPLOADS: Mapping[tuple[str, bool], Operation] = {
    ("PUT", False): S3Api.upload_part,
    ("PUT", True): S3Api.copy_part,
    ("POST", False): S3Api.complete_upload,
    ("DELETE", False): S3Api.abort_upload,
    ("GET", False): S3Api.list_parts,
}
_OF_OBJECTS: Mapping[tuple[str, bool], Operation] = {
    ("PUT", False): S3Api.put_object,
    ("PUT", True): S3Api.copy_object,
    ("GET", False): S3Api.get_object,
    ("HEAD", False): S3Api.head_object,
    ("DELETE", False): S3Api.delete_object,
}


def _operation(request: Request) -> Operation:
    """Raises S3Error(NotImplemented | MethodNotAllowed)."""
    copies = "x-amz-copy-source" in request.headers and request.method == "PUT"
    if not request.key:
        return _of_bucket(request)
    if "uploadId" in request.query:
        found = _OF_UPLOADS.get((request.method, copies))
    elif request.method == "POST" and "uploads" in request.query:
        found = S3Api.create_upload
    else:
        refused = [name for name in SUBRESOURCES if name in request.query]
        refused += [name for name in REFUSED_HEADERS if name in request.headers]
        if refused:
            raise S3Error("NotImplemented", f"The local AWS does not implement {refused[0]} of an object.")
        found = _OF_OBJECTS.get((request.method, copies))
    if found is None:
        raise S3Error("MethodNotAllowed")
    return found


def _of_bucket(request: Request) -> Operation:
    if request.method == "POST":
        return S3Api.delete_objects
    if "versions" in request.query:
        return S3Api.list_versions
    return S3Api.list_uploads if "uploads" in request.query else S3Api.list_objects


def _target(raw_path: str) -> tuple[str, str]:
    """Raises S3Error(InvalidRequest | KeyTooLongError)."""
    bucket, _, rest = raw_path.lstrip("/").partition("/")
    raw = unquote_to_bytes(rest)
    try:
        key = raw.decode()
    except UnicodeDecodeError as error:
        raise S3Error("InvalidRequest", "Couldn't parse the specified URI.") from error
    if len(raw) > MAX_KEY_BYTES:
        raise S3Error("KeyTooLongError", Size=str(len(raw)), MaxSizeAllowed=str(MAX_KEY_BYTES))
    return unquote(bucket), key


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are stored with an object. Raises S3Error(MetadataTooLarge)."""
    kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
    encodings = [part.strip() for part in kept.get("content-encoding", "").split(",")]
    kept["content-encoding"] = ",".join(part for part in encodings if part not in ("", "aws-chunked"))
    metadata = {name: value for name, value in headers.items() if name.startswith(USER_METADATA)}
    if (
        sum(len(name) - len(USER_METADATA) + len(value.encode()) for name, value in metadata.items())
        > MAX_METADATA_BYTES
    ):
        raise S3Error("MetadataTooLarge", MaxSizeAllowed=str(MAX_METADATA_BYTES))
    kept.pop("x-amz-storage-class", None)
    kept |= {**_storage_class(headers), **metadata}
    kept.setdefault("content-type", DEFAULT_TYPE)
    return {name: value for name, value in kept.items() if value}


def _storage_class(headers: Mapping[str, str]) -> dict[str, str]:
    found = headers.get("x-amz-storage-class", "STANDARD")
    return {} if found == "STANDARD" else {"x-amz-storage-class": found}


def _condition(headers: Mapping[str, str]) -> Condition:
    """Raises S3Error(NotImplemented)."""
    none_match = headers.get("if-none-match")
    if none_match not in (None, "*"):
        raise S3Error("NotImplemented", "If-None-Match takes * alone in a PUT.")
    return Condition(none_match == "*", headers.get("if-match", "").strip('"'))


def _stored(stored: StoredObject) -> Answer:
    checksums = {name: value for name, value in stored.headers.items() if name.startswith(PREFIX)}
    types = {"x-amz-checksum-type": "FULL_OBJECT"} if checksums else {}
    return Answer(HTTPStatus.OK, {"etag": f'"{stored.etag}"', **_version(stored), **checksums, **types})


def _version(stored: StoredObject) -> dict[str, str]:
    return {} if stored.version == NULL_VERSION else {"x-amz-version-id": stored.version}


def _read(
    stored: StoredObject, request: Request, part: tuple[int, int] | None, body: bytes | Iterable[bytes]
) -> Answer:
    with_checksums = request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED" and part is None
    headers = {name: value for name, value in stored.headers.items() if with_checksums or not name.startswith(PREFIX)}
    headers |= {
        "etag": f'"{stored.etag}"',
        "last-modified": http_date(stored.modified),
        "accept-ranges": "bytes",
        **_version(stored),
    }
    headers |= {header: request.query[name] for name, header in OVERRIDES.items() if name in request.query}
    start, length = part or (0, stored.size)
    if part is not None:
        headers["content-range"] = f"bytes {start}-{start + length - 1}/{stored.size}"
    return Answer(HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT, headers, body, length)


def _deleted(key: str, version: str, marker: bool, found: str) -> dict[str, Node]:
    node: dict[str, Node] = {"Key": key}
    if version:
        node["VersionId"] = version
    if marker:
        node |= {"DeleteMarker": True, "DeleteMarkerVersionId": found}
    return node


def _number(text: str | None) -> int:
    if not text or not text.isdecimal():
        raise S3Error("MalformedXML")
    return int(text)


def _xml(content: bytes) -> Answer:
    return Answer(HTTPStatus.OK, {"content-type": "application/xml"}, content)


def _problem(error: S3Error, raw_path: str, method: str) -> Answer:
    details = {**error.details, "Resource": unquote(raw_path), "RequestId": secrets.token_hex(8).upper()}
    content = document("Error", {"Code": error.code, "Message": error.message, **details}, namespace=False)
    return Answer(error.status, {"content-type": "application/xml"}, b"" if method == "HEAD" else content)
