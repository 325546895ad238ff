"""DNS lookups with a timeout and a short cache.

`getaddrinfo` cannot be interrupted, so each lookup runs in a daemon thread: one that hangs delays neither other names
nor the end of the process. Results are cached for a few seconds, because a Lambda environment has no DNS cache and its
network interface sends at most 1,024 queries a second.
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason

TTL_SECONDS = 30.0
MAX_NAMES = 4096
"""Maximum number of names in the cache."""

Addresses = tuple[str, ...]
LookUp = Callable[[str], Sequence[str]]


def look_up(name: str) -> Addresses:
    """Every address of `name`, in the system's order of preference. Raises socket.gaierror."""
    results = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(result[4][0]) for result in results))


class Resolver:
    """Shared by all downloads of an execution environment."""

    def __init__(self, look_up: LookUp = look_up) -> None:
        self._look_up = look_up
        self._cache: dict[str, tuple[float, Future[Addresses]]] = {}
        self._lock = threading.Lock()

    def addresses(self, name: str, timeout: float) -> Addresses:
        """The addresses of `name`, within `timeout` seconds. Raises RowError(DNS)."""
        try:
            addresses = self._pending_or_cached(name).result(timeout=timeout)
        except FutureTimeout as error:
            raise RowError(Reason.DNS, "DNS lookup timed out.") from error
        except Exception as error:  # an invalid name raises UnicodeError, ValueError and others
            with self._lock:
                self._cache.pop(name, None)
            raise RowError(Reason.DNS, "DNS lookup failed: the host name cannot be resolved.") from error
        if not addresses:
            raise RowError(Reason.DNS, "DNS lookup failed: the host name has no address.")
        return addresses

    def _pending_or_cached(self, name: str) -> Future[Addresses]:
        now = time.monotonic()
        with self._lock:
            expires_at, future = self._cache.get(name, (0.0, None))
            if future is None or expires_at < now:
                if len(self._cache) >= MAX_NAMES:
                    self._cache.clear()
                future = Future()
                self._cache[name] = (now + TTL_SECONDS, future)
                threading.Thread(target=self._resolve, args=(name, future), name="resolver", daemon=True).start()
            return future

    def _resolve(self, name: str, future: Future[Addresses]) -> None:
        try:
            future.set_result(tuple(self._look_up(name)))
        except Exception as error:
            future.set_exception(error)
