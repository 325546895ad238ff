"""Names to addresses, within a deadline.

`getaddrinfo` cannot be interrupted, so each look-up has a daemon thread and is waited for: one that hangs holds up no
other name, nor the end of the process. Answers are kept for a few seconds: a Lambda has no DNS cache, and its network
interface sends at most 1,024 look-ups a second.
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

Addresses = tuple[str, ...]
LookUp = Callable[[str], Sequence[str]]


def look_up(name: str) -> Addresses:
    """Every address of `name`, in the order of preference of the system. Raises socket.gaierror."""
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Resolver:
    """Shared by all downloads of an environment."""

    def __init__(self, look_up: LookUp = look_up) -> None:
        self._look_up = look_up
        self._known: dict[str, tuple[float, Future[Addresses]]] = {}
        self._lock = threading.Lock()

    def addresses(self, name: str, seconds: float) -> Addresses:
        """Raises RowError(DNS)."""
        try:
            found = self._asked(name).result(timeout=seconds)
        except FutureTimeout as error:
            raise RowError(Reason.DNS, "The name of the host could not be looked up in time.") from error
        except Exception as error:  # a name that is none makes it raise UnicodeError, ValueError and more
            with self._lock:
                self._known.pop(name, None)
            raise RowError(Reason.DNS, "The name of the host is not known to the DNS.") from error
        if not found:
            raise RowError(Reason.DNS, "The name of the host has no address.")
        return found

    def _asked(self, name: str) -> Future[Addresses]:
        now = time.monotonic()
        with self._lock:
            ends, answer = self._known.get(name, (0.0, None))
            if answer is None or ends < now:
                if len(self._known) >= MAX_NAMES:
                    self._known.clear()
                answer = Future()
                self._known[name] = (now + TTL_SECONDS, answer)
                threading.Thread(target=self._ask, args=(name, answer), name="resolver", daemon=True).start()
            return answer

    def _ask(self, name: str, answer: Future[Addresses]) -> None:
        try:
            answer.set_result(tuple(self._look_up(name)))
        except Exception as error:
            answer.set_exception(error)
