"""Names to addresses, within a deadline.

`getaddrinfo` cannot be interrupted, so it runs on threads of its own and is waited for. Answers are kept for a few
seconds: a Lambda has no DNS cache, and its network interface sends at most 1,024 look-ups a second.
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout

from functions.core.faults import RowFault
from functions.core.reasons import Reason

TTL_SECONDS = 30.0
MAX_NAMES = 4096

Addresses = tuple[str, ...]
LookUp = Callable[[str], Sequence[str]]


def look_up(name: str) -> Addresses:
    """Every address of `name`, in the order of preference of the system. Raises socket.gaierror."""
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Resolver:
    """Shared by all downloads of an environment."""

    def __init__(self, look_up: LookUp = look_up, threads: int = 16) -> None:
        self._look_up = look_up
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._known: dict[str, tuple[float, Future[Sequence[str]]]] = {}
        self._lock = threading.Lock()

    def addresses(self, name: str, seconds: float) -> Addresses:
        """Raises RowFault(DNS)."""
        try:
            found = tuple(self._asked(name).result(timeout=seconds))
        except FutureTimeout as error:
            raise RowFault(Reason.DNS, "The name of the host could not be looked up in time.") from error
        except (OSError, UnicodeError) as error:
            with self._lock:
                self._known.pop(name, None)
            raise RowFault(Reason.DNS, "The name of the host is not known to the DNS.") from error
        if not found:
            raise RowFault(Reason.DNS, "The name of the host has no address.")
        return found

    def _asked(self, name: str) -> Future[Sequence[str]]:
        now = time.monotonic()
        with self._lock:
            ends, answer = self._known.get(name, (0.0, None))
            if answer is None or ends < now:
                if len(self._known) >= MAX_NAMES:
                    self._known.clear()
                answer = self._pool.submit(self._look_up, name)
                self._known[name] = (now + TTL_SECONDS, answer)
            return answer
