"""Operations of S3 on objects to actions and resources.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import unquote

from local.aws.permissions.conditions import REQUEST, listing_context
from local.aws.permissions.evaluator import AccessDeniedError, Call, Permissions
from local.aws.permissions.identities import ADMINISTRATOR, Principal
from local.aws.s3.requests import Request
from local.aws.store.errors import S3Error

ARN = "arn:aws:s3:::"
COPY_SOURCE = "x-amz-copy-source"
LIST = "s3:ListBucket"

OBJECT_ACTIONS = {
    "PUT": "s3:PutObject",
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "DELETE": "s3:DeleteObject",
}
VERSION_ACTIONS = {
    "GET": "s3:GetObjectVersion",
    "HEAD": "s3:GetObjectVersion",
    "DELETE": "s3:DeleteObjectVersion",
}
"""Actions of requests with `versionId`."""

UPLOAD_ACTIONS = {
    "PUT": "s3:PutObject",
    "POST": "s3:PutObject",
    "DELETE": "s3:AbortMultipartUpload",
    "GET": "s3:ListMultipartUploadParts",
}
"""Actions of requests with `uploadId`."""

BUCKET_ACTIONS = {"versions": "s3:ListBucketVersions", "uploads": "s3:ListBucketMultipartUploads"}
"""Actions of requests for a list, by query parameter."""

TAGGING = {False: "s3:GetObjectTagging", True: "s3:GetObjectVersionTagging"}
"""By whether the request has `versionId`."""

MISSING = ("NoSuchKey", "NoSuchVersion")
"""Errors that S3 shows only to a principal that may list the bucket."""


class ObjectAuthorizer:
    """Checks requests for objects. `principal_of` finds the principal of an access key."""

    def __init__(self, permissions: Callable[[], Permissions], principal_of: Callable[[str], Principal]) -> None:
        self._permissions = permissions
        self._principal_of = principal_of

    def check(self, request: Request) -> None:
        """Raises S3Error(AccessDenied)."""
        principal, permissions = self._principal_of(request.scope.access_key), self._permissions()
        context = REQUEST if request.key else listing_context(request.query.get("prefix"))
        try:
            for action, resource in calls(request):
                permissions.check(principal, action, resource, context)
        except UnknownOperationError as error:
            if principal != ADMINISTRATOR:
                raise S3Error("AccessDenied", str(error)) from error
        except AccessDeniedError as error:
            raise S3Error("AccessDenied", str(error)) from error

    def visible(self, request: Request, error: S3Error) -> S3Error:
        """The error that the caller sees: 403 instead of 404 without the permission to list the bucket."""
        if error.code not in MISSING:
            return error
        try:
            principal = self._principal_of(request.scope.access_key)
            self._permissions().check(principal, LIST, ARN + request.bucket)
        except AccessDeniedError as denied:
            return S3Error("AccessDenied", str(denied))
        return error


class UnknownOperationError(Exception):
    """The message names the operation for which there is no rule."""


def calls(request: Request) -> Iterator[Call]:
    """The actions that a request needs. Raises UnknownOperationError."""
    method, query = request.method, request.query
    resource = f"{ARN}{request.bucket}/{request.key}"
    if not request.key:
        yield _bucket_call(request)
    elif "uploadId" in query or (method == "POST" and "uploads" in query):
        yield Call(_action(UPLOAD_ACTIONS, request), resource)
    elif "tagging" in query:
        yield Call(TAGGING["versionId" in query], resource)
    else:
        yield Call(_action(VERSION_ACTIONS if query.get("versionId") else OBJECT_ACTIONS, request), resource)
    if method == "PUT" and COPY_SOURCE in request.headers:
        yield _source_call(request.headers[COPY_SOURCE])


def _action(actions: dict[str, str], request: Request) -> str:
    if request.method not in actions:
        raise UnknownOperationError(f"There is no rule for the permission of {request.method} {request.raw_path}.")
    return actions[request.method]


def _bucket_call(request: Request) -> Call:
    if request.method != "GET":
        raise UnknownOperationError(
            f"The local AWS has no rule for the permission of {request.method} {request.raw_path}: only the"
            " administrator may delete many objects by one request."
        )
    found = next((BUCKET_ACTIONS[name] for name in BUCKET_ACTIONS if name in request.query), LIST)
    return Call(found, ARN + request.bucket)


def _source_call(text: str) -> Call:
    path, _, version = text.partition("?versionId=")
    return Call("s3:GetObjectVersion" if version else "s3:GetObject", ARN + unquote(path).lstrip("/"))
