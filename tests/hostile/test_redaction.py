"""What a URL holds of secrets stands in nothing that people read: outcomes, messages, log lines."""

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


def secretly(url: str) -> dict[str, object]:
    return {"url": url.replace("://", USER) + QUERY, "headers": {"Cookie": "id=c00k1e", "Authorization": "hunter2"}}


def told(engine: Engine, caplog: pytest.LogCaptureFixture, *items: object, **options: object) -> str:
    """All that the rows leave behind for people: parts, messages, and every log line of every library."""
    with caplog.at_level(logging.DEBUG):
        made = engine.mirror(*items, rounds=1, **options)
    logged = [
        record.getMessage() + str(record.exc_info or "") + str(record.exc_text or "") for record in caplog.records
    ]
    return "\n".join(
        [json.dumps(made.files.files), *(json.dumps(n.body) + n.subject for n in made.notices.published), *logged]
    )


def test_no_fault_tells_a_secret(serve: Serve, engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    servers = [serve({"/bad.jpg": fault.behaviour, "/ok.jpg": GOOD}) for fault in FAULTS]
    rows = [secretly(server.url(path)) for server in servers for path in ("/bad.jpg", "/ok.jpg")]
    text = told(engine, caplog, *rows, **BRIEF, **SMALL, concurrency=64)
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
        pytest.param(answer(401, {"WWW-Authenticate": "Basic hunter2"}), id="a refusal"),
    ],
)
def test_no_odd_answer_tells_one(
    behaviour: Behaviour, serve: Serve, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    text = told(engine, caplog, secretly(serve({"/bad.jpg": behaviour}).url("/bad.jpg")))
    assert '"failed"' in text
    assert not [secret for secret in SECRETS if secret in text]


def test_no_failed_handshake_tells_one(
    serve: Serve, engine: Engine, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve({}, tls=authority.context("other.test"))
    text = told(engine, caplog, secretly(server.url("/a.jpg", "bad.test")))
    assert '"tls"' in text
    assert not [secret for secret in SECRETS if secret in text]


def test_no_name_that_is_not_known_tells_one(
    make_engine: Callable[..., Engine], caplog: pytest.LogCaptureFixture
) -> None:
    text = told(make_engine(), caplog, secretly("http://nowhere.invalid/a.jpg"))
    assert '"dns"' in text
    assert not [secret for secret in SECRETS if secret in text]


def test_no_user_info_that_is_cut_by_a_slash_tells_one(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    text = told(engine, caplog, "http://me:hunter2/x@127.0.0.1/a.jpg")
    assert '"invalid_url"' in text
    assert not [secret for secret in SECRETS if secret in text]
