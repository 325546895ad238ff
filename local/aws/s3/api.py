"""HTTP requests to operations, and errors to answers.

Requests about the settings of a bucket (its versioning, its lifecycle, its policy ...) are not for this API: moto
answers them. What neither has is answered NotImplemented by name.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import IO, Protocol
from urllib.parse import unquote

from local.aws.s3 import listing
from local.aws.s3.documents import document
from local.aws.s3.objects import COPY_SOURCE, ObjectOperations
from local.aws.s3.requests import Answer, Operation, Request, target, xml_answer
from local.aws.s3.signature import Secrets, SignedRequest, verify
from local.aws.s3.uploads import UploadOperations
from local.aws.store.errors import NotModifiedError, S3Error
from local.aws.store.objects import ObjectStore

SETTINGS = frozenset(
    {
        *("abac", "accelerate", "acl", "analytics", "cors", "encryption", "intelligent-tiering", "inventory"),
        *("lifecycle", "location", "logging", "metadataConfiguration", "metadataTable", "metrics", "notification"),
        *("object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication"),
        *("requestPayment", "session", "tagging", "versioning", "website"),
    }
)
"""Query parameters of requests about the settings of a bucket."""

REFUSED_PARAMETERS = (
    *("acl", "annotation", "attributes", "encryption", "legal-hold", "partNumber", "renameObject", "restore"),
    *("retention", "select", "tagging", "torrent"),
)
"""Query parameters of operations on objects that are not implemented."""

REFUSED_HEADERS = (
    *("x-amz-server-side-encryption-customer-algorithm", "x-amz-object-lock-mode", "x-amz-object-lock-legal-hold"),
    *("x-amz-tagging", "x-amz-write-offset-bytes", "x-amz-rename-source", "x-amz-grant-read", "x-amz-grant-read-acp"),
    *("x-amz-grant-write-acp", "x-amz-grant-full-control", "x-amz-if-match-last-modified-time", "x-amz-if-match-size"),
)
"""Headers that ask for what is not implemented."""

ALLOWED_VALUES = {
    "x-amz-acl": ("private", "bucket-owner-full-control"),
    "x-amz-server-side-encryption": ("AES256",),
}
"""Headers that ask for what is implemented if they have one of these values."""

log = logging.getLogger(__name__)


class Authorizer(Protocol):
    """Checks verified requests. `visible` returns the error that the caller may see, which can be AccessDenied."""

    def check(self, request: Request) -> None: ...

    def visible(self, request: Request, error: S3Error) -> S3Error: ...


class S3Api:
    """`handles` says whether a request is for this API; `answer` answers it, errors included.

    Without an `authorizer`, every signed request is permitted.
    """

    def __init__(self, store: ObjectStore, secrets_by_key: Secrets, authorizer: Authorizer | None = None) -> None:
        self._store = store
        self._secrets = secrets_by_key
        self._authorizer = authorizer
        self._objects = objects = ObjectOperations(store)
        self._uploads = uploads = UploadOperations(store, objects)
        # by method, and whether the request names the source of a copy
        self._of_objects: Mapping[tuple[str, bool], Operation] = {
            ("PUT", False): objects.put,
            ("PUT", True): objects.copy,
            ("GET", False): objects.get,
            ("HEAD", False): objects.head,
            ("DELETE", False): objects.delete,
        }
        self._of_uploads: Mapping[tuple[str, bool], Operation] = {
            ("PUT", False): uploads.put_part,
            ("PUT", True): uploads.copy_part,
            ("POST", False): uploads.complete,
            ("DELETE", False): uploads.abort,
            ("GET", False): uploads.list_parts,
        }

    @staticmethod
    def handles(method: str, path: str, raw_query: str) -> bool:
        """`path` is `/bucket/key`, as it was sent."""
        bucket, _, key = path.lstrip("/").partition("/")
        if not bucket or key:
            return bool(bucket)
        names = {part.partition("=")[0] for part in raw_query.split("&")}
        return method in ("GET", "POST") and not names & SETTINGS

    def answer(
        self, method: str, raw_path: str, raw_query: str, headers: Mapping[str, str], stream: IO[bytes]
    ) -> Answer:
        try:
            signed = SignedRequest(method, raw_path, raw_query, headers)
            scope = verify(signed, self._secrets, datetime.now(UTC))
            bucket, key = target(raw_path)
            request = Request(method, raw_path, bucket, key, dict(signed.parameters), headers, stream, scope)
            answer = self._permitted(request)
        except NotModifiedError as found:
            answer = Answer(HTTPStatus.NOT_MODIFIED, {"etag": f'"{found.etag}"'})
        except S3Error as error:
            answer = _problem(error, raw_path, method)
        except (OSError, sqlite3.Error) as error:
            log.warning("%s %s failed: %s", method, raw_path, error)
            answer = _problem(S3Error("InternalError", f"OUT: {error}"), raw_path, method)
        return answer

    def _permitted(self, request: Request) -> Answer:
        operation = self._operation(request)
        if self._authorizer is None:
            return operation(request)
        self._authorizer.check(request)
        try:
            return operation(request)
        except S3Error as error:
            raise self._authorizer.visible(request, error) from error

    def may_delete_bucket(self, bucket: str) -> bool:
        return self._store.is_empty(bucket)

    def _operation(self, request: Request) -> Operation:
        """Raises S3Error(NotImplemented | MethodNotAllowed)."""
        if not request.key:
            return self._of_bucket(request)
        method, query = request.method, request.query
        copies = method == "PUT" and COPY_SOURCE in request.headers
        if "uploadId" in query:
            found = self._of_uploads.get((method, copies))
        elif method == "POST" and "uploads" in query:
            found = self._uploads.create
        elif method == "GET" and "tagging" in query:
            found = self._objects.tags
        else:
            if query:
                _check_parameters(query)
            found = self._of_objects.get((method, copies))
        if found is None:
            raise S3Error("MethodNotAllowed")
        _check_headers(request.headers)
        return found

    def _of_bucket(self, request: Request) -> Operation:
        if request.method == "POST" and "delete" in request.query:
            return self._objects.delete_many
        if request.method != "GET":
            raise S3Error("NotImplemented", "The local AWS does not implement POST Object.")
        if "versions" in request.query:
            return self._list_versions
        return self._uploads.list_uploads if "uploads" in request.query else self._list_objects

    def _list_objects(self, request: Request) -> Answer:
        lister = listing.objects_v2 if request.query.get("list-type") == "2" else listing.objects_v1
        return xml_answer("ListBucketResult", lister(self._store, request.bucket, request.query))

    def _list_versions(self, request: Request) -> Answer:
        return xml_answer("ListVersionsResult", listing.versions(self._store, request.bucket, request.query))


def _check_parameters(query: Mapping[str, str]) -> None:
    for name in REFUSED_PARAMETERS:
        if name in query:
            raise S3Error("NotImplemented", f"The local AWS does not implement {name} of an object.")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name in headers:
        if name in REFUSED_HEADERS or headers[name] not in ALLOWED_VALUES.get(name, (headers[name],)):
            raise S3Error("NotImplemented", f"The local AWS does not implement {name}: {headers[name]}.")


def _problem(error: S3Error, raw_path: str, method: str) -> Answer:
    details = {**error.details, "Resource": unquote(raw_path), "RequestId": secrets.token_hex(8).upper()}
    content = document("Error", {"Code": error.code, "Message": error.message, **details}, namespace=False)
    headers = {**error.headers, "content-type": "application/xml"}
    return Answer(error.status, headers, b"" if method == "HEAD" else content)
