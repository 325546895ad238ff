"""The HTTP server: keep-alive connections, ports that are in use, and a complete stop."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.aws.http.connection import MAX_HEAD_BYTES
from local.aws.http.messages import HEADERS
from local.aws.http.server import MAX_QUICK_BYTES, Server


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/broken":
        raise ValueError("an error of the application")
    body = environ["wsgi.input"].read() if environ["PATH_INFO"] == "/read" else b"unread"
    headers = [("Content-Length", "7")] if environ["REQUEST_METHOD"] == "HEAD" else []
    start_response("200 OK", [("X-Path", environ["PATH_INFO"]), *headers])
    return [body]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.start(echo)
    yield server
    server.stop()


@pytest.fixture
def connection(server: Server) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(str(urlsplit(server.endpoint).netloc), timeout=5)
    yield connection
    connection.close()


def _request(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **more: Any) -> bytes:
    connection.request(method, path, body, **more)
    return connection.getresponse().read()


def test_it_listens_on_loopback_only(server: Server) -> None:
    assert server.endpoint.startswith("http://127.0.0.1:")


def test_a_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    assert _request(connection, "PUT", "/read", b"one") == b"one"
    first = connection.sock
    assert _request(connection, "PUT", "/read", b"two") == b"two"
    assert connection.sock is first


def test_a_body_that_the_application_ignores_is_not_read_as_the_next_request(
    connection: http.client.HTTPConnection,
) -> None:
    assert _request(connection, "PUT", "/ignored", b"GET /forged HTTP/1.1\r\n\r\n") == b"unread"
    assert _request(connection, "PUT", "/read", b"next") == b"next"


def test_a_chunked_body_is_joined(connection: http.client.HTTPConnection) -> None:
    body = iter([b"first ", b"second"])
    assert _request(connection, "PUT", "/read", body, encode_chunked=True) == b"first second"
    assert _request(connection, "PUT", "/read", b"next") == b"next"


def test_a_client_that_expects_100_continue_gets_it_once(server: Server) -> None:
    host, port = urlsplit(server.endpoint).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw, raw.makefile("rb") as response:
        raw.sendall(b"PUT /read HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert response.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert response.readline() == b"\r\n"
        raw.sendall(b"ok")
        assert response.readline() == b"HTTP/1.1 200 OK\r\n"


def test_a_response_to_head_has_a_length_but_no_body(connection: http.client.HTTPConnection) -> None:
    connection.request("HEAD", "/x")
    response = connection.getresponse()
    assert (response.headers["Content-Length"], response.read()) == ("7", b"")
    assert _request(connection, "PUT", "/read", b"next") == b"next"


def test_an_error_of_the_application_is_a_500_and_the_connection_stays_open(
    connection: http.client.HTTPConnection,
) -> None:
    connection.request("GET", "/broken")
    response = connection.getresponse()
    assert (response.status, response.read()) == (500, b"")
    assert _request(connection, "PUT", "/read", b"next") == b"next"


def test_a_port_that_is_in_use_is_replaced_by_a_free_one(server: Server) -> None:
    used_port = int(server.endpoint.rsplit(":", 1)[1])
    other = Server(used_port)
    assert other.moved
    assert other.endpoint != server.endpoint
    other.stop()


def test_stopping_closes_idle_connections_and_every_thread() -> None:
    before = set(threading.enumerate())
    server = Server()
    server.start(echo)
    with closing(http.client.HTTPConnection(str(urlsplit(server.endpoint).netloc), timeout=5)) as connection:
        _request(connection, "PUT", "/read", b"x")
        server.stop()
        assert set(threading.enumerate()) <= before  # those of earlier tests may end
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""


def test_a_port_is_free_again_after_the_stop() -> None:
    first = Server()
    first.start(echo)
    port = int(first.endpoint.rsplit(":", 1)[1])
    first.stop()
    second = Server(port)
    assert not second.moved
    second.stop()


# Who answers


WAITER, THREAD = "connections", "request"


@pytest.fixture
def quick_server() -> Iterator[Server]:
    """PUTs are quick; `X-Thread` names the thread that answers. `/wait` waits until `/go` is answered."""
    go = threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        if environ["PATH_INFO"] == "/wait":
            go.wait(5)
        if environ["PATH_INFO"] == "/go":
            go.set()
        start_response("200 OK", [("X-Thread", threading.current_thread().name)])
        return [str(len(body)).encode()]

    server = Server()
    server.start(app, lambda method, target: method == "PUT")
    yield server
    server.stop()


def _raw(server: Server) -> socket.socket:
    host, port = urlsplit(server.endpoint).netloc.split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def _answered(server: Server, request: bytes) -> tuple[bytes, bytes]:
    """The status line, and the rest up to the end of the connection."""
    with _raw(server) as raw, raw.makefile("rb") as response:
        raw.sendall(request)
        return response.readline().strip(), response.read()


@pytest.mark.parametrize(
    ("method", "size", "thread"),
    [("PUT", 0, WAITER), ("PUT", MAX_QUICK_BYTES, WAITER), ("PUT", MAX_QUICK_BYTES + 1, THREAD), ("POST", 0, THREAD)],
)
def test_small_quick_requests_are_answered_without_another_thread(
    quick_server: Server, method: str, size: int, thread: str
) -> None:
    connection = http.client.HTTPConnection(str(urlsplit(quick_server.endpoint).netloc), timeout=5)
    for _ in range(2):
        connection.request(method, "/x", bytes(size))
        response = connection.getresponse()
        assert (response.headers["X-Thread"], response.read()) == (thread, str(size).encode())
    connection.close()


def test_requests_are_answered_while_another_one_waits(quick_server: Server) -> None:
    netloc = str(urlsplit(quick_server.endpoint).netloc)
    waiting, other = (http.client.HTTPConnection(netloc, timeout=5) for _ in range(2))
    waiting.request("POST", "/wait")
    assert _request(other, "PUT", "/x", b"quick") == b"5"
    assert _request(other, "POST", "/go") == b"0"
    assert waiting.getresponse().status == 200
    waiting.close()
    other.close()


def test_a_quick_request_may_arrive_byte_by_byte(quick_server: Server) -> None:
    with _raw(quick_server) as raw, raw.makefile("rb") as response:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc":
            raw.sendall(bytes([byte]))
        assert response.readline() == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("methods", [("PUT", "PUT"), ("PUT", "POST"), ("POST", "PUT"), ("POST", "POST")])
def test_requests_that_arrive_together_are_answered_in_order(quick_server: Server, methods: tuple[str, str]) -> None:
    first, second = methods
    requests = (
        f"{first} /x HTTP/1.1\r\nContent-Length: 1\r\n\r\na{second} /x HTTP/1.1\r\nContent-Length: 2\r\n"
        "Connection: close\r\n\r\nbb"
    )
    _, rest = _answered(quick_server, requests.encode())
    assert rest.split(b"\r\n\r\n")[1].startswith(b"1HTTP/1.1 200 OK")
    assert rest.endswith(b"\r\n\r\n2")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"PUT /x\r\n\r\n", b"400 Bad Request"),
        (b"PUT /x HTTP/2.0\r\n\r\n", b"400 Bad Request"),
        (b"PUT /x HTTP/1.1\r\nno colon\r\n\r\n", b"400 Bad Request"),
        (b"PUT /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400 Bad Request"),
        (b"POST /x HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400 Bad Request"),
        (b"PUT /x HTTP/1.1\r\nX: " + b"x" * MAX_HEAD_BYTES, b"431 Request Header Fields Too Large"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_and_the_connection_closed(
    quick_server: Server, request_: bytes, status: bytes
) -> None:
    line, rest = _answered(quick_server, request_)
    assert line == b"HTTP/1.1 " + status
    assert rest.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("headers", ["HTTP/1.0\r\n", "HTTP/1.1\r\nConnection: close\r\n"])
def test_a_client_can_close_the_connection_after_the_response(quick_server: Server, headers: str) -> None:
    line, rest = _answered(quick_server, f"PUT /x {headers}\r\n".encode())
    assert (line, rest[-5:]) == (b"HTTP/1.1 200 OK", b"\r\n\r\n0")


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_client_that_goes_away_within_a_request_disturbs_no_other(quick_server: Server, method: str) -> None:
    with _raw(quick_server) as raw:
        raw.sendall(f"{method} /x HTTP/1.1\r\nContent-Length: 100\r\n\r\npart".encode())
    line, _ = _answered(quick_server, b"PUT /x HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert line == b"HTTP/1.1 200 OK"


def test_the_environment_of_a_request() -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.update(environ)
        start_response("204 No Content", [])
        return []

    server = Server()
    server.start(app)
    try:
        _answered(
            server,
            b"GET http://a.example:1/b%20c?d=%20 HTTP/1.1\r\nX-Amz-Meta-A_B: 1\r\nAccept: x\r\naccept:  y \r\n"
            b"Content-Type: t\r\nConnection: close\r\n\r\n",
        )
    finally:
        server.stop()
    expected = {
        "PATH_INFO": "/b c",
        "QUERY_STRING": "d=%20",
        "REQUEST_URI": "/b%20c?d=%20",
        "HTTP_HOST": "a.example:1",
        "HTTP_ACCEPT": "x,y",
        "CONTENT_TYPE": "t",
    }
    assert {name: seen[name] for name in expected} == expected
    assert seen[HEADERS]["x-amz-meta-a_b"] == "1"
    assert not any("A_B" in name for name in seen)
