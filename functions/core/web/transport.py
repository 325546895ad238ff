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
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from io import BufferedReader
from typing import cast

from urllib3.connection import HTTPConnection

MAX_HEAD_BYTES = 64 * 1024
MAX_INTERIM_RESPONSES = 8
READ_BYTES = 64 * 1024
"""Buffer size of a response, in bytes. The 8 KB of http.client make seven calls for an average image, each of them a
thread switch."""


class _HeadReader:
    """The file of a response while its head is read. `truncated` is true where the last line has no line end."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._size = 0
        self.truncated = False

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self._size += len(line)
        if self._size > MAX_HEAD_BYTES:
            raise HTTPException("the response head is too long")
        self.truncated = not line.endswith(b"\n")
        return line

    def close(self) -> None:
        self._file.close()


class StrictResponse(HTTPResponse):
    """The response class of guarded connections."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp.close()
        self.fp = cast(BufferedReader, sock.makefile("rb", READ_BYTES))

    def begin(self) -> None:
        """Read the head. Raises HTTPException; RemoteDisconnected where the head is truncated."""
        file = self.fp
        reader = _HeadReader(file)
        stand_in = cast(BufferedReader, reader)
        self.fp = stand_in
        try:
            super().begin()
        finally:
            if self.fp is stand_in:
                self.fp = file
        if reader.truncated:
            raise RemoteDisconnected("the response head is truncated")

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM_RESPONSES):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            while self.fp.readline(MAX_HEAD_BYTES).strip():
                pass
        raise HTTPException("too many interim responses")


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
