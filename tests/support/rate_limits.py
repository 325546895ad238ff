"""A behaviour of `tests.support.servers` that limits requests, and counts those that it answers and refuses."""

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
