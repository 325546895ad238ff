"""The number of rows in flight: few while they keep the CPU busy, more while it waits, half when S3 throttles.

Threads that are all ready to run compete for the interpreter: 32 of them use half as much CPU again for an image as
four (docs/performance.md). Threads that wait for servers cost nothing. The CPU time of the process tells the two apart.

A new bucket takes 3,500 PUTs a second from all batches together, and no batch knows of the others. So each follows the
rule of TCP congestion control, additive increase and multiplicative decrease: it halves its ceiling when S3 answers
SlowDown, and raises it by a few rows a second while S3 does not.
"""

import time
from collections.abc import Callable

INITIAL_LIMIT = 2
GROWTH_FACTOR = 4

INTERVAL_SECONDS = 0.01
"""Time between two adjustments while the limit may still grow, in seconds."""

INTERVAL_AT_MAX_SECONDS = 0.1
"""Time between two adjustments at the maximum, in seconds."""

LOW_CPU, HIGH_CPU = 0.75, 0.95
"""Shares of one CPU: below the first there is room for more rows in flight, above the second there are too many."""

COOLDOWN_SECONDS = 0.5
"""Time after a decrease in which throttling causes no other one, in seconds: those requests were sent before it."""

INCREASE_PER_SECOND = 2.0
"""Additive increase of the ceiling while S3 does not throttle, in rows a second."""


class AdaptiveConcurrency:
    """The limit for rows in flight. Call `adjust` about every `interval` seconds.

    `max_limit` follows from the options of the run. `throttle_count` returns how often S3 has throttled so far.
    """

    def __init__(
        self,
        max_limit: int,
        *,
        clock: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.process_time,
        throttle_count: Callable[[], int] = lambda: 0,
    ) -> None:
        self._max_limit = max_limit
        self._clock, self._cpu, self._throttle_count = clock, cpu, throttle_count
        self._last_clock, self._last_cpu = clock(), cpu()
        self._last_throttle_count = throttle_count()
        self._ceiling = float(max_limit)
        self._cooldown_until = 0.0
        self.limit = min(INITIAL_LIMIT, max_limit)

    @property
    def interval(self) -> float:
        return INTERVAL_SECONDS if self.limit < self._max_limit else INTERVAL_AT_MAX_SECONDS

    def adjust(self) -> int:
        """Set and return the new limit: four times as high while the CPU waits, a quarter lower while it is busy."""
        now, cpu = self._clock(), self._cpu()
        elapsed, used = now - self._last_clock, cpu - self._last_cpu
        self._last_clock, self._last_cpu = now, cpu
        self._adjust_ceiling(now, elapsed)
        if elapsed > 0 and used < LOW_CPU * elapsed:
            self.limit = min(self._max_limit, GROWTH_FACTOR * self.limit)
        elif used > HIGH_CPU * elapsed:
            self.limit = max(min(INITIAL_LIMIT, self._max_limit), self.limit - max(1, self.limit // 4))
        self.limit = min(self.limit, int(self._ceiling))
        return self.limit

    def _adjust_ceiling(self, now: float, elapsed: float) -> None:
        """Additive increase, multiplicative decrease."""
        previous, self._last_throttle_count = self._last_throttle_count, self._throttle_count()
        if self._last_throttle_count == previous:
            self._ceiling = min(self._max_limit, self._ceiling + INCREASE_PER_SECOND * elapsed)
        elif now >= self._cooldown_until:
            self._ceiling = max(1.0, self.limit / 2)
            self._cooldown_until = now + COOLDOWN_SECONDS
