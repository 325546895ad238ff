"""The head of a response at its limits, read from a pair of connected sockets."""

import socket
from http.client import HTTPException, RemoteDisconnected

import pytest

from functions.core.web.transport import StrictResponse, parse_fields

FINAL = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def status_of(sent: bytes) -> int:
    """The status of the final response."""
    server, client = socket.socketpair()
    with server, client:
        server.sendall(sent)
        server.shutdown(socket.SHUT_WR)
        response = StrictResponse(client, method="GET")
        try:
            response.begin()
        finally:
            response.close()
        return response.status


@pytest.mark.parametrize("interim", [100, 102, 103, 199])
def test_seven_interim_responses_may_precede_the_final_one(interim: int) -> None:
    head = b"HTTP/1.1 %d Wait\r\nLink: </a.css>\r\n\r\n" % interim

    assert status_of(head * 7 + FINAL) == 200
    with pytest.raises(HTTPException, match="too many interim responses"):
        status_of(head * 8 + FINAL)


def test_a_switch_of_protocols_is_final() -> None:
    assert status_of(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + FINAL) == 101


def head_of(size: int) -> bytes:
    """A head whose lines after the first have so many bytes."""
    line = b"X-A: %s\r\n"
    lines = [line % (b"a" * 8_000)] * (size // 9_000)
    rest = size - sum(map(len, lines)) - len(b"\r\n") - len(line % b"")
    return b"HTTP/1.1 200 OK\r\n" + b"".join(lines) + line % (b"a" * rest) + b"\r\n"


def test_headers_may_have_64_kibibytes() -> None:
    assert status_of(head_of(65_536)) == 200
    with pytest.raises(HTTPException, match="the response head is too long"):
        status_of(head_of(65_537))


def test_there_may_be_a_thousand_headers() -> None:
    start, field, end = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", b"X-A: b\r\n", b"\r\n"

    assert status_of(start + field * 999 + end) == 200
    with pytest.raises(HTTPException, match="too many headers"):
        status_of(start + field * 1000 + end)


@pytest.mark.parametrize("missing", [1, 2, 3, 20])
def test_a_truncated_head_is_a_lost_connection(missing: int) -> None:
    with pytest.raises(RemoteDisconnected):
        status_of(FINAL[:-missing])


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (["ETag: x"], [("ETag", "x")]),
        (["ETag:x", "etag:\t y "], [("ETag", "x"), ("etag", "y")]),
        (["Location: http://a.example/b:c"], [("Location", "http://a.example/b:c")]),
        (["X-Empty:"], [("X-Empty", "")]),
        (["X-Long: a", "  b", "\tc", "X-Next: d"], [("X-Long", "a b c"), ("X-Next", "d")]),
        ([" a continuation of nothing", "X: y"], [("X", "y")]),
        (["no colon", ": no name", "X: y"], [("X", "y")]),
        (["Server : x"], [("Server", "x")]),
        (["From me: x"], [("From me", "x")]),
        (["X: Jos\xe9 \xff"], [("X", "Jos\xe9 \xff")]),
        ([], []),
    ],
)
def test_header_lines(lines: list[str], fields: list[tuple[str, str]]) -> None:
    assert parse_fields(lines).items() == fields
