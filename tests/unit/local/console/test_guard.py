"""Which requests the console answers: those of a session of its own pages, and no others."""

import socket
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from werkzeug.test import Client

from local.console.guard import Guard
from local.console.server import ConsoleServer
from tests.unit.local.console.fakes import HOST, Browser

ACCEPTED = {"run_id": "demo-2", "execution_arn": "arn", "status": "starting"}
CHANGES = ("/start", "/runs/demo-1/cancel", "/runs/demo-1/retry", "/runs/demo-1/concurrency")


def test_the_address_of_the_terminal_begins_a_session(browser: Browser) -> None:
    response = browser.get("/")

    assert response.status_code == 200
    assert "demo-1" in response.text


def test_the_secret_of_the_address_leaves_it_at_once(browser: Browser) -> None:
    path = browser.guard.address.removeprefix(f"http://{HOST}")

    response = browser.get(f"{path}&status=failed")

    assert (response.status_code, response.headers["Location"]) == (303, "/?status=failed")
    assert {"HttpOnly", "SameSite=Strict"} <= set(response.headers["Set-Cookie"].split("; "))


@pytest.mark.parametrize(
    "host",
    [
        *("rebound.example:4567", "127.0.0.1.rebound.example:4567", "127.0.0.1:4567.example", "127.0.0.1.:4567"),
        *("127.0.0.1", "127.0.0.1:80", "127.0.0.1:04567", "localhost:4567", "127.1:4567", "2130706433:4567"),
        *("[::1]:4567", "[::ffff:127.0.0.1]:4567", "[0:0:0:0:0:0:0:1]:4567", "::1:4567", "[::]:4567"),
        *("me@127.0.0.1:4567", "127.0.0.1:4567,127.0.0.1:4567", "127.0.0.1:4567 ", "0.0.0.0:4567", ""),
    ],
)
@pytest.mark.parametrize("path", ["/", "/image?key=images/a.png", "/static/console.css"])
def test_another_host_is_refused(browser: Browser, host: str, path: str) -> None:
    response = browser.get(path, Host=host)

    assert response.status_code == 403
    assert "Host" in response.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "https://127.0.0.1:4567"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
        {"Origin": f"http://{HOST}", "Sec_Fetch_Site": "cross-site"},
    ],
    ids=str,
)
def test_a_page_of_another_origin_reads_and_changes_nothing(browser: Browser, headers: dict[str, str]) -> None:
    browser.api.sent.clear()

    answers = [browser.get("/", **headers), browser.get("/runs/demo-1/report.html", **headers)]
    answers += [browser.post(path, **headers) for path in CHANGES]

    assert {answer.status_code for answer in answers} == {403}
    assert browser.api.sent == []


def test_another_user_of_this_machine_has_no_session(browser: Browser) -> None:
    stranger = Client(browser.client.application)

    for path in ("/", "/runs/demo-1", "/image?key=a", "/static/console.css", "/?session=guess", "/?session=%FF"):
        assert stranger.get(path, base_url=f"http://{HOST}").status_code == 403


def test_a_session_of_an_earlier_console_is_over(browser: Browser) -> None:
    later = Browser()
    cookie = browser.client.get_cookie("image-mirror-4567", domain="127.0.0.1")
    assert cookie is not None

    response = Client(later.client.application).get(
        "/", base_url=f"http://{HOST}", headers={"Cookie": f"{cookie.key}={cookie.value}"}
    )

    assert response.status_code == 403


@pytest.mark.parametrize("token", ["", "guess", "\udcff"])
@pytest.mark.parametrize("path", CHANGES)
def test_a_form_without_its_token_changes_nothing(browser: Browser, path: str, token: str) -> None:
    browser.api.sent.clear()

    response = browser.client.post(path, base_url=f"http://{HOST}", data={"token": token.encode("utf-8", "replace")})

    assert response.status_code == 403
    assert browser.api.sent == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
@pytest.mark.parametrize("path", ["/runs/demo-1", *CHANGES])
def test_other_methods_are_refused(browser: Browser, method: str, path: str) -> None:
    browser.api.sent.clear()

    answers = [
        browser.client.open(path, base_url=f"http://{HOST}", method=method, data=data)
        for data in ({}, {"token": browser.guard.form_token})
    ]

    assert [answer.status_code for answer in answers] == [403, 405]
    assert browser.api.sent == []


@pytest.mark.parametrize("path", ["/", "/runs/demo-1", "/runs/demo-1/report.html"])
@pytest.mark.parametrize("headers", [{}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "[::1]:4567"}])
def test_head_is_a_get_without_its_content(browser: Browser, path: str, headers: dict[str, str]) -> None:
    browser.s3.objects["input", "runs/demo-1/report.html"] = b"<!doctype html>"

    response = browser.client.head(path, base_url=f"http://{HOST}", headers={"Host": HOST, **headers})

    assert (response.status_code, response.data) == (403 if headers else 200, b"")


@pytest.mark.parametrize("path", CHANGES)
def test_head_changes_nothing(browser: Browser, path: str) -> None:
    browser.api.sent.clear()

    browser.client.head(path, base_url=f"http://{HOST}")

    assert browser.api.sent == []


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.0",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: rebound.example:PORT",
        "GET http://rebound.example:PORT/ HTTP/1.1\r\nHost: 127.0.0.1:PORT",
        "GET //rebound.example:PORT/ HTTP/1.1\r\nHost: rebound.example",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\nOrigin: http://rebound.example",
        "GET / HTTP/1.1\r\nHost : 127.0.0.1:PORT",
    ],
    ids=["no-host", "two-hosts", "absolute", "two-slashes", "two-origins", "space"],
)
def test_a_request_in_another_form_is_refused(browser: Browser, head: str) -> None:
    with ConsoleServer(browser.stack, 0) as server, requests.Session() as session:
        session.get(server.address, timeout=30)
        (cookie,) = [f"{cookie.name}={cookie.value}" for cookie in session.cookies]
        port = int(urlsplit(server.address).port or 0)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(f"{head}\r\nCookie: {cookie}\r\n\r\n".replace("PORT", str(port)).encode())

            assert connection.recv(12)[9:12] in (b"400", b"403")


def test_a_form_of_an_earlier_console_changes_nothing(browser: Browser) -> None:
    response = browser.post("/runs/demo-1/cancel", {"token": Browser().guard.form_token})

    assert response.status_code == 403
    assert "from a console that has stopped" in response.text


def test_a_form_of_the_console_is_answered(browser: Browser) -> None:
    browser.api.answers["POST /runs/demo-1/retry"] = (202, ACCEPTED)

    response = browser.post("/runs/demo-1/retry", Origin=f"http://{HOST}", Sec_Fetch_Site="same-origin")

    assert (response.status_code, response.headers["Location"]) == (303, "/runs/demo-2")


@pytest.mark.parametrize("path", ["/", "/start", "/runs/demo-1", "/nowhere", "/static/console.css", "/image?key=a"])
def test_every_answer_has_the_security_headers(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_no_page_shows_a_secret(browser: Browser) -> None:
    session = browser.guard.address.partition("session=")[2]

    for path in ("/", "/start", "/runs/demo-1", "/search", "/nowhere"):
        assert session not in browser.get(path).text


def test_the_secrets_differ_between_processes() -> None:
    first, second = Guard(HOST), Guard(HOST)

    assert (first.address, first.form_token) != (second.address, second.form_token)
    assert len(first.address.partition("session=")[2]) >= 43  # 256 bits


def test_the_server_listens_on_loopback_alone_and_takes_a_free_port_if_its_own_is_in_use(browser: Browser) -> None:
    with ConsoleServer(browser.stack, 0) as first:
        port = int(urlsplit(first.address).port or 0)
        with ConsoleServer(browser.stack, port) as second:
            addresses = {process.laddr for process in psutil.Process().net_connections() if process.status == "LISTEN"}

            assert (first.moved, second.moved) == (False, True)
            assert {ip for ip, number in addresses if number in (port, urlsplit(second.address).port)} == {"127.0.0.1"}
            assert requests.get(second.address, timeout=30).status_code == 200


def test_a_refused_upload_is_not_read(browser: Browser) -> None:
    """A page of another origin must not fill the disk with a form."""
    with ConsoleServer(browser.stack, 0) as server:
        port = int(urlsplit(server.address).port or 0)
        head = f"POST /start HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://example.com\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(
                f"{head}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 999999999\r\n\r\n".encode()
            )

            assert connection.recv(12) == b"HTTP/1.1 403"
