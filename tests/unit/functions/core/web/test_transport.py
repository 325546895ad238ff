"""The head of a response at its limits, read from a pair of connected sockets."""

import socket
from http.client import HTTPException, RemoteDisconnected

import pytest

from functions.core.web.transport import StrictResponse

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


def test_a_head_may_have_64_kibibytes_with_its_first_line() -> None:
    limit = 65_536 - len(b"HTTP/1.1 200 OK\r\n")

    assert status_of(head_of(limit)) == 200
    with pytest.raises(HTTPException, match="the response head is too long"):
        status_of(head_of(limit + 1))


@pytest.mark.parametrize("missing", [1, 2, 3, 20])
def test_a_truncated_head_is_a_lost_connection(missing: int) -> None:
    with pytest.raises(RemoteDisconnected):
        status_of(FINAL[:-missing])
