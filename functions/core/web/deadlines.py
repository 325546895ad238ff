"""Deadlines of downloads, enforced by one watchdog thread.

A read timeout bounds one `recv`; a server that sends one byte a second never reaches it. The watchdog shuts the socket
down from outside, which wakes the thread that reads from it: headers, a TLS handshake, or a body.
"""

import heapq
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class SocketHandle:
    """A duplicate descriptor of a connection's socket, which a deadline can shut down.

    It is a duplicate because `ssl` detaches the socket itself during a handshake, and because the number of a closed
    descriptor may belong to another connection when the deadline expires. It is closed when neither a connection nor a
    download refers to it: http.client closes the connection of a body without a length before that body is read.
    """

    __slots__ = ("_socket",)

    def __init__(self, sock: socket.socket) -> None:
        self._socket = socket.socket(sock.family, sock.type, 0, os.dup(sock.fileno()))

    def shut_down(self) -> None:
        """Wake the thread that reads from the socket."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def __del__(self) -> None:
        self._socket.close()


class Deadline:
    """The deadline of one download. Each connection that the download uses is attached to it."""

    __slots__ = ("_handle", "_lock", "expired", "expires_at")

    def __init__(self, expires_at: float) -> None:
        self.expires_at = expires_at
        self.expired = False
        self._handle: SocketHandle | None = None
        self._lock = threading.Lock()

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.expires_at - time.monotonic())

    def attach(self, handle: SocketHandle) -> None:
        """Make this the socket that the deadline shuts down: at once if it has expired already."""
        with self._lock:
            self._handle = handle
            if self.expired:
                handle.shut_down()

    def expire(self) -> None:
        with self._lock:
            self.expired = True
            if self._handle is not None:
                self._handle.shut_down()

    def detach(self) -> None:
        """Release the socket: the download has ended."""
        with self._lock:
            self._handle = None


class Watchdog:
    """A heap of deadlines and one daemon thread for all of them, which starts with the first deadline."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Deadline]] = []
        self._changed = threading.Condition()
        self._sequence = itertools.count()
        self._started = False

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[Deadline]:
        """The deadline of the download that this thread runs in the context, which may be in that of another one."""
        outer = current_deadline()
        deadline = Deadline(time.monotonic() + seconds)
        with self._changed:
            self._start()
            heapq.heappush(self._heap, (deadline.expires_at, next(self._sequence), deadline))
            if self._heap[0][2] is deadline:
                self._changed.notify()
        _current.deadline = deadline
        try:
            yield deadline
        finally:
            _current.deadline = outer
            deadline.detach()

    def _start(self) -> None:
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._heap:
                    self._changed.wait()
                expires_at, _, deadline = self._heap[0]
                remaining = expires_at - time.monotonic()
                if remaining > 0:
                    self._changed.wait(remaining)
                    continue
                heapq.heappop(self._heap)
            deadline.expire()


_current = threading.local()


def current_deadline() -> Deadline | None:
    """The deadline of the download that this thread runs; connections attach their sockets to it."""
    return getattr(_current, "deadline", None)
