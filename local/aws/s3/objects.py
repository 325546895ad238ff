"""Operations on objects: put, get, head, delete, copy."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import unquote

from local.aws.s3.conditions import byte_range, check_read, range_condition_holds, write_condition
from local.aws.s3.documents import Node, iso, parsed
from local.aws.s3.requests import (
    STORAGE_CLASS,
    Answer,
    Request,
    checksum_headers,
    kept_headers,
    read_answer,
    received,
    received_document,
    storage_class,
    stored_answer,
    version_header,
    xml_answer,
)
from local.aws.store import files
from local.aws.store.checksums import ALGORITHMS, PREFIX, Digests
from local.aws.store.errors import NotModifiedError, S3Error
from local.aws.store.files import Blocks, Content
from local.aws.store.index import StoredObject
from local.aws.store.objects import NULL_VERSION, ObjectStore

MAX_DELETED = 1000
COPY_SOURCE = "x-amz-copy-source"
ILLEGAL_COPY = (
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's"
    " metadata, storage class, website redirect location or encryption attributes."
)


class ObjectOperations:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, request: Request) -> Answer:
        condition = write_condition(request.headers)
        headers = kept_headers(request.headers)
        body = received(request, self._store)
        headers.update(body.checksums)
        return stored_answer(self._store.put(request.bucket, request.key, body.content, headers, condition))

    def get(self, request: Request) -> Answer:
        stored, file = self._store.open(request.bucket, request.key, request.query.get("versionId", ""))
        try:
            part = _checked_range(stored, request)
            start, length = part or (0, stored.size)
            return read_answer(stored, request, part, Blocks(file, start, length))
        except BaseException:
            file.close()
            raise

    def head(self, request: Request) -> Answer:
        stored = self._store.head(request.bucket, request.key, request.query.get("versionId", ""))
        return read_answer(stored, request, _checked_range(stored, request), b"")

    def tags(self, request: Request) -> Answer:
        """The empty set: an object with tags is refused."""
        stored = self._store.head(request.bucket, request.key, request.query.get("versionId", ""))
        return xml_answer("Tagging", {"TagSet": {}}, version_header(stored))

    def delete(self, request: Request) -> Answer:
        condition = write_condition(request.headers)
        version = request.query.get("versionId", "")
        marker, version = self._store.delete(request.bucket, request.key, version, condition)
        headers = {"x-amz-version-id": version} if version else {}
        return Answer(HTTPStatus.NO_CONTENT, headers | ({"x-amz-delete-marker": "true"} if marker else {}))

    def delete_many(self, request: Request) -> Answer:
        root = parsed(received_document(request, self._store))
        quiet = (root.findtext("Quiet") or "").lower() == "true"
        chosen = [
            (each.findtext("Key") or "", each.findtext("VersionId") or "", each.findtext("ETag") or "")
            for each in root.iter("Object")
        ]
        if not chosen or len(chosen) > MAX_DELETED:
            raise S3Error("MalformedXML")
        deleted: list[Node] = []
        errors: list[Node] = []
        for key, version, etag in chosen:
            try:
                condition = write_condition({"if-match": etag} if etag else {})
                marker, found = self._store.delete(request.bucket, key, version, condition)
                deleted.append(_deleted(key, version, marker, found))
            except S3Error as error:
                versions: dict[str, Node] = {"VersionId": version} if version else {}
                errors.append(versions | {"Key": key, "Code": error.code, "Message": error.message})
        return xml_answer("DeleteResult", {"Deleted": [] if quiet else deleted, "Error": errors})

    def copy(self, request: Request) -> Answer:
        source, content, checksums = self.copied(request)
        try:
            headers = _copied_headers(request, source)
        except S3Error:
            content.path.unlink()
            raise
        condition = write_condition(request.headers)
        headers.update(checksums)
        stored = self._store.put(request.bucket, request.key, content, headers, condition, "ObjectCreated:Copy")
        result: dict[str, Node | None] = {"LastModified": iso(stored.modified), "ETag": f'"{stored.etag}"'}
        versions = {f"{COPY_SOURCE}-version-id": source.version} if source.version != NULL_VERSION else {}
        return xml_answer("CopyObjectResult", result | _elements(checksums), {**version_header(stored), **versions})

    def copied(
        self, request: Request, part: str = "", algorithm: str = ""
    ) -> tuple[StoredObject, Content, dict[str, str]]:
        """The source of a copy, its bytes in a temporary file, and their checksum headers. Raises S3Error.

        `part` is a range of bytes.
        """
        bucket, key, version = _source(request.headers[COPY_SOURCE])
        stored, file = self._store.open(bucket, key, version)
        with file:
            _check_copy(stored, request.headers)
            start, length = byte_range(part, stored.size) or (0, stored.size)
            kept = [name for name in ALGORITHMS if PREFIX + name in stored.headers]
            wanted = algorithm or request.headers.get("x-amz-checksum-algorithm", "").lower()
            names = [wanted] if wanted else kept
            if not set(names) <= set(ALGORITHMS):
                raise S3Error("InvalidRequest", "Checksum algorithm provided is unsupported.")
            digests = Digests(names)
            content = files.write(Blocks(file, start, length), self._store.temporary_file(), digests)
        return stored, content, {PREFIX + name: digests.checksum(name) for name in names}


def _checked_range(stored: StoredObject, request: Request) -> tuple[int, int] | None:
    check_read(stored, request.headers)
    if not range_condition_holds(stored, request.headers):
        return None
    return byte_range(request.headers.get("range"), stored.size)


def _source(text: str) -> tuple[str, str, str]:
    """Bucket, key and version."""
    path, _, version = text.partition("?versionId=")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    if not bucket or not key:
        raise S3Error("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    return bucket, key, unquote(version)


def _check_copy(stored: StoredObject, headers: Mapping[str, str]) -> None:
    """A source that has not changed is an error of a copy. Raises S3Error(PreconditionFailed)."""
    prefix = f"{COPY_SOURCE}-"
    conditions = {
        name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(f"{prefix}if-")
    }
    with suppress(NotModifiedError):
        check_read(stored, conditions)
        return
    raise S3Error("PreconditionFailed")


def _copied_headers(request: Request, source: StoredObject) -> dict[str, str]:
    """The headers of the new object without checksums. Raises S3Error(InvalidRequest)."""
    if request.headers.get("x-amz-metadata-directive", "COPY").upper() == "REPLACE":
        return kept_headers(request.headers)
    same = (source.bucket, source.key) == (request.bucket, request.key)
    if same and source.latest and STORAGE_CLASS not in request.headers:
        raise S3Error("InvalidRequest", ILLEGAL_COPY)
    checksums = checksum_headers(source.headers)
    kept = {name: value for name, value in source.headers.items() if name not in checksums and name != STORAGE_CLASS}
    return kept | storage_class(request.headers)


def _elements(checksums: Mapping[str, str]) -> dict[str, Node]:
    return {f"Checksum{name.removeprefix(PREFIX).upper()}": value for name, value in checksums.items()}


def _deleted(key: str, version: str, marker: bool, found: str) -> dict[str, Node]:
    node: dict[str, Node] = {"Key": key}
    if version:
        node["VersionId"] = version
    if marker:
        node |= {"DeleteMarker": True, "DeleteMarkerVersionId": found}
    return node
