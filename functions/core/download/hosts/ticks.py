"""The times at which the requests to a host with a limited rate are sent.

Place i of U sends at the times k * P + i * P / U, where P = U / rate. Places are never taken twice at once, so the
requests of all batches keep the rate without any other communication.
"""

import math
from collections.abc import Iterable
from typing import Self

RATE_FACTOR = 0.97
"""The rate of the ticks, as a part of the limit: what is left is for requests that are sent a little late."""

LATE_SECONDS = 0.02
"""How much later than its tick a request may be sent, in seconds, without more requests in a second than the limit and
one. At a low rate, it is LATE_PART of the time between two requests."""

LATE_PART = 0.1

LEAD_SECONDS = 0.15
"""How long before its tick a row is handed to a thread, in seconds: the hosts are looked at every tenth of a second.
The thread waits for the tick."""


class Ticks:
    """The ticks of some places of a host. Times are in seconds since the epoch; `rate` is that of the whole host."""

    def __init__(self, places: Iterable[float], of: int, rate: float, after: float) -> None:
        self.rate = rate
        self._interval = 1 / (rate * RATE_FACTOR)
        self._period = self._interval * of
        self._offsets = sorted(place * self._interval for place in places)
        self._late = max(LATE_SECONDS, LATE_PART / rate)
        self._next = self._after(after)

    @classmethod
    def starting(cls, rate: float, now: float) -> Self:
        """Ticks of a batch alone, from now on."""
        interval = 1 / (rate * RATE_FACTOR)
        return cls([now % interval / interval], 1, rate, now - interval / 2)

    def upcoming(self, now: float) -> float:
        """The next tick that has not been taken, and is not past."""
        if self._next < now:
            self._next = self._after(now)
        return self._next

    def take(self, now: float) -> float:
        tick = self.upcoming(now)
        self._next = self._after(tick)
        return tick

    def is_missed(self, tick: float, now: float) -> bool:
        return now > tick + self._late

    def _after(self, time: float) -> float:
        start = math.floor(time / self._period) * self._period
        ticks = (start + turn * self._period + offset for turn in (0, 1, 2) for offset in self._offsets)
        return next(tick for tick in ticks if tick > time + 1e-6)
