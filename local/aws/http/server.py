"""Serves a WSGI application on loopback, with keep-alive connections.

One thread waits for all connections. It answers small requests of the kind `quick` itself, when they have arrived as a
whole: a PUT of an image then needs no other thread, and threads that compete for the interpreter take as much CPU as
the PUT. Every other request gets a thread for as long as it takes.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from local.aws.http.connection import RECEIVE_BYTES, Connection, HeadTooLargeError
from local.aws.http.messages import Body, Head, Headers, Response, environment, refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOOPBACK = "127.0.0.1"
BACKLOG = 512
STOP_SECONDS = 5.0
"""Maximum time to wait for the thread of a request when the server stops."""

MAX_QUICK_BYTES = 1 << 20
"""Maximum size of the body of a request that the waiting thread answers."""

MAX_DRAINED_BYTES = 1 << 20
"""Maximum size of the rest of a request body that is read after the response is known."""

Quick = Callable[[str, str], bool]
"""Whether requests with this method and target never wait: for other requests, for a function, or for long."""

log = logging.getLogger(__name__)


class _Loop:
    """Waits for connections and requests, on one thread, from `start` to `stop`."""

    def __init__(self, listener: socket.socket, app: WSGIApplication, quick: Quick) -> None:
        self._listener = listener
        self._app = app
        self._quick = quick
        self._host, self._port = listener.getsockname()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._returned: deque[Connection] = deque()
        self._busy: dict[threading.Thread, Connection] = {}
        self._ended: deque[threading.Thread] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="connections", daemon=True)

    def start(self) -> None:
        self._listener.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()

    def stop(self) -> None:
        """Close all connections, also those with a response in progress."""
        self._stopping = True
        self._wake.send(b"x")
        self._thread.join()
        for connection in self._busy.values():
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._busy:
            thread.join(timeout=STOP_SECONDS)
        while self._returned:
            self._returned.popleft().socket.close()
        for end in (self._wake, self._woken, self._selector):
            end.close()

    def _run(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select():
                if key.data is not None:
                    self._receive(key.data)
                elif key.fileobj is self._listener:
                    self._accept()
                else:
                    self._take_back()
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                key.data.socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the client has gone
            sock, _ = self._listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._wait_for(Connection(sock))

    def _take_back(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(RECEIVE_BYTES)
        while self._returned:
            connection = self._returned.popleft()
            self._wait_for(connection)
            self._advance(connection)

    def _wait_for(self, connection: Connection) -> None:
        connection.socket.setblocking(False)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _receive(self, connection: Connection) -> None:
        try:
            is_open = connection.receive()
        except BlockingIOError:
            return
        except OSError:
            is_open = False
        if is_open:
            self._advance(connection)
        else:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def _advance(self, connection: Connection) -> None:
        """Answer the requests that have arrived."""
        try:
            while (head := connection.next_head()) is not None:
                length = head.length
                if not self._is_quick(head, length):
                    self._hand_over(connection)
                    return
                if len(connection.received) < length:
                    return
                if not self._answer(connection, head, length):
                    self._close(connection)
                    return
        except (ValueError, HeadTooLargeError) as error:
            too_large = isinstance(error, HeadTooLargeError)
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if too_large else HTTPStatus.BAD_REQUEST
            with contextlib.suppress(OSError):
                connection.socket.send(refusal(status))
            self._close(connection)

    def _is_quick(self, head: Head, length: int) -> bool:
        return (
            length <= MAX_QUICK_BYTES
            and not head.is_chunked
            and not head.expects_continue
            and self._quick(head.method, head.target)
        )

    def _hand_over(self, connection: Connection) -> None:
        """Let a thread answer the request, which has arrived in part."""
        self._selector.unregister(connection.socket)
        while self._ended:
            del self._busy[self._ended.popleft()]
        thread = threading.Thread(target=self._serve, args=(connection,), name="request", daemon=True)
        self._busy[thread] = connection
        thread.start()

    def _serve(self, connection: Connection) -> None:
        self._answer_and_return(connection)
        self._ended.append(threading.current_thread())

    def _answer_and_return(self, connection: Connection) -> None:
        head, stays_open = connection.head, False
        assert head is not None
        try:
            connection.socket.setblocking(True)
            stays_open = self._answer(connection, head, head.length)
        except OSError:
            log.debug("A connection ended during %s %s.", head.method, head.target, exc_info=True)
        if not stays_open or self._stopping:
            connection.socket.close()
            return
        self._returned.append(connection)
        with contextlib.suppress(OSError):  # the server has stopped
            self._wake.send(b"x")

    def _answer(self, connection: Connection, head: Head, length: int) -> bool:
        """Whether the connection stays open. Raises OSError."""
        connection.head = None
        if head.expects_continue:
            connection.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = Body.dechunked(connection) if head.is_chunked else Body(connection, length)
        response = self._response(head, body)
        is_drained = body.left <= MAX_DRAINED_BYTES
        if is_drained:
            body.read()
        closes = head.closes or not is_drained
        try:
            for message in response.messages(head.method, closes=closes):
                connection.socket.sendall(message)
        except BlockingIOError:
            return False  # a client that does not read its responses
        return not closes

    def _response(self, head: Head, body: Body) -> Response:
        response = Response()

        def start_response(status: str, headers: Headers, exc_info: object = None) -> Any:
            response.status, response.headers = status, headers

        try:
            response.chunks = self._app(environment(head, body, self._host, self._port), start_response)
        except Exception:
            log.exception("%s %s failed", head.method, head.target)
            return Response(headers=[("Content-Type", "text/plain")], chunks=[])
        return response


class Server:
    """Binds its port at construction, so that the endpoint is known; serves from `start` to `stop`.

    Port 0 selects a free port. Another port that is in use is replaced by a free one, and `moved` is true.
    """

    def __init__(self, port: int = 0) -> None:
        self._listener, self.moved = _listen(port)
        self.endpoint = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"
        self._loop: _Loop | None = None

    def start(self, app: WSGIApplication, quick: Quick = lambda method, target: False) -> None:
        self._loop = _Loop(self._listener, app, quick)
        self._loop.start()

    def stop(self) -> None:
        """Stop accepting connections and close all open ones, also those with a response in progress."""
        if self._loop is not None:
            self._loop.stop()
            self._loop = None
        self._listener.close()


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
