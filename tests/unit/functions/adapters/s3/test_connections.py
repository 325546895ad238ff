"""Connections to S3: certificates are verified, connections are reused, requests and responses are checked."""

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import trustme

from functions.adapters.s3 import connections as s3_connections
from functions.adapters.s3.connections import MAX_RESPONSE_BYTES, PutAnswer, S3Connections
from tests.support.signed_s3 import S3, Connection, ReceivedPut, sends

HEADERS = {"host": "localhost", "user-agent": "test", "content-length": "3"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[S3]:
    """A TLS server that stores every PUT."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = S3()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.always = lambda connection, _: connection.respond(200, {"ETag": '"0"'})
    with server:
        yield server


def endpoint(server: S3, host: str = "localhost") -> str:
    return f"https://{host}:{server.server_address[1]}"


def trust(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    monkeypatch.setattr(s3_connections.certifi, "where", lambda: str(folder / "ca.pem"))


def test_an_object_goes_over_tls_and_the_next_one_over_the_same_connection(
    tls_server: S3, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(authority, tmp_path, monkeypatch)
    connections = S3Connections(endpoint(tls_server), 2)

    assert [connections.put("/b/k", HEADERS, b"abc") for _ in range(2)] == [PutAnswer(200, '"0"')] * 2

    assert [put.body for put in tls_server.received] == [b"abc", b"abc"]
    assert len({put.connection for put in tls_server.received}) == 1


def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(tls_server: S3) -> None:
    assert S3Connections(endpoint(tls_server), 2).put("/b/k", HEADERS, b"abc") is None
    assert tls_server.received == []


def test_nothing_is_sent_to_a_server_with_another_name(
    tls_server: S3, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(authority, tmp_path, monkeypatch)

    assert S3Connections(endpoint(tls_server, "127.0.0.1"), 2).put("/b/k", HEADERS, b"abc") is None
    assert tls_server.received == []


@pytest.fixture
def server() -> Iterator[S3]:
    with S3() as server:
        server.always = lambda connection, _: connection.respond(200, {"ETag": '"0"'})
        yield server


@pytest.mark.parametrize("value", ["a\r\nx-injected: 1", "a\nb", "a\rb", "a\n folded", "a\r\n\tfolded"])
def test_a_header_with_a_line_break_is_not_sent(server: S3, value: str) -> None:
    connections = S3Connections(server.url, 2)
    assert connections.put("/b/k", HEADERS, b"abc") == PutAnswer(200, '"0"')

    assert connections.put("/b/k", {**HEADERS, "x-amz-meta-note": value}, b"abc") is None
    assert len(server.received) == 1


@pytest.mark.parametrize("path", ["/b/k HTTP/1.1\r\nx: 1\r\n", "/b/k\n", "/b/\x7f"])
def test_a_path_with_a_control_character_is_not_sent(server: S3, path: str) -> None:
    assert S3Connections(server.url, 2).put(path, HEADERS, b"abc") is None
    assert server.received == []


@pytest.mark.parametrize(
    ("size", "is_reused"), [(MAX_RESPONSE_BYTES, True), (MAX_RESPONSE_BYTES + 1, False)], ids=["limit", "larger"]
)
def test_a_connection_is_reused_after_a_response_that_is_not_too_large(server: S3, size: int, is_reused: bool) -> None:
    server.always = lambda connection, _: connection.respond(404, body=b"x" * size)
    connections = S3Connections(server.url, 2)

    assert [connections.put("/b/k", HEADERS, b"abc") for _ in range(2)] == [PutAnswer(404, "")] * 2
    assert (len({put.connection for put in server.received}) == 1) is is_reused


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 1\r\n\r\nx", id="200 with a body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", id="200 without an ETag"),
        pytest.param(b"HTTP/1.1 200 OK\r\nETag: \xe9\r\nContent-Length: 0\r\n\r\n", id="an ETag that is not ASCII"),
        pytest.param(b"HTTP/1.1 200 OK\r\nETag: x\r\n\r\n", id="200 of unknown length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nETag: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked 200"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", id="101"),
        pytest.param(b"HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n", id="600"),
        pytest.param(b"SSH-2.0\r\n\r\n", id="not HTTP"),
    ],
)
def test_an_unexpected_response_is_none(server: S3, response: bytes) -> None:
    server.always = sends(response)

    assert S3Connections(server.url, 2).put("/b/k", HEADERS, b"abc") is None


def test_no_more_connections_are_kept_than_allowed(server: S3) -> None:
    together = Barrier(3)

    def store_together(connection: Connection, _: ReceivedPut) -> None:
        together.wait(10)
        connection.respond(200, {"ETag": '"0"'})

    server.always = store_together
    connections = S3Connections(server.url, 2)
    with ThreadPoolExecutor(3) as pool:
        assert (
            list(pool.map(lambda _: connections.put("/b/k", HEADERS, b"abc"), range(3))) == [PutAnswer(200, '"0"')] * 3
        )

    assert server.closed_connections.acquire(timeout=10)
    assert len(connections._idle) == 2
    connections.close_idle()
