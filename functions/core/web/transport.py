"""Response heads that are stricter than http.client's, and the idle connections that are kept for later requests.

http.client accepts a truncated head as complete, reads `100 Continue` without a limit, and takes any other interim
response (103, RFC 8297) for the final one.

urllib3 limits idle connections by host and the number of hosts. With a manifest of a hundred hosts, taken in turn, the
connections of every host would be closed before its next turn, and each image would need a new handshake. Here the
limit is one total for all hosts.
"""

import queue
import socket
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, HTTPResponse, RemoteDisconnected, UnknownProtocol
from io import BufferedReader
from typing import cast

from urllib3.connection import HTTPConnection

MAX_HEAD_BYTES = 64 * 1024
"""Maximum size of the headers, with those of interim responses, in bytes."""

MAX_FIELDS = 1000
"""Maximum number of header lines. http.client takes 100, of which some content delivery networks send more."""

MAX_INTERIM_RESPONSES = 8
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED, HTTPStatus.SWITCHING_PROTOCOLS})
READ_BYTES = 64 * 1024
"""Buffer size of a response, in bytes. The 8 KB of http.client make seven calls for an average image, each of them a
thread switch."""


class StrictResponse(HTTPResponse):
    """The response class of guarded connections. Its headers are parsed here: http.client does it with the email
    package, which takes a tenth of the CPU of an image, and hides all lines after one that it cannot parse."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp.close()
        self.fp = cast(BufferedReader, sock.makefile("rb", READ_BYTES))
        self._head_bytes_left = MAX_HEAD_BYTES

    def begin(self) -> None:
        """Read the head. Raises HTTPException; RemoteDisconnected where the head is truncated."""
        version, self.status, reason = self._read_status()
        self.code, self.reason = self.status, reason.strip()
        if not version.startswith(("HTTP/0.9", "HTTP/1.")):
            raise UnknownProtocol(version)
        self.version = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11
        self.headers = self.msg = parse_fields(self._lines())
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left: int | None = None
        self.will_close = self._check_close()  # type: ignore[attr-defined]  # not in the type stubs
        self.length = self._content_length()
        self.will_close = self.will_close or (self.length is None and not self.chunked)

    def _content_length(self) -> int | None:
        if self.status in _WITHOUT_BODY or self._method == "HEAD":  # type: ignore[attr-defined]
            return 0
        text = "" if self.chunked else self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    def _lines(self) -> Iterator[str]:
        """The lines of the head up to the empty one. Raises HTTPException."""
        for _ in range(MAX_FIELDS + 1):
            if not (line := self._line()):
                return
            yield line
        raise HTTPException("the response has too many headers")

    def _line(self) -> str:
        """Without its end. Raises HTTPException."""
        line = self.fp.readline(self._head_bytes_left + 1)
        self._head_bytes_left -= len(line)
        if self._head_bytes_left < 0:
            raise HTTPException("the response head is too long")
        if not line.endswith(b"\n"):
            raise RemoteDisconnected("the response head is truncated")
        return line.decode("latin-1").rstrip("\r\n")

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM_RESPONSES):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            for _ in self._lines():
                pass
        raise HTTPException("too many interim responses")


def parse_fields(lines: Iterable[str]) -> HTTPMessage:
    """Header lines (RFC 9112, section 5). A line that starts with a space continues the one before; a line without a
    name is skipped, as curl and browsers do."""
    fields: list[tuple[str, str]] = []
    for line in lines:
        name, separator, value = line.partition(":")
        if line[0] in " \t":
            if fields:
                fields[-1] = fields[-1][0], f"{fields[-1][1]} {line.strip()}"
        elif separator and name.strip():
            fields.append((name.strip(), value.strip()))
    message = HTTPMessage()
    for name, value in fields:
        message[name] = value
    return message


class IdleConnections:
    """The idle connections of all pools and threads, at most `max_idle`: above that the one idle longest is closed."""

    def __init__(self, max_idle: int) -> None:
        self._max_idle = max_idle
        self._connections: OrderedDict[HTTPConnection, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._connections[connection] = None
            if len(self._connections) > self._max_idle:
                self._connections.popitem(last=False)[0].close()

    def remove(self, connection: HTTPConnection) -> None:
        """Take a connection out: the caller alone uses it from now on. It may have been closed in the meantime."""
        with self._lock:
            self._connections.pop(connection, None)


class PoolQueue(queue.LifoQueue[HTTPConnection]):
    """The queue in which a urllib3 pool keeps its idle connections."""

    def __init__(self, size: int, idle: IdleConnections) -> None:
        super().__init__(size)
        self._idle = idle

    def get(self, block: bool = True, timeout: float | None = None) -> HTTPConnection:
        """An idle connection. Raises queue.Empty, and urllib3 then opens a connection."""
        connection = super().get(block, timeout)
        self._idle.remove(connection)
        return connection

    def put(self, item: HTTPConnection | None, block: bool = True, timeout: float | None = None) -> None:
        """Keep an idle connection. Raises queue.Full, and urllib3 then closes the connection.

        urllib3 puts None for a connection that is not open yet, for pools that block; ours do not.
        """
        if item is None:
            return
        self._idle.add(item)  # first: once it is in the queue, another thread may take it
        try:
            super().put(item, block, timeout)
        except queue.Full:
            self._idle.remove(item)
            raise
