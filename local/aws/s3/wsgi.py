"""The S3 API as a WSGI application, in front of another one that answers what is not about objects."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from local.aws.s3.api import S3Api
from local.aws.s3.documents import document
from local.aws.store.objects import ObjectStore

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADERS = "local.headers"
"""Key of the WSGI environment: the headers by name in lower case, also those with an underscore. The server sets it."""

_SCOPE = "/s3/aws4_request"
NOT_EMPTY = document(
    "Error",
    {"Code": "BucketNotEmpty", "Message": "The bucket you tried to delete is not empty"},
    namespace=False,
)
_NO_BUCKETS = ("/_", "/2015-03-31/functions/")
"""Paths of other services: `_aws` of the REST API, which needs no signature, and of Lambda."""

_WITHOUT_LENGTH = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class ObjectsApp:
    """Answers requests about objects; `is_ours` tells them. `REQUEST_URI` is the target as it was sent."""

    def __init__(self, api: S3Api) -> None:
        self._api = api

    def is_ours(self, environ: WSGIEnvironment) -> bool:
        """About objects, and signed for S3 or not signed at all: those are refused."""
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        if authorization and _SCOPE not in authorization and not authorization.startswith("AWS "):
            return False
        path, _, query = environ["REQUEST_URI"].partition("?")
        if path.startswith(_NO_BUCKETS):
            return False
        if not authorization and "X-Amz-Credential" in query and "%2Fs3%2Faws4_request" not in query:
            return False
        return S3Api.handles(environ["REQUEST_METHOD"], path, query)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, _, query = environ["REQUEST_URI"].partition("?")
        answer = self._api.answer(environ["REQUEST_METHOD"], path, query, environ[HEADERS], environ["wsgi.input"])
        status = HTTPStatus(answer.status)
        length = answer.length
        if length is None and isinstance(answer.body, bytes) and status not in _WITHOUT_LENGTH:
            length = len(answer.body)
        lengths = [("content-length", str(length))] if length is not None else []
        start_response(f"{status.value} {status.phrase}", [*answer.headers.items(), *lengths])
        return [answer.body] if isinstance(answer.body, bytes) else answer.body


class WithObjects:
    """The object store in front of an application that handles everything else, and the buckets in `except_buckets`."""

    def __init__(
        self,
        objects: ObjectsApp,
        store: ObjectStore,
        fallback: WSGIApplication,
        *,
        except_buckets: Collection[str] = (),
    ) -> None:
        self._objects = objects
        self._store = store
        self._fallback = fallback
        self._except_buckets = except_buckets

    def is_about_objects(self, environ: WSGIEnvironment) -> bool:
        return _path(environ)[0] not in self._except_buckets and self._objects.is_ours(environ)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self.is_about_objects(environ):
            return self._objects(environ, start_response)
        bucket, rest = _path(environ)
        if environ["REQUEST_METHOD"] == "DELETE" and bucket and not rest and not self._store.is_empty(bucket):
            start_response("409 Conflict", [("Content-Type", "application/xml")])
            return [NOT_EMPTY]
        return self._fallback(environ, start_response)


def _path(environ: WSGIEnvironment) -> tuple[str, str]:
    """The bucket and the key of a request in path style."""
    bucket, _, rest = environ["REQUEST_URI"].partition("?")[0].lstrip("/").partition("/")
    return bucket, rest
