"""Signature Version 4 as S3 verifies it: in headers, in a presigned URL, and in the chunks of a body.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_to_bytes

from local.aws.store.errors import S3Error

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW = timedelta(minutes=15)
MAX_EXPIRES_SECONDS = 7 * 24 * 3600
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
SAFE = "-_.~"
_SAFE_PATH = f"/{SAFE}"
_CANONICAL_PATH = re.compile(r"[A-Za-z0-9/_.~-]*")
_TIMESTAMP = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)
_SPACES = re.compile(r" {2,}")

AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)

Secrets = Callable[[str], str | None]
"""The secret access key of an access key ID, None for one that does not exist."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature covers. `path` and `query` are as they were sent; names of headers are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    parameters: list[tuple[str, str]] = field(init=False)
    """Decoded, in the order of the request; a `+` is a plus."""

    def __post_init__(self) -> None:
        pairs = (part.partition("=") for part in self.query.split("&") if part)
        object.__setattr__(self, "parameters", [(unquote(name), unquote(value)) for name, _, value in pairs])


@dataclass(frozen=True, slots=True)
class Scope:
    """Of a signature that was verified: what its chunks are signed with."""

    access_key: str
    key: bytes
    timestamp: str
    scope: str
    signature: str


def verify(request: SignedRequest, secrets: Secrets, now: datetime) -> Scope:
    """Raises S3Error, also for a request that is not signed at all."""
    authorization = request.headers.get("authorization", "")
    if authorization:
        return _verify_header(request, authorization, secrets, now)
    parameters = dict(request.parameters)
    if "X-Amz-Signature" in parameters:
        return _verify_query(request, parameters, secrets, now)
    if "Signature" in parameters and "AWSAccessKeyId" in parameters:
        raise S3Error(
            "NotImplemented",
            "Signature Version 2 is not implemented. Run: aws configure set default.s3.signature_version s3v4",
        )
    raise S3Error("AccessDenied")


def _verify_header(request: SignedRequest, authorization: str, secrets: Secrets, now: datetime) -> Scope:
    match = AUTHORIZATION.fullmatch(authorization.strip())
    if match is None:
        if authorization.startswith("AWS "):
            raise S3Error("NotImplemented", "Signature Version 2 is not implemented. Use Signature Version 4.")
        raise S3Error("AuthorizationHeaderMalformed")
    timestamp = request.headers.get("x-amz-date", "")
    moment = _moment(timestamp)
    if abs(now - moment) > MAX_SKEW:
        raise S3Error("RequestTimeTooSkewed")
    payload = request.headers.get("x-amz-content-sha256")
    if payload is None:
        raise S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    return _compare(
        request, match["credential"], match["headers"].split(";"), match["signature"], timestamp, payload, secrets
    )


def _verify_query(request: SignedRequest, parameters: Mapping[str, str], secrets: Secrets, now: datetime) -> Scope:
    if parameters.get("X-Amz-Algorithm") != ALGORITHM:
        raise S3Error("AuthorizationQueryParametersError", "X-Amz-Algorithm only supports AWS4-HMAC-SHA256")
    timestamp, expires = parameters.get("X-Amz-Date", ""), parameters.get("X-Amz-Expires", "")
    moment = _moment(timestamp)
    if not expires.isdecimal() or len(expires) > 6 or not 0 < int(expires) <= MAX_EXPIRES_SECONDS:
        raise S3Error("AuthorizationQueryParametersError", "X-Amz-Expires must be a number of seconds up to a week")
    if now > moment + timedelta(seconds=int(expires)):
        raise S3Error("AccessDenied", "Request has expired")
    if moment - now > MAX_SKEW:
        raise S3Error("AccessDenied", "Request is not valid yet")
    payload = request.headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
    signed = parameters.get("X-Amz-SignedHeaders", "").split(";")
    return _compare(
        request,
        parameters.get("X-Amz-Credential", ""),
        signed,
        parameters["X-Amz-Signature"],
        timestamp,
        payload,
        secrets,
    )


def _compare(
    request: SignedRequest,
    credential: str,
    signed: Sequence[str],
    signature: str,
    timestamp: str,
    payload: str,
    secrets: Secrets,
) -> Scope:
    parts = credential.split("/")
    if len(parts) != 5 or parts[3:] != ["s3", "aws4_request"] or parts[1] != timestamp[:8]:
        raise S3Error("AuthorizationHeaderMalformed", f"The credential '{credential}' is not valid.")
    access_key, day, region = parts[:3]
    secret = secrets(access_key)
    if secret is None:
        raise S3Error("InvalidAccessKeyId", AWSAccessKeyId=access_key)
    if "host" not in signed or any(name[:6] == "x-amz-" and name not in signed for name in request.headers):
        raise S3Error("AccessDenied", "There were headers present in the request which were not signed")
    scope = f"{day}/{region}/s3/aws4_request"
    canonical = canonical_request(request, signed, payload).encode("latin-1")  # header values are bytes as Latin-1
    to_sign = f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    key = signing_key(secret, day, region)
    expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, signature):
        raise S3Error("SignatureDoesNotMatch", AWSAccessKeyId=access_key, SignatureProvided=signature)
    return Scope(access_key, key, timestamp, scope, signature)


def canonical_request(request: SignedRequest, signed: Sequence[str], payload: str) -> str:
    path = (
        request.path if _CANONICAL_PATH.fullmatch(request.path) else quote(unquote_to_bytes(request.path), _SAFE_PATH)
    )
    pairs = sorted(
        (quote(name, safe=SAFE), quote(value, safe=SAFE))
        for name, value in request.parameters
        if name != "X-Amz-Signature"
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    lines = "".join(f"{name}:{_SPACES.sub(' ', request.headers.get(name, '').strip(' '))}\n" for name in signed)
    return f"{request.method}\n{path}\n{query}\n{lines}\n{';'.join(signed)}\n{payload}"


@lru_cache(maxsize=64)
def signing_key(secret: str, day: str, region: str, service: str = "s3") -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class ChunkVerifier:
    """The signatures of the chunks of one body, each over the one before."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._previous = scope.signature

    def check(self, sha256: str, signature: str) -> None:
        """Raises S3Error(SignatureDoesNotMatch)."""
        self._check(f"{EMPTY_SHA256}\n{sha256}", "PAYLOAD", signature)

    def check_trailer(self, lines: bytes, signature: str) -> None:
        """`lines` are `name:value` with a line feed each. Raises S3Error(SignatureDoesNotMatch)."""
        self._check(hashlib.sha256(lines).hexdigest(), "TRAILER", signature)

    def _check(self, content: str, kind: str, signature: str) -> None:
        scope = self._scope
        to_sign = f"{ALGORITHM}-{kind}\n{scope.timestamp}\n{scope.scope}\n{self._previous}\n{content}"
        expected = hmac.digest(scope.key, to_sign.encode(), "sha256").hex()
        if not hmac.compare_digest(expected, signature):
            raise S3Error("SignatureDoesNotMatch")
        self._previous = expected


@lru_cache(maxsize=64)
def _moment(timestamp: str) -> datetime:
    match = _TIMESTAMP.fullmatch(timestamp)
    try:
        if match is not None:
            year, month, day, hour, minute, second = map(int, match.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        pass
    raise S3Error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
