"""What the console says when the stack does not answer as it should: what has happened, where, and what to do."""

import html
import io
import logging
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    TokenRetrievalError,
)
from botocore.response import StreamingBody
from urllib3.exceptions import ProtocolError
from urllib3.response import HTTPResponse

from local.console.server import ConsoleServer
from tests.unit.local.console.fakes import RUN, Browser, client_error

SECRET = "SECRETOFTHEUSER"
CANONICAL = f"does not match.\n\nThe Canonical String for this request should have been\n'x-amz-security-token:{SECRET}"
SIGNED_URL = f"https://input.s3.eu-west-1.amazonaws.com/manifests/a.csv?X-Amz-Security-Token={SECRET}"
PROXY_URL = f"http://me:{SECRET}@proxy.example:3128"

API_ANSWERS: dict[str, tuple[int, str, dict[str, str], str]] = {
    "expired": (403, "ExpiredTokenException", {"message": "The token is expired"}, "Your credentials have expired."),
    "unknown-key": (403, "UnrecognizedClientException", {"message": "invalid"}, "does not accept your credentials"),
    "signature": (403, "InvalidSignatureException:", {"message": CANONICAL}, "Check AWS_PROFILE or the keys"),
    "denied": (403, "AccessDeniedException", {"Message": "User: me is not authorized"}, "me is not authorized. docs"),
    "other-version": (403, "MissingAuthenticationTokenException", {"message": "Missing"}, "`./image-mirror deploy`"),
    "throttled": (
        429,
        "TooManyRequestsException",
        {"message": "Too Many"},
        "at the moment. Load the page again in a few seconds.",
    ),
    "throttled-by-the-api": (
        429,
        "",
        {"detail": "Step Functions"},
        "at the moment. Load the page again in a few seconds.",
    ),
    "unavailable": (503, "", {"message": "Service Unavailable"}, "The API answers 503: Service Unavailable. If"),
    "failed": (
        502,
        "InternalServerErrorException",
        {"message": "Internal server error"},
        "see the logs of the stack. Load the page again in a minute.",
    ),
    "no-json": (500, "", {}, "The API answers 500: Internal Server Error. If it does so again"),
    "of-a-proxy": (599, "", {}, "The API answers 599: "),
    "login-page": (200, "", {}, "a proxy or a login page may have answered"),
    "unknown-run": (404, "", {"detail": "There is no run demo-1."}, "There is no run demo-1."),
}


def _connection_error(url: str) -> requests.ConnectionError:
    text = f"Max retries exceeded with url: {url} (Caused by ProxyError({PROXY_URL}))"
    return requests.ConnectionError(text, request=requests.Request("GET", url).prepare())


FAILURES: dict[str, tuple[Exception, str]] = {
    "expired": (client_error("ExpiredToken", 400, "The provided token has expired."), "Your credentials have expired."),
    "wrong-keys": (client_error("SignatureDoesNotMatch", 403, CANONICAL), "does not accept your credentials"),
    "denied": (client_error("AccessDenied", 403, "Access Denied"), "Access Denied. docs/console.md lists"),
    "archived": (client_error("InvalidObjectState", 403), "is archived. Restore it with `aws s3api restore-object`"),
    "deleted": (client_error("NoSuchKey", 404), "does not exist: it was deleted"),
    "no-stack": (client_error("NoSuchBucket", 404), "the stack was deleted. Run `./image-mirror deploy`."),
    "busy": (client_error("SlowDown", 503), "has too many requests at the moment."),
    "broken": (client_error("InternalError", 500, "We encountered an error."), "answers 500: We encountered an error."),
    "network": (
        EndpointConnectionError(endpoint_url="https://images.s3.eu-west-1.amazonaws.com/a"),
        "Cannot connect to images.s3.eu-west-1.amazonaws.com. Check the network, the VPN and the proxy.",
    ),
    "timeout": (ConnectTimeoutError(endpoint_url="http://127.0.0.1:4566/a"), "Is `up` still running?"),
    "proxy": (ProxyConnectionError(proxy_url=PROXY_URL), "(ProxyConnectionError)"),
    "no-credentials": (NoCredentialsError(), "cannot be used (NoCredentialsError). Renew them"),
    "single-sign-on": (TokenRetrievalError(provider="sso", error_msg=SECRET), "aws sso login"),
}


def _text(response: Any) -> str:
    return html.unescape(re.sub("</?bdi>", "", response.text))


@pytest.mark.parametrize("name", API_ANSWERS)
@pytest.mark.parametrize("path", ["/runs/demo-1", "/runs/demo-1/files"])
def test_an_answer_of_the_api_that_is_an_error_is_explained(browser: Browser, name: str, path: str) -> None:
    status, browser.api.error_type, content, message = API_ANSWERS[name]
    browser.api.answers["GET /runs/demo-1"] = (status, content)

    response = browser.get(path)

    assert response.status_code == (502 if name == "login-page" else status)
    assert message in _text(response)
    assert SECRET not in response.text


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("path", ["/image?key=images/a.png", "/runs/demo-1", "/runs/demo-1/gallery"])
def test_a_failure_of_a_bucket_is_explained(browser: Browser, name: str, path: str) -> None:
    browser.s3.failure, message = FAILURES[name]

    response = browser.get(path)

    assert response.status_code >= 400
    assert message in _text(response)
    assert SECRET not in response.text


@pytest.mark.parametrize("url", ["https://x1.execute-api.eu-west-1.amazonaws.com/v1/runs", SIGNED_URL])
@pytest.mark.parametrize("path", ["/", "/search?url=https://a.example/1", "/runs/demo-1"])
def test_a_connection_that_fails_is_named_by_its_host_alone(browser: Browser, url: str, path: str) -> None:
    browser.api.failure = _connection_error(url)

    response = browser.get(path)

    assert response.status_code == 502
    assert f"Cannot connect to {urlsplit(url).hostname}. Check the network" in _text(response)
    assert SECRET not in response.text


@pytest.mark.parametrize(
    "failure", [_connection_error("https://a.example/"), NoCredentialsError()], ids=["api", "keys"]
)
def test_what_was_entered_is_not_lost_when_the_stack_does_not_answer(browser: Browser, failure: Exception) -> None:
    browser.api.failure = failure

    response = browser.post("/start", {"urls": "https://a.example/1", "option-batch_size": "7"})

    assert response.status_code == 502
    assert 'role="alert"' in response.text
    assert "https://a.example/1</textarea>" in response.text
    assert 'value="7"' in response.text


@pytest.mark.parametrize(("status", "same"), [(503, True), (500, True), (409, False), (429, False)])
def test_a_run_that_may_have_started_is_requested_again_with_the_same_key(
    browser: Browser, status: int, same: bool
) -> None:
    key = 'name="key" value="the-key"'
    for path in ("POST /runs", "POST /runs/demo-1/retry"):
        browser.api.answers[path] = (status, {"detail": "Not now."})
    browser.api.answers["GET /runs/demo-1"] = (200, {**RUN, "links": {"retry_manifest": "https://a.example/"}})

    started = browser.post("/start", {"urls": "https://a.example/1", "key": "the-key"})
    retried = browser.post("/runs/demo-1/retry", {"key": "the-key"})

    assert [key in answer.text for answer in (started, retried)] == [same, same]


def test_an_error_of_this_program_is_logged_and_says_where(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    browser.api.failure = KeyError("rows")

    with caplog.at_level(logging.ERROR):
        response = browser.get("/runs/demo-1?note=https://a.example/private")

    assert response.status_code == 500
    assert "local.log in the folder of --out" in response.text
    assert "Traceback" not in response.text
    assert [record.message for record in caplog.records] == ["GET /runs/demo-1 failed"]


@pytest.mark.parametrize(
    ("failure", "label"),
    [
        (client_error("InvalidObjectState", 403), "archived"),
        (client_error("NoSuchKey", 404), "deleted"),
        (client_error("AccessDenied", 403), "no permission"),
        (EndpointConnectionError(endpoint_url="https://a.example"), "not available"),
    ],
    ids=["archived", "deleted", "denied", "network"],
)
def test_in_the_place_of_an_image_that_is_not_there_the_reason_is_shown(
    browser: Browser, failure: Exception, label: str
) -> None:
    browser.s3.failure = failure

    response = browser.get("/image?key=images/a.png", Sec_Fetch_Dest="image", Sec_Fetch_Site="same-origin")

    assert response.status_code >= 400
    assert response.content_type == "image/svg+xml"
    assert f">{label}</text>" in response.text
    assert "sandbox" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/runs/demo-1/progress", "/runs/demo-1/files"])
def test_an_update_that_fails_leaves_the_page_and_says_so_once(browser: Browser, path: str) -> None:
    browser.api.failure = _connection_error("https://a.example/")

    first = browser.get(path, HX_Request="true")
    shown = html.unescape(first.text.partition('name="trouble" value="')[2].partition('"')[0])
    second = browser.get(f"{path}?trouble={shown}", HX_Request="true")
    browser.api.failure = None
    third = browser.get(f"{path}?trouble={shown}", HX_Request="true")
    fourth = browser.get(path, HX_Request="true")

    assert (first.status_code, first.headers["HX-Reswap"]) == (502, "none")
    assert 'id="trouble" hx-swap-oob="innerHTML"' in first.text
    assert 'role="alert"' in first.text
    assert (second.status_code, second.data) == (204, b"")
    assert 'id="trouble" hx-swap-oob="innerHTML"' in third.text
    assert 'role="alert"' not in third.text
    assert 'id="trouble"' not in fourth.text


def test_a_file_that_s3_does_not_send_to_its_end_is_not_ended_with_something_else(
    browser: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    class Broken(io.RawIOBase):
        first = True

        def readinto(self, buffer: Any) -> int:
            if not self.first:
                raise ProtocolError("Connection broken")
            self.first = False
            buffer[:4] = b"row\n"
            return 4

        def readable(self) -> bool:
            return True

    body = StreamingBody(HTTPResponse(Broken(), preload_content=False), 5000)
    browser.s3.get_object = lambda **_: {"ContentLength": 5000, "Body": body}  # type: ignore[method-assign]

    with ConsoleServer(browser.stack, 0) as server, requests.Session() as session:
        session.get(server.address, timeout=30)
        response = session.get(f"{server.address.partition('/?')[0]}/runs/demo-1/results.csv", stream=True, timeout=30)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = response.content

    assert "Traceback" not in "".join(capfd.readouterr())


def _secrets(browser: Browser) -> list[str]:
    return [browser.guard.address.partition("session=")[2], "AKIAOFTHEUSER", SECRET, PROXY_URL]


def test_no_answer_of_a_session_and_no_line_of_the_log_has_a_credential(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """The secret of the session is in the cookie that begins it, and nowhere else."""
    paths = ("/", "/start", "/search?url=https://a.example/1", "/nowhere", "/static/console.css", "/image?key=a")
    paths += tuple(f"/runs/demo-1{rest}" for rest in ("", "/progress", "/files", "/gallery", "/report.html"))
    failures: list[tuple[Exception | None, Exception | None, str]] = [(None, None, "")]
    failures += [(failure, failure, "") for failure, _ in FAILURES.values()]
    failures += [(_connection_error(SIGNED_URL), None, ""), (None, None, "InvalidSignatureException")]
    answers = []

    with caplog.at_level(logging.DEBUG):
        for browser.api.failure, browser.s3.failure, browser.api.error_type in failures:
            if browser.api.error_type:
                browser.api.answers["GET /runs/demo-1"] = (403, {"message": CANONICAL})
            answers += [browser.get(path) for path in paths]
            answers += [browser.get(path, HX_Request="true") for path in paths]
            answers += [browser.post(f"/runs/demo-1/{action}") for action in ("cancel", "retry", "concurrency")]
            answers.append(browser.post("/start", {"urls": "https://a.example/1"}))

    everything = [answer.text + str(answer.headers) for answer in answers] + [caplog.text]
    for secret in _secrets(browser):
        assert [text for text in everything if secret in text] == []
