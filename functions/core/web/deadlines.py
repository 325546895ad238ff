"""One thread that ends every download whose time is up.

A read timeout bounds one `recv`; a server that drips a byte a second never meets it. The watchdog shuts the socket
down from outside, which wakes whatever was reading: headers, a TLS handshake, a body.
"""

import heapq
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Handle:
    """A connection's socket, for the deadline to shut. Shown to every download that uses the connection.

    It is a duplicate of the descriptor: `ssl` takes the socket itself apart during a handshake, and a number that was
    closed may be another connection's by the time the deadline shuts it. It is closed when neither a connection nor a
    download holds it: http.client closes the connection of a body without a length before that has been read.
    """

    __slots__ = ("_socket",)

    def __init__(self, sock: socket.socket) -> None:
        self._socket = socket.socket(sock.family, sock.type, 0, os.dup(sock.fileno()))

    def shut(self) -> None:
        """Wakes whoever reads from it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def __del__(self) -> None:
        self._socket.close()


class Lease:
    """The time that one download has. Connections are shown to it as they come into use."""

    __slots__ = ("_handle", "_lock", "ends", "expired")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.expired = False
        self._handle: Handle | None = None
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """Seconds, never negative."""
        return max(0.0, self.ends - time.monotonic())

    def watch(self, handle: Handle) -> None:
        """From now on this is what the deadline shuts; at once if it has passed already."""
        with self._lock:
            self._handle = handle
            if self.expired:
                handle.shut()

    def expire(self) -> None:
        with self._lock:
            self.expired = True
            if self._handle is not None:
                self._handle.shut()

    def end(self) -> None:
        """Nothing is watched any more."""
        with self._lock:
            self._handle = None


class Watchdog:
    """Leases in a heap, one daemon thread for all; started with the first lease."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Lease]] = []
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._started = False

    @contextmanager
    def lease(self, seconds: float) -> Iterator[Lease]:
        lease = Lease(time.monotonic() + seconds)
        with self._changed:
            self._start()
            heapq.heappush(self._heap, (lease.ends, next(self._numbers), lease))
            if self._heap[0][2] is lease:
                self._changed.notify()
        _current.lease = lease
        try:
            yield lease
        finally:
            _current.lease = None
            lease.end()

    def _start(self) -> None:
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._heap:
                    self._changed.wait()
                ends, _, lease = self._heap[0]
                left = ends - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                heapq.heappop(self._heap)
            lease.expire()


_current = threading.local()


def current_lease() -> Lease | None:
    """The lease of the download that this thread is doing, for the connection to show its socket to."""
    return getattr(_current, "lease", None)
