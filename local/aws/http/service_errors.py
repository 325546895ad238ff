"""Errors in the protocol of the AWS service that a request is for.

| protocol | recognised by | services |
|---|---|---|
| REST API | the path | API Gateway, in front of the functions |
| CBOR | `Smithy-Protocol: rpc-v2-cbor` | CloudWatch |
| JSON | `X-Amz-Target` | DynamoDB, Step Functions, SQS, EventBridge, Logs |
| S3 | the service in the signature, and every request without one | S3 |
| query | a form as body | SNS, STS, IAM, CloudFormation |
| REST JSON | all others | Lambda, X-Ray, API Gateway's own API |
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from local.aws.http.gateway import PREFIX

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Fault(StrEnum):
    UNSIGNED = "Request is missing Authentication Token"
    UNKNOWN_KEY = "The security token included in the request is invalid."
    NOT_IMPLEMENTED = "The local AWS does not implement this."
    INTERNAL = "Internal error of the local AWS."
    ACCESS_DENIED = "Access Denied"


Render = Callable[[HTTPStatus, str, str], Response]
"""Makes a response from the status, the code and the message of an error."""


@dataclass(frozen=True)
class Protocol:
    """`codes` are status and code of each fault. `messages` replace those of the faults."""

    codes: Mapping[Fault, tuple[HTTPStatus, str]]
    render: Render
    messages: Mapping[Fault, str] = field(default_factory=dict)

    def error(self, fault: Fault, message: str = "", code: str = "") -> Response:
        """`code` replaces that of the protocol."""
        status, usual = self.codes[fault]
        return self.render(status, code or usual, message or self.messages.get(fault, str(fault)))


class Signature(NamedTuple):
    """The access key ID and the service of a signed request, as it claims them; nothing is verified here."""

    access_key: str
    service: str


def signature_of(environ: WSGIEnvironment) -> Signature | None:
    """None for a request without a signature of AWS."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if authorization.startswith("AWS4-"):
        return _scope(authorization.partition("Credential=")[2].partition(",")[0])
    if authorization.startswith("AWS "):
        return Signature(authorization.removeprefix("AWS ").partition(":")[0], "s3")
    query = environ.get("QUERY_STRING", "")
    if "X-Amz-Credential=" in query:
        return _scope(parse_qs(query).get("X-Amz-Credential", [""])[0])
    if "AWSAccessKeyId=" in query:
        return Signature(parse_qs(query).get("AWSAccessKeyId", [""])[0], "s3")
    return None


def _scope(credential: str) -> Signature:
    """`KEY/20260101/us-east-1/s3/aws4_request`."""
    parts = credential.strip().split("/")
    return Signature(parts[0], parts[3] if len(parts) == 5 else "")


def protocol_of(environ: WSGIEnvironment, signature: Signature | None) -> Protocol:
    if environ.get("PATH_INFO", "").startswith(f"{PREFIX}/"):
        return REST_API
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        return CBOR
    if "HTTP_X_AMZ_TARGET" in environ:
        return JSON
    if signature is not None and signature.service == "s3":
        return S3
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return QUERY
    return S3 if signature is None else REST_JSON


def _codes(
    unsigned: str, unknown: str, internal: str, denied: str, status: HTTPStatus = HTTPStatus.FORBIDDEN
) -> Mapping[Fault, tuple[HTTPStatus, str]]:
    """`status` is that of a refused signature."""
    return {
        Fault.UNSIGNED: (status, unsigned),
        Fault.UNKNOWN_KEY: (status, unknown),
        Fault.NOT_IMPLEMENTED: (HTTPStatus.NOT_IMPLEMENTED, "NotImplemented"),
        Fault.INTERNAL: (HTTPStatus.INTERNAL_SERVER_ERROR, internal),
        Fault.ACCESS_DENIED: (status, denied),
    }


def _rest_api(status: HTTPStatus, code: str, message: str) -> Response:
    return _response(status, "application/json", json.dumps({"message": message}), {"x-amzn-ErrorType": code})


def _rest_json(status: HTTPStatus, code: str, message: str) -> Response:
    content = json.dumps({"Type": "User", "message": message, "Message": message})
    return _response(status, "application/json", content, {"x-amzn-ErrorType": code})


def _json(status: HTTPStatus, code: str, message: str) -> Response:
    content = json.dumps({"__type": code, "message": message, "Message": message})
    return _response(status, "application/x-amz-json-1.0", content, {})


def _query(status: HTTPStatus, code: str, message: str) -> Response:
    kind = "Sender" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Receiver"
    error = f"<Error><Type>{kind}</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    content = f"<ErrorResponse>{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    return _response(status, "text/xml", content, {})


def _s3(status: HTTPStatus, code: str, message: str) -> Response:
    content = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{uuid.uuid4()}</RequestId></Error>"
    )
    return _response(status, "application/xml", content, {})


def _cbor(status: HTTPStatus, code: str, message: str) -> Response:
    content = b"\xa2" + b"".join(map(_cbor_text, ("__type", code, "message", message)))
    return _response(status, "application/cbor", content, {"Smithy-Protocol": "rpc-v2-cbor"})


def _cbor_text(text: str) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc8949#section-3.1: major type 3 with a length of two bytes."""
    content = text.encode()[: (1 << 16) - 1]
    return b"\x79" + len(content).to_bytes(2, "big") + content


def _response(status: HTTPStatus, content_type: str, content: str | bytes, headers: Mapping[str, str]) -> Response:
    return Response(content, status, {"x-amzn-RequestId": str(uuid.uuid4()), **headers}, content_type=content_type)


_MISSING = "MissingAuthenticationTokenException"
_UNRECOGNIZED = "UnrecognizedClientException"

_DENIED = "AccessDeniedException"

REST_API = Protocol(_codes(_MISSING, _UNRECOGNIZED, "InternalServerErrorException", _DENIED), _rest_api)
CBOR = Protocol(_codes(_MISSING, _UNRECOGNIZED, "InternalFailure", _DENIED, HTTPStatus.BAD_REQUEST), _cbor)
JSON = Protocol(_codes(_MISSING, _UNRECOGNIZED, "InternalFailure", _DENIED, HTTPStatus.BAD_REQUEST), _json)
QUERY = Protocol(
    _codes("MissingAuthenticationToken", "InvalidClientTokenId", "InternalFailure", "AccessDenied"), _query
)
REST_JSON = Protocol(_codes(_MISSING, _UNRECOGNIZED, "ServiceException", _DENIED), _rest_json)
S3 = Protocol(
    _codes("AccessDenied", "InvalidAccessKeyId", "InternalError", "AccessDenied"),
    _s3,
    {
        Fault.UNSIGNED: "Access Denied",
        Fault.UNKNOWN_KEY: "The AWS access key ID that you provided does not exist in our records.",
    },
)
