"""The maximum rate of the servers, measured with bare sockets: it shows that the servers do not limit a race."""

import socket
import time
from urllib.parse import urlsplit

from bench.rig.images import MEAN_KB

CONNECTIONS = 4


def get_rate(address: str, count: int) -> float:
    """Measure GET requests per second."""
    return _rate(address, [f"GET /{number}.jpg HTTP/1.1\r\nHost: x\r\n\r\n".encode() for number in range(count)])


def put_rate(address: str, count: int) -> float:
    """Measure PUT requests per second, with bodies of the mean size of an image."""
    body = bytes(round(MEAN_KB * 1000))
    head = "PUT /load/{}.bin HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n"
    return _rate(address, [head.format(number % 8, len(body)).encode() + body for number in range(count)])


def _rate(address: str, requests: list[bytes]) -> float:
    """Send one request at a time over each of several connections, so that the server never waits for the client."""
    parts = urlsplit(address)
    sockets = [socket.create_connection((parts.hostname, parts.port)) for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    for start in range(0, len(requests), CONNECTIONS):
        in_flight = list(zip(sockets, requests[start : start + CONNECTIONS], strict=False))
        for sock, request in in_flight:
            sock.sendall(request)
        for sock, _ in in_flight:
            _read_response(sock)
    rate = len(requests) / (time.perf_counter() - started)
    for sock in sockets:
        sock.close()
    return rate


def _read_response(sock: socket.socket) -> None:
    data = sock.recv(1 << 20)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.rpartition(b"Content-Length: ")[2].split(b"\r\n")[0])
    missing = length - len(body)
    while missing > 0:
        missing -= len(sock.recv(min(missing, 1 << 20)))
