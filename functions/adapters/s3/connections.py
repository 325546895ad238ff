"""Persistent connections for signed PUTs to one endpoint of S3, over http.client."""

import socket
import ssl
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Lock
from typing import IO, cast
from urllib.parse import urlsplit

import certifi
from urllib3.util import wait_for_read

CONNECT_SECONDS, READ_SECONDS = 3.0, 20.0

MAX_IDLE_SECONDS = 4.0
"""Maximum age of an idle connection in seconds. S3 closes idle connections after 5 to 20 seconds
(github.com/JuliaCloud/AWSCore.jl/issues/35, github.com/vectordotdev/vector/pull/9703), and Lambda purges those of a
frozen environment (docs.aws.amazon.com/lambda/latest/dg/best-practices.html). The pauses within a batch are shorter."""

BLOCK_BYTES = 256 * 1024
MAX_LINE_BYTES = 16 * 1024
MAX_HEADERS = 100
MAX_RESPONSE_BYTES = 64 * 1024
"""Maximum size of a response body in bytes. A connection with a larger one is closed."""

_ERRORS = (OSError, HTTPException, ValueError)


@dataclass(frozen=True, slots=True)
class PutAnswer:
    """Status code of the response to a PUT, and its ETag with the quotation marks, which is empty if it has none."""

    status: int
    etag: str


class _Response(HTTPResponse):
    """A response whose headers are parsed here: http.client does it with the email package, a tenth of a PUT's CPU."""

    etag = ""

    def is_reusable(self) -> bool:
        """Whether another request may use the connection. Reads the body.

        Raises HTTPException unless a 200 has an ETag and no body, as S3's has.
        """
        if not 200 <= self.status < 600 or (self.status == 200 and (self.length != 0 or not self.etag)):
            raise HTTPException("This is not a response of S3 to a PUT.")
        if self.will_close or self.length is None or self.length > MAX_RESPONSE_BYTES:
            return False
        self.read()
        return True

    def begin(self) -> None:
        """Raises HTTPException for headers that are truncated or too long, ValueError for an ETag that is not ASCII."""
        version, self.status, self.reason = self._read_status()  # type: ignore[attr-defined]  # not in the type stubs
        headers: dict[bytes, bytes] = {}
        while (line := self.fp.readline(MAX_LINE_BYTES)) != b"\r\n":
            if not line.endswith(b"\r\n") or len(headers) == MAX_HEADERS:
                raise HTTPException("The response headers are truncated or too long.")
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        length = headers.get(b"content-length", b"")
        self.chunked = b"transfer-encoding" in headers
        self.length = int(length) if length.isdigit() and not self.chunked else None
        self.will_close = version != "HTTP/1.1" or headers.get(b"connection", b"").lower() == b"close"
        self.etag = headers.get(b"etag", b"").decode("ascii")


class S3Connections:
    """Connections to `https://host` or `http://host:port`. At most `max_idle` wait for the next request."""

    def __init__(self, endpoint: str, max_idle: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        parts = urlsplit(endpoint)
        self._new: Callable[[], HTTPConnection] = partial(
            HTTPConnection, parts.netloc, timeout=CONNECT_SECONDS, blocksize=BLOCK_BYTES
        )
        if parts.scheme == "https":
            tls = ssl.create_default_context(cafile=certifi.where())
            self._new = partial(
                HTTPSConnection, parts.netloc, timeout=CONNECT_SECONDS, blocksize=BLOCK_BYTES, context=tls
            )
        self._max_idle, self._monotonic = max_idle, monotonic
        self._idle: list[tuple[HTTPConnection, float]] = []
        self._lock = Lock()
        weakref.finalize(self, _close_all, self._idle)

    def put(self, path: str, headers: Mapping[str, str], body: bytes | IO[bytes]) -> PutAnswer | None:
        """Sends a PUT. Returns None if a new connection brought no valid response.

        `headers` are all headers of the request, including `host`. Idle connections break together, for instance while
        the Lambda environment is frozen. If one fails, all are closed, and the request is sent again over a new one.
        """
        connection = self._take_idle()
        if connection is not None:
            try:
                return self._send(connection, path, headers, body)
            except _ERRORS:
                self.close_idle()
        try:
            return self._send(self._new(), path, headers, body)
        except _ERRORS:
            return None

    def close_idle(self) -> None:
        with self._lock:
            _close_all(self._idle)

    def _send(
        self, connection: HTTPConnection, path: str, headers: Mapping[str, str], body: bytes | IO[bytes]
    ) -> PutAnswer:
        """Raises one of _ERRORS, also for a response that S3 would not send."""
        is_reusable = False
        try:
            connection.response_class = _Response
            _request(connection, path, headers, body)
            with cast(_Response, connection.getresponse()) as response:
                is_reusable = response.is_reusable()
                return PutAnswer(response.status, response.etag)
        finally:
            if is_reusable:
                self._keep(connection)
            else:
                connection.close()

    def _take_idle(self) -> HTTPConnection | None:
        """The connection that was used last. An idle one that is readable was closed by the server."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection, since = self._idle.pop()
            if self._monotonic() - since <= MAX_IDLE_SECONDS and not wait_for_read(connection.sock, timeout=0.0):
                return connection
            connection.close()

    def _keep(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._idle.append((connection, self._monotonic()))
            excess = self._idle.pop(0)[0] if len(self._idle) > self._max_idle else None
        if excess is not None:
            excess.close()


def _request(connection: HTTPConnection, path: str, headers: Mapping[str, str], body: bytes | IO[bytes]) -> None:
    """Raises ValueError for a line break in a header, before anything is sent."""
    connection.putrequest("PUT", path, skip_host=True, skip_accept_encoding=True)
    lines = "\r\n".join([f"{name}: {value}" for name, value in headers.items()])
    if not lines.count("\r") == lines.count("\n") == len(headers) - 1:  # http.client itself allows folded lines
        raise ValueError("A header has a line break.")
    connection._output(lines.encode("latin-1"))  # type: ignore[attr-defined]  # putheader takes 1 microsecond for each
    sock: socket.socket | None = connection.sock
    if sock is None:
        connection.connect()
        connection.sock.settimeout(READ_SECONDS)
    if not isinstance(body, bytes):
        body.seek(0)
    connection.endheaders(body)


def _close_all(connections: list[tuple[HTTPConnection, float]]) -> None:
    while connections:
        connections.pop()[0].close()
