"""The HTTP server: keep-alive connections, ports that are in use, and a complete stop."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.aws.http.server import Server


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
    connection = http.client.HTTPConnection(str(urlsplit(server.endpoint).netloc), timeout=5)
    _request(connection, "PUT", "/read", b"x")
    server.stop()
    assert set(threading.enumerate()) == before
    assert connection.sock is not None
    assert connection.sock.recv(1) == b""
    connection.close()


def test_a_port_is_free_again_after_the_stop() -> None:
    first = Server()
    first.start(echo)
    port = int(first.endpoint.rsplit(":", 1)[1])
    first.stop()
    second = Server(port)
    assert not second.moved
    second.stop()
