"""Signature Version 4 as API Gateway verifies it for a method with IAM authorization.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from werkzeug.wrappers import Request, Response

from local.aws.backend import REGION
from local.aws.http.service_errors import REST_API, Fault
from local.aws.s3.signature import ALGORITHM, AUTHORIZATION, SAFE, SignedRequest, canonical_request, signing_key

SERVICE = "execute-api"
MAX_SKEW = timedelta(minutes=5)
TIMESTAMP = "%Y%m%dT%H%M%SZ"

INCOMPLETE = "IncompleteSignatureException"
INVALID = "InvalidSignatureException"

Secrets = Callable[[str], str | None]
"""The secret access key of an access key ID; None for an unknown one."""


class ApiSignatures:
    """Refuses a request with a wrong signature. With `required`, also one without a signature."""

    def __init__(self, secrets: Secrets, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._secrets = secrets
        self._now = now
        self.required = False

    def __call__(self, request: Request) -> Response | None:
        """The refusal; None for a request that the method answers."""
        authorization = request.headers.get("Authorization", "")
        if not authorization:
            return REST_API.error(Fault.UNSIGNED, "Missing Authentication Token") if self.required else None
        found = AUTHORIZATION.fullmatch(authorization.strip())
        if found is None:
            return _refused(INCOMPLETE, "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature'.")
        timestamp, signed = request.headers.get("X-Amz-Date", ""), found["headers"].split(";")
        access_key, _, scope = found["credential"].partition("/")
        secret = self._secrets(access_key)
        if secret is None:
            return REST_API.error(Fault.UNKNOWN_KEY)
        problem = self._problem(timestamp, scope, signed)
        if problem:
            return _refused(INVALID, problem)
        canonical = canonical_request(_signed_request(request), signed, hashlib.sha256(request.get_data()).hexdigest())
        to_sign = f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode('latin-1')).hexdigest()}"
        key = signing_key(secret, timestamp[:8], REGION, SERVICE)
        if hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), found["signature"]):
            return None
        return _refused(
            INVALID,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
            " Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String"
            f" for this request should have been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{to_sign}'\n",
        )

    def _problem(self, timestamp: str, scope: str, signed: list[str]) -> str:
        """What is wrong with the parts of a signature; empty if nothing is."""
        try:
            moment = datetime.strptime(timestamp, TIMESTAMP).replace(tzinfo=UTC)
        except ValueError:
            return "Date must be in ISO-8601 'basic format'."
        if abs(self._now() - moment) > MAX_SKEW:
            return f"Signature expired: {timestamp} is not within 5 minutes of {self._now().strftime(TIMESTAMP)}."
        if scope != f"{timestamp[:8]}/{REGION}/{SERVICE}/aws4_request":
            return f"Credential should be scoped to a valid Region and to the service '{SERVICE}'."
        if "host" not in signed:
            return "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        return ""


def _signed_request(request: Request) -> SignedRequest:
    """The path is encoded once more than it was sent, unlike that of a request to S3."""
    sent = urlsplit(request.environ.get("REQUEST_URI") or request.path)
    headers = {name.lower(): value for name, value in request.headers}
    return SignedRequest(request.method, quote(sent.path, f"/{SAFE}"), sent.query, headers)


def _refused(code: str, message: str) -> Response:
    return REST_API.render(HTTPStatus.FORBIDDEN, code, message)
