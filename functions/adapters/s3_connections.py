"""Kept connections for PUTs to one host, over bare sockets: http.client above them costs half as much again.

They read the short answers that S3 gives where all goes well. Of any other they tell no more than its status.
"""

import re
import socket
import ssl
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from typing import IO
from urllib.parse import urlsplit

import certifi
from urllib3.util import wait_for_read

CONNECT_SECONDS, READ_SECONDS = 3.0, 20.0
BLOCK_BYTES = 256 * 1024
MAX_RESPONSE_BYTES = 64 * 1024
"""Of an answer; what is longer ends with its connection."""

_PORTS = {"https": 443, "http": 80}
_STATUS = re.compile(rb"HTTP/1\.([01]) ([2-5]\d\d)[ \r]")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.I)
_LAST = re.compile(rb"\r\n(?:connection:[ \t]*close|transfer-encoding:)", re.I)
_ETAG = re.compile(rb"\r\netag:", re.I)


class S3Connections:
    """Of one site, `https://host` or `http://host:port`. As many are kept as were used at once, up to `most`."""

    def __init__(self, site: str, most: int) -> None:
        parts = urlsplit(site)
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._tls = ssl.create_default_context(cafile=certifi.where()) if parts.scheme == "https" else None
        self._idle: deque[socket.socket] = deque(maxlen=most)
        weakref.finalize(self, _close, self._idle)

    def put(self, path: str, headers: Mapping[str, str], body: bytes | IO[bytes]) -> int | None:
        """The status of the answer, None where there was none, or a 200 that is not S3's: that has an ETag, no body.

        `headers` are all there are, `host` among them.
        """
        sock: socket.socket | None = None
        try:
            head = _head(path, headers)
            sock = self._kept() or self._made()
            _send(sock, head, body)
            answer = _Answer(sock)
        except (OSError, ValueError):
            if sock is not None:
                sock.close()
            return None
        if answer.is_last:
            sock.close()
        else:
            self._keep(sock)
        return answer.status if answer.status != 200 or answer.is_plain else None

    def _kept(self) -> socket.socket | None:
        """One that the other side has not closed meanwhile."""
        while True:
            try:
                sock = self._idle.pop()
            except IndexError:
                return None
            if not wait_for_read(sock, timeout=0.0):  # nothing was asked: what can be read is its end
                return sock
            sock.close()

    def _keep(self, sock: socket.socket) -> None:
        if len(self._idle) == self._idle.maxlen:
            sock.close()
        else:
            self._idle.append(sock)

    def _made(self) -> socket.socket:
        sock = socket.create_connection((self._host, self._port), CONNECT_SECONDS)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_hostname=self._host)
            sock.settimeout(READ_SECONDS)
        except BaseException:
            sock.close()
            raise
        return sock


def _head(path: str, headers: Mapping[str, str]) -> bytes:
    """Raises ValueError where a line would end within a value."""
    lines = [f"PUT {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    head = "\r\n".join(lines).encode("latin-1")
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
        raise ValueError("a header has a line end in it")
    return head


def _send(sock: socket.socket, head: bytes, body: bytes | IO[bytes]) -> None:
    if isinstance(body, bytes):
        sock.sendall(head + body)
        return
    sock.sendall(head)
    for block in _blocks(body):
        sock.sendall(block)


def _blocks(body: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: body.read(BLOCK_BYTES), b"")


class _Answer:
    """Read to its end, unless it `is_last`. Raises OSError, and ValueError where it is not HTTP's."""

    __slots__ = ("is_last", "is_plain", "status")

    def __init__(self, sock: socket.socket) -> None:
        data = b""
        while (ends := data.find(b"\r\n\r\n")) < 0:
            data += _more(sock, data)
        head = data[: ends + 2]
        line = _STATUS.match(head)
        if line is None:
            raise ValueError("an answer that is none")
        self.status = int(line[2])
        length = _LENGTH.search(head)
        whole = ends + 4 + (int(length[1]) if length else 0)
        self.is_last = length is None or whole > MAX_RESPONSE_BYTES or line[1] == b"0" or _LAST.search(head) is not None
        self.is_plain = length is not None and whole == ends + 4 == len(data) and _ETAG.search(head) is not None
        while not self.is_last and len(data) < whole:
            data += _more(sock, data)
        if len(data) > whole:
            self.is_last = True


def _more(sock: socket.socket, data: bytes) -> bytes:
    if len(data) > MAX_RESPONSE_BYTES:
        raise ValueError("an answer without end")
    more = sock.recv(16 * 1024)
    if not more:
        raise ConnectionResetError("the answer broke off")
    return more


def _close(idle: deque[socket.socket]) -> None:
    while idle:
        idle.pop().close()
