"""Serves a WSGI application on loopback, with keep-alive connections and one thread for each connection.

werkzeug's own request handler closes the connection after each response and waits 10 ms for unread input. This one
reads the whole request first, so that the connection can be reused: thousands of small PUTs need no new connection.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from io import BufferedIOBase
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOOPBACK = "127.0.0.1"
READ_BUFFER_BYTES = 1 << 16
BACKLOG = 512
STOP_SECONDS = 5.0
"""Maximum time to wait for the thread of a connection when the server stops."""

HEADERS = "local.headers"
"""Key of the WSGI environment: the headers of the request as they were sent, names and values."""

MAX_HEADER_BYTES = 1 << 16
"""Maximum size of a request header."""

MAX_DRAINED_BYTES = 1 << 20
"""Maximum size of the rest of a request body that is read after the response is known."""

log = logging.getLogger(__name__)


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = READ_BUFFER_BYTES
    server: _Server

    def parse_request(self) -> bool:
        """The request line and the header. `http.server` parses the header with the email package: a sixth of the CPU
        of a small PUT."""
        words = self.raw_requestline.decode("latin-1").split()
        if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
            self.close_connection = True
            self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        self.command, self.path, self.request_version = words
        self.requestline = " ".join(words)
        headers = _read_headers(self.rfile)
        if headers is None:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        self.headers = headers  # type: ignore[assignment]  # werkzeug needs get() and items() alone
        connection = (headers.get("connection") or "").lower()
        self.close_connection = connection == "close" or (words[2] == "HTTP/1.0" and connection != "keep-alive")
        return (headers.get("expect") or "").lower() != "100-continue" or self.handle_expect_100()

    def run_wsgi(self) -> None:
        """Called by `http.server` after it has parsed the header and has replied to `Expect: 100-continue`."""
        self.environ = environ = self.make_environ()
        body = _Body(self._source(environ), environ)
        environ["wsgi.input"] = body
        environ[HEADERS] = self.headers
        status, headers = "500 Internal Server Error", [("Content-Length", "0")]

        def start_response(new_status: str, new_headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            nonlocal status, headers
            status, headers = new_status, new_headers

        try:
            chunks = self.server.app(environ, start_response)
        except Exception:
            log.exception("%s %s failed", self.command, self.path)
            status, headers, chunks = "500 Internal Server Error", [("Content-Type", "text/plain")], []
        if not body.drain():
            self.close_connection = True
        self._send(status, headers, chunks)

    def _source(self, environ: dict[str, Any]) -> BufferedIOBase:
        """The bytes of the body. Those of a chunked request are read completely: no client sends a large one."""
        if not environ.get("wsgi.input_terminated"):
            return self.rfile
        content = io.BufferedReader(environ["wsgi.input"]).read()
        environ["CONTENT_LENGTH"] = str(len(content))
        return io.BytesIO(content)

    def _send(self, status: str, headers: list[tuple[str, str]], chunks: Iterable[bytes]) -> None:
        """Send a small response in one write: two writes would be two packets, and would wake the client twice."""
        code = int(status.split(" ", 1)[0])
        has_length = any(name.lower() == "content-length" for name, _ in headers)
        first, rest = (
            (b"", iter(chunks)) if has_length and not isinstance(chunks, list) else (_joined(chunks), iter(()))
        )
        lines = [f"HTTP/1.1 {status}\r\n", *(f"{name}: {value}\r\n" for name, value in headers)]
        if not has_length and code not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            lines.append(f"Content-Length: {len(first)}\r\n")
        if self.close_connection:
            lines.append("Connection: close\r\n")
        lines.append("\r\n")
        head = "".join(lines).encode("latin-1")
        self.connection.sendall(head if self.command == "HEAD" else head + first)
        for chunk in rest:
            if self.command != "HEAD":
                self.connection.sendall(chunk)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        log.debug(message.rstrip("\n"), *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: a run has tens of thousands of requests."""


class _Headers(list[tuple[str, str]]):
    """Names and values in their order; names are matched in any case."""

    def items(self) -> Iterable[tuple[str, str]]:
        return self

    def keys(self) -> Iterable[str]:
        return (name for name, _ in self)

    def get(self, name: str, default: str | None = None) -> str | None:
        wanted = name.lower()
        return next((value for key, value in self if key.lower() == wanted), default)


def _read_headers(source: BufferedIOBase) -> _Headers | None:
    """None for a header that is too large."""
    headers, size = _Headers(), 0
    while (line := source.readline(MAX_HEADER_BYTES)) not in (b"\r\n", b"\n", b""):
        size += len(line)
        if size > MAX_HEADER_BYTES:
            return None
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    return headers


class _Body:
    """The body of a request, read from the connection as far as its Content-Length."""

    def __init__(self, source: BufferedIOBase, environ: Mapping[str, Any]) -> None:
        self._source = source
        self._left = int(environ.get("CONTENT_LENGTH") or 0)

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left = self._left - len(data) if data else 0
        return data

    def readline(self, size: int = -1) -> bytes:
        line = self._source.readline(self._left if size < 0 else min(size, self._left))
        self._left = self._left - len(line) if line else 0
        return line

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def drain(self) -> bool:
        """Read what the application did not; False if that is too much, and the connection cannot be used again."""
        if self._left > MAX_DRAINED_BYTES:
            return False
        self.read()
        return True


def _joined(chunks: Iterable[bytes]) -> bytes:
    try:
        return b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


class _Server(ThreadedWSGIServer):
    """Keeps a list of its open connections, because the server must close the idle ones when it stops."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, app: WSGIApplication) -> None:
        host, port = listener.getsockname()
        super().__init__(host, port, app, _Handler, fd=listener.fileno())
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self._serve, args=(request, client_address), name="connection", daemon=True)
        with self._lock:
            self._open[request] = thread
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[request]

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("connection of %s ended", client_address, exc_info=True)

    def close_connections(self) -> None:
        with self._lock:
            connections = dict(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections.values():
            thread.join(timeout=STOP_SECONDS)


class Server:
    """Binds its port at construction, so that the endpoint is known; serves from `start` to `stop`.

    Port 0 selects a free port. Another port that is in use is replaced by a free one, and `moved` is true.
    """

    def __init__(self, port: int = 0) -> None:
        self._listener, self.moved = _listen(port)
        self.endpoint = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"
        self._server: _Server | None = None
        self._acceptor: threading.Thread | None = None

    def start(self, app: WSGIApplication) -> None:
        self._server = _Server(self._listener, app)
        self._acceptor = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="acceptor", daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """Stop accepting connections and close all open ones, also those with a response in progress."""
        self._listener.close()
        if self._server is None or self._acceptor is None:
            return
        self._server.shutdown()
        self._acceptor.join()
        self._server.close_connections()
        self._server = self._acceptor = None


def _listen(port: int) -> tuple[socket.socket, bool]:
    try:
        return _bound(port), False
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
    return _bound(0), True


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
