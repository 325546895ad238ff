"""How fast the servers are when nothing but bare sockets ask: what shows that a race is not theirs to decide."""

import socket
import time
from urllib.parse import urlsplit

from bench.rig.images import MEAN_KB

CONNECTIONS = 4


def gets(address: str, count: int) -> float:
    """Images a second."""
    return _rate(address, [f"GET /{number}.jpg HTTP/1.1\r\nHost: x\r\n\r\n".encode() for number in range(count)])


def puts(address: str, count: int) -> float:
    """Objects a second, of the size of an average image."""
    body = bytes(round(MEAN_KB * 1000))
    head = "PUT /load/{}.bin HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n"
    return _rate(address, [head.format(number % 8, len(body)).encode() + body for number in range(count)])


def _rate(address: str, requests: list[bytes]) -> float:
    """Several connections in turn, each with one request under way, so that the server never waits for us."""
    parts = urlsplit(address)
    sockets = [socket.create_connection((parts.hostname, parts.port)) for _ in range(CONNECTIONS)]
    begun = time.perf_counter()
    for begin in range(0, len(requests), CONNECTIONS):
        asked = list(zip(sockets, requests[begin : begin + CONNECTIONS], strict=False))
        for sock, request in asked:
            sock.sendall(request)
        for sock, _ in asked:
            _read_answer(sock)
    rate = len(requests) / (time.perf_counter() - begun)
    for sock in sockets:
        sock.close()
    return rate


def _read_answer(sock: socket.socket) -> None:
    data = sock.recv(1 << 20)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.rpartition(b"Content-Length: ")[2].split(b"\r\n")[0])
    missing = length - len(body)
    while missing > 0:
        missing -= len(sock.recv(min(missing, 1 << 20)))
