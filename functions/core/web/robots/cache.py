"""What the robots.txt of each origin says: known in this execution environment, else as of `fleet`."""

import re
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from functools import lru_cache

from functions.core.model.urls import origin_of
from functions.core.web.robots.fleet import FleetRobots, RobotsRequest, being_read
from functions.core.web.robots.known import Known
from functions.core.web.robots.rules import RobotsRules

MAX_RULES = 100_000
"""Maximum number of rules and of origins that an environment knows; about 50 MB."""

_BEFORE_PATH = re.compile(r"[^/?#]*//[^/?#]*")


class RobotsCache:
    """Shared by the threads of an execution environment. `clock` is that of `fleet`."""

    def __init__(self, fleet: FleetRobots, clock: Callable[[], float] = time.time) -> None:
        self._fleet = fleet
        self._clock = clock
        self._known: dict[str, Known] = {}
        self._size = 0
        self._pending: dict[str, Future[Known]] = {}
        self._lock = threading.Lock()

    def look_up(self, urls: Iterable[str]) -> None:
        """Read what the hosts table has about the origins of these URLs, as far as they are not known."""
        now = self._clock()
        unknown = sorted(
            origin for origin in {robots_origin(url) for url in urls} if self._current(origin, now) is None
        )
        if unknown:
            for origin, known in self._fleet.look_up(unknown).items():
                self._keep(origin, known, now)

    def crawl_delay(self, host: str) -> float | None:
        """The longest delay that the servers of a host, with its port, ask for, as far as they are known."""
        now = self._clock()
        known = (self._current(f"{scheme}://{host}", now) for scheme in ("http", "https"))
        return max((rules.rules.crawl_delay or 0.0 for rules in known if rules is not None), default=0.0) or None

    def rules(self, url: str, request: RobotsRequest) -> RobotsRules:
        """The rules of the origin of a URL. Raises RowError if they are not known for now."""
        origin = robots_origin(url)
        known = self._current(origin, self._clock()) or self._awaited(origin, request)
        return known.usable(self._clock())

    def _current(self, origin: str, now: float) -> Known | None:
        known = self._known.get(origin)
        return known if known is not None and known.until > now else None

    def _awaited(self, origin: str, request: RobotsRequest) -> Known:
        """One thread of the environment obtains the rules, the others wait for it."""
        with self._lock:
            others = self._pending.get(origin)
            if others is None:
                mine = self._pending[origin] = Future()
        if others is not None:
            try:
                return others.result(timeout=request.seconds)
            except FutureTimeout:
                return Known(self._clock(), error=being_read(origin))
        try:
            known = self._fleet.obtain(origin, request)
            self._keep(origin, known, self._clock())
            mine.set_result(known)
            return known
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._pending[origin]

    def _keep(self, origin: str, known: Known, now: float) -> None:
        if known.until <= now:
            return
        with self._lock:
            self._forget(origin)
            while self._known and self._size + 1 + len(known.rules) > MAX_RULES:
                self._forget(next(iter(self._known)))
            self._known[origin] = known
            self._size += 1 + len(known.rules)

    def _forget(self, origin: str) -> None:
        known = self._known.pop(origin, None)
        if known is not None:
            self._size -= 1 + len(known.rules)


def robots_origin(url: str) -> str:
    """Scheme, host and port of a valid URL, without the default port: the scope of a robots.txt."""
    match = _BEFORE_PATH.match(url)
    return _origin(match[0] if match else url)


@lru_cache(maxsize=4096)
def _origin(beginning: str) -> str:
    scheme, host, port = origin_of(beginning)
    address = f"[{host}]" if ":" in host else host
    return f"{scheme}://{address}" if port == {"http": 80, "https": 443}[scheme] else f"{scheme}://{address}:{port}"
