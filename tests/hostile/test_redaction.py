"""Secrets in URLs and headers do not appear in outcomes, messages and log lines."""

import json
import logging
from collections.abc import Callable

import pytest

from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine
from tests.hostile.faults import BRIEF, FAULTS, GOOD, SMALL
from tests.support.servers import Authority, Behaviour, answer, closing, redirect

SECRETS = ("hunter2", "AKIAEXAMPLE", "5ecre7516", "t0k3nt0k3n", "c00k1e", "jw7jw7")
QUERY = (
    "?X-Amz-Credential=AKIAEXAMPLE%2F20251123&X-Amz-Signature=5ecre7516&token=t0k3nt0k3n&w=640"
    "&sig=5ecre7516;auth=t0k3nt0k3n&jw7jw7jw7jw7jw7jw7jw7jw7jw7jw7jw7jw7#t0k3nt0k3n"
)
USER = "://me:hunter2@"


def item_with_secrets(url: str) -> dict[str, object]:
    return {"url": url.replace("://", USER) + QUERY, "headers": {"Cookie": "id=c00k1e", "Authorization": "hunter2"}}


def logged_text(engine: Engine, caplog: pytest.LogCaptureFixture, *items: object, **options: object) -> str:
    """The output of a run for people: parts, messages, and every log line of every library."""
    with caplog.at_level(logging.DEBUG):
        result = engine.mirror(*items, rounds=1, **options)
    logged = [
        record.getMessage() + str(record.exc_info or "") + str(record.exc_text or "") for record in caplog.records
    ]
    return "\n".join(
        [json.dumps(result.files.files), *(json.dumps(n.body) + n.subject for n in result.notices.published), *logged]
    )


def test_no_fault_exposes_a_secret(serve: Serve, engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    servers = [serve({"/bad.jpg": fault.behaviour, "/ok.jpg": GOOD}) for fault in FAULTS]
    rows = [item_with_secrets(server.url(path)) for server in servers for path in ("/bad.jpg", "/ok.jpg")]
    text = logged_text(engine, caplog, *rows, **BRIEF, **SMALL, concurrency=64)
    assert text.count('"failed"') >= len(FAULTS)
    assert "w=640" in text
    assert not [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(closing(b"HTTP/1.1 200 OK\r\nno colon 5ecre7516\r\nX: y\r\n\r\n"), id="headers that urllib3 logs"),
        pytest.param(redirect(f"http{USER}127.0.0.1:1/x{QUERY}"), id="a redirect with secrets of its own"),
        pytest.param(redirect("http://me:hunter2@[x/"), id="one that cannot be parsed"),
        pytest.param(redirect("http://me:hunter2@10.0.0.1/"), id="one that is blocked"),
        pytest.param(answer(401, {"WWW-Authenticate": "Basic hunter2"}), id="an error response"),
    ],
)
def test_no_odd_response_exposes_a_secret(
    behaviour: Behaviour, serve: Serve, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    text = logged_text(engine, caplog, item_with_secrets(serve({"/bad.jpg": behaviour}).url("/bad.jpg")))
    assert '"failed"' in text
    assert not [secret for secret in SECRETS if secret in text]


def test_no_failed_handshake_exposes_a_secret(
    serve: Serve, engine: Engine, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve({}, tls=authority.context("other.test"))
    text = logged_text(engine, caplog, item_with_secrets(server.url("/a.jpg", "bad.test")))
    assert '"tls"' in text
    assert not [secret for secret in SECRETS if secret in text]


def test_no_unknown_name_exposes_a_secret(make_engine: Callable[..., Engine], caplog: pytest.LogCaptureFixture) -> None:
    text = logged_text(make_engine(), caplog, item_with_secrets("http://nowhere.invalid/a.jpg"))
    assert '"dns"' in text
    assert not [secret for secret in SECRETS if secret in text]


def test_no_user_info_with_a_slash_exposes_a_secret(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    text = logged_text(engine, caplog, "http://me:hunter2/x@127.0.0.1/a.jpg")
    assert '"invalid_url"' in text
    assert not [secret for secret in SECRETS if secret in text]
