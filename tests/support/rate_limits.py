"""Behaviours of `tests.support.servers` that limit requests, or count those that are under way."""

import select
import threading
import time
from collections import Counter

from bench.rig.rate_limits import RateLimit
from tests.support.servers import Behaviour, Visit, answer


class Limited:
    """Answers with `behaviour` as often as the limit allows. `answered` has the answers of each path."""

    def __init__(self, limit: RateLimit, behaviour: Behaviour) -> None:
        self._limit, self._limiter = limit, limit.make()
        self._behaviour = behaviour
        self._lock = threading.Lock()
        self.answered: Counter[str] = Counter()
        self.refused = 0

    def __call__(self, visit: Visit) -> None:
        with self._lock:
            is_allowed = self._limiter.allows(time.monotonic())
            if is_allowed:
                self.answered[visit.path] += 1
            else:
                self.refused += 1
        if is_allowed:
            self._behaviour(visit)
        else:
            answer(self._limit.status, self._limit.headers())(visit)


class Counted:
    """Takes so many seconds for each answer. `peak` is the largest number of requests under way, `starts` their times.

    A request ends before the first byte of its answer, or when the client closes its connection.
    """

    def __init__(self, behaviour: Behaviour, seconds: float) -> None:
        self._behaviour, self._seconds = behaviour, seconds
        self._lock = threading.Lock()
        self.active = self.peak = 0
        self.starts: list[float] = []

    def __call__(self, visit: Visit) -> None:
        with self._lock:
            self.active += 1
            self.peak = max(self.peak, self.active)
            self.starts.append(time.monotonic())
        try:
            gone = select.select([visit.sock], [], [], self._seconds)[0]
        finally:
            with self._lock:
                self.active -= 1
        if not gone:
            self._behaviour(visit)

    def most_in_a_second(self) -> int:
        starts = sorted(self.starts)
        return max(sum(start <= other < start + 1 for other in starts[first:]) for first, start in enumerate(starts))
