"""Connections that wait for their next download: so many in all, to whatever hosts.

urllib3 bounds them by host and hosts by number. A list of a hundred hosts, taken in turn, would then find every host's
connections closed when its turn comes again, and pay a handshake an image.
"""

import queue
import threading
from collections import OrderedDict
from typing import Any

from urllib3.connection import HTTPConnection


class IdleConnections:
    """Used by all pools and threads. For one that is too many, the one that has waited longest is closed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[HTTPConnection, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._waiting[connection] = None
            if len(self._waiting) > self._most:
                self._waiting.popitem(last=False)[0].close()

    def remove(self, connection: HTTPConnection) -> None:
        """From now on it is the caller's alone; it may have been closed meanwhile."""
        with self._lock:
            self._waiting.pop(connection, None)


class PoolQueue(queue.LifoQueue[HTTPConnection]):
    """What a pool of urllib3 keeps its connections in."""

    def __init__(self, size: int, idle: IdleConnections) -> None:
        super().__init__(size)
        self._idle = idle

    def get(self, *args: Any, **kwargs: Any) -> HTTPConnection:
        """Raises queue.Empty; then urllib3 makes a connection."""
        connection = super().get(*args, **kwargs)
        self._idle.remove(connection)
        return connection

    def put(self, item: HTTPConnection | None, *args: Any, **kwargs: Any) -> None:
        """Raises queue.Full; then urllib3 closes the connection.

        None stands for one that is yet to be made, for pools that wait until they may. Ours do not.
        """
        if item is None:
            return
        self._idle.add(item)  # first: once it is in the queue, another thread may have it
        try:
            super().put(item, *args, **kwargs)
        except queue.Full:
            self._idle.remove(item)
            raise
