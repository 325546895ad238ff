"""Signatures of requests to the REST API, which botocore makes as all clients of AWS do."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.wrappers import Request, Response

from local.aws.http.api_signatures import ApiSignatures

ACCESS_KEY, SECRET_KEY, TOKEN = "AKIAEXAMPLE", "secret", "session-token"
HOST = "127.0.0.1:4566"
RUNS = f"http://{HOST}/_aws/execute-api/api1/v1/runs"
BODY = b'{"urls": ["https://a.example/\xc3\xa4"]}'


def signed_headers(
    url: str, body: bytes = b"", *, method: str = "GET", secret: str = SECRET_KEY, service: str = "execute-api"
) -> dict[str, str]:
    request = AWSRequest(method, url, headers={"Content-Type": "application/json"}, data=body or None)
    SigV4Auth(Credentials(ACCESS_KEY, secret, TOKEN), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def answer(
    url: str,
    headers: dict[str, str],
    body: bytes = b"",
    *,
    method: str = "GET",
    required: bool = True,
    now: datetime | None = None,
) -> Response | None:
    parts = urlsplit(url)
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    content_type = named.pop("HTTP_CONTENT_TYPE", "")
    environ = {
        "REQUEST_METHOD": method,
        "REQUEST_URI": url.removeprefix(f"http://{HOST}"),
        "PATH_INFO": unquote(parts.path),
        "QUERY_STRING": parts.query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_HOST": HOST,
        **named,
    }
    signatures = ApiSignatures({ACCESS_KEY: SECRET_KEY}.get, lambda: now or datetime.now(UTC))
    signatures.required = required
    return signatures(Request(environ))


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize(
    "path",
    ["", "/demo-1", "/a%20b%2Fc%25", "/%C3%A4~_.-", "?status=failed&next=a%2Bb%3D", "?url=https%3A%2F%2Fa%2F%3Fb%26c"],
)
def test_a_request_with_a_right_signature_is_answered(method: str, path: str) -> None:
    body = b"" if method == "GET" else BODY
    headers = signed_headers(RUNS + path, body, method=method)

    assert answer(RUNS + path, headers, body, method=method) is None


@pytest.mark.parametrize("change", [{"body": BODY + b" "}, {"url": RUNS + "/x"}, {"url": RUNS + "?status=failed"}])
def test_a_request_that_was_changed_after_its_signature_is_refused(change: dict[str, str | bytes]) -> None:
    headers = signed_headers(RUNS, BODY, method="POST")

    refusal = answer(**{"url": RUNS, "headers": headers, "body": BODY, "method": "POST", **change})  # type: ignore[arg-type]

    assert refusal is not None
    assert refusal.status_code == 403


@pytest.mark.parametrize(
    ("headers", "code", "message"),
    [
        (lambda: {}, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (lambda: {"Authorization": "Bearer x"}, "IncompleteSignatureException", "Authorization header requires"),
        (lambda: {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, "IncompleteSignatureException", "Authorization"),
        (lambda: signed_headers(RUNS, secret="wrong"), "InvalidSignatureException", "The request signature we"),
        (lambda: signed_headers(RUNS, service="s3"), "InvalidSignatureException", "Credential should be scoped to"),
        (lambda: {**signed_headers(RUNS), "X-Amz-Date": "today"}, "InvalidSignatureException", "Date must be in"),
        (lambda: {**signed_headers(RUNS), "Content-Type": "text/csv"}, "InvalidSignatureException", "The request"),
    ],
    ids=["none", "bearer", "parts", "secret", "service", "date", "header"],
)
def test_a_request_without_a_right_signature_is_refused_as_by_api_gateway(
    headers: Callable[[], dict[str, str]], code: str, message: str
) -> None:
    """Signed in the test: a signature is valid for five minutes."""
    refusal = answer(RUNS, headers())

    assert refusal is not None
    assert (refusal.status_code, refusal.headers["x-amzn-ErrorType"]) == (403, code)
    assert json.loads(refusal.data)["message"].startswith(message)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_of_another_time_is_refused(minutes: int) -> None:
    refusal = answer(RUNS, signed_headers(RUNS), now=datetime.now(UTC) + timedelta(minutes=minutes))

    assert refusal is not None
    assert json.loads(refusal.data)["message"].startswith("Signature expired")


def test_an_unknown_key_is_refused() -> None:
    headers = {name: value.replace(ACCESS_KEY, "AKIAOTHER") for name, value in signed_headers(RUNS).items()}

    refusal = answer(RUNS, headers)

    assert refusal is not None
    assert json.loads(refusal.data) == {"message": "The security token included in the request is invalid."}


def test_where_no_signature_is_required_a_wrong_one_is_refused() -> None:
    wrong = answer(RUNS, signed_headers(RUNS, secret="wrong"), required=False)

    assert answer(RUNS, {}, required=False) is None
    assert wrong is not None
    assert wrong.status_code == 403
