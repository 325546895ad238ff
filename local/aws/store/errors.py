"""Errors of the S3 API.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from collections.abc import Mapping
from http import HTTPStatus

MESSAGES: Mapping[str, tuple[HTTPStatus, str]] = {
    "AccessDenied": (HTTPStatus.FORBIDDEN, "Access Denied"),
    "AuthorizationHeaderMalformed": (
        HTTPStatus.BAD_REQUEST,
        "The authorization header that you provided is not valid.",
    ),
    "AuthorizationQueryParametersError": (
        HTTPStatus.BAD_REQUEST,
        "The query parameters of the signature are not valid.",
    ),
    "BadDigest": (
        HTTPStatus.BAD_REQUEST,
        "The Content-MD5 or checksum value that you specified did not match what the server received.",
    ),
    "ConditionalRequestConflict": (
        HTTPStatus.CONFLICT,
        "A conflicting operation occurred during the processing of your request.",
    ),
    "EntityTooLarge": (HTTPStatus.BAD_REQUEST, "Your proposed upload exceeds the maximum allowed object size."),
    "EntityTooSmall": (HTTPStatus.BAD_REQUEST, "Your proposed upload is smaller than the minimum allowed object size."),
    "IncompleteBody": (
        HTTPStatus.BAD_REQUEST,
        "You did not provide the number of bytes specified by the Content-Length HTTP header.",
    ),
    "InternalError": (HTTPStatus.INTERNAL_SERVER_ERROR, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (
        HTTPStatus.FORBIDDEN,
        "The AWS access key ID that you provided does not exist in our records.",
    ),
    "InvalidArgument": (HTTPStatus.BAD_REQUEST, "Invalid Argument"),
    "InvalidBucketName": (HTTPStatus.BAD_REQUEST, "The specified bucket is not valid."),
    "InvalidDigest": (HTTPStatus.BAD_REQUEST, "The Content-MD5 or checksum value that you specified is not valid."),
    "InvalidPart": (
        HTTPStatus.BAD_REQUEST,
        "One or more of the specified parts could not be found. The part might not have been uploaded, or the "
        "specified entity tag might not have matched the part's entity tag.",
    ),
    "InvalidPartOrder": (
        HTTPStatus.BAD_REQUEST,
        "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
    ),
    "InvalidRange": (HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The requested range is not satisfiable"),
    "InvalidRequest": (HTTPStatus.BAD_REQUEST, "Invalid Request"),
    "KeyTooLongError": (HTTPStatus.BAD_REQUEST, "Your key is too long"),
    "MalformedXML": (
        HTTPStatus.BAD_REQUEST,
        "The XML that you provided was not well formed or did not validate against our published schema.",
    ),
    "MetadataTooLarge": (HTTPStatus.BAD_REQUEST, "Your metadata headers exceed the maximum allowed metadata size."),
    "MethodNotAllowed": (HTTPStatus.METHOD_NOT_ALLOWED, "The specified method is not allowed against this resource."),
    "MissingContentLength": (HTTPStatus.LENGTH_REQUIRED, "You must provide the Content-Length HTTP header."),
    "NoSuchBucket": (HTTPStatus.NOT_FOUND, "The specified bucket does not exist"),
    "NoSuchKey": (HTTPStatus.NOT_FOUND, "The specified key does not exist."),
    "NoSuchUpload": (
        HTTPStatus.NOT_FOUND,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
        "aborted or completed.",
    ),
    "NoSuchVersion": (HTTPStatus.NOT_FOUND, "The specified version does not exist."),
    "NotImplemented": (
        HTTPStatus.NOT_IMPLEMENTED,
        "A header or operation that you provided implies functionality that the local AWS does not implement.",
    ),
    "PreconditionFailed": (
        HTTPStatus.PRECONDITION_FAILED,
        "At least one of the pre-conditions you specified did not hold",
    ),
    "RequestTimeTooSkewed": (
        HTTPStatus.FORBIDDEN,
        "The difference between the request time and the server's time is too large.",
    ),
    "SignatureDoesNotMatch": (
        HTTPStatus.FORBIDDEN,
        "The request signature we calculated does not match the signature you provided. Check your key and "
        "signing method.",
    ),
    "XAmzContentSHA256Mismatch": (
        HTTPStatus.BAD_REQUEST,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ),
}
"""HTTP status and message by code."""


class S3Error(Exception):
    """An error answer. `details` become elements of its document, beside Code and Message."""

    def __init__(
        self, code: str, message: str = "", *, headers: Mapping[str, str] | None = None, **details: str
    ) -> None:
        self.status, usual = MESSAGES[code]
        self.code = code
        self.message = message or usual
        self.headers = headers or {}
        self.details = details
        super().__init__(f"{code}: {self.message}")


class NotModifiedError(Exception):
    """A conditional GET or HEAD whose object has not changed: answered by 304 without a body."""

    def __init__(self, etag: str) -> None:
        super().__init__(etag)
        self.etag = etag
