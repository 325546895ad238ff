"""How many rows to have under way: few while they keep the CPU busy, more while it waits, and half where S3 has enough.

Threads that are all ready to work fight for the interpreter: 32 of them spend half as much CPU again on an image as
four (docs/performance.md). Threads that wait for servers cost nothing. Which it is the process's own CPU time tells.

A new bucket takes 3,500 PUTs a second from all batches together, and none of them knows of the others. So each halves
what it has under way when S3 says SlowDown, and adds a row now and then while it does not.
"""

import time
from collections.abc import Callable

FIRST = 2
STEP = 4
TICK_SECONDS = 0.01
LONG_TICK_SECONDS = 0.1
"""Once there are as many as there may be, there is no hurry."""

IDLE, BUSY = 0.75, 0.95
"""Of one CPU: below the first there is room for more rows, above the second there are more than it takes."""


REST_SECONDS = 0.5
"""After S3 has asked for less: what it refuses until then was sent before."""

MORE_A_SECOND = 2.0
"""Rows that are added while S3 asks for nothing."""


class AdaptiveConcurrency:
    """Looked at every `tick` seconds or so. `most` is what the options allow.

    `throttle_count` says how often S3 has asked for less so far.
    """

    def __init__(
        self,
        most: int,
        *,
        clock: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.process_time,
        throttle_count: Callable[[], int] = lambda: 0,
    ) -> None:
        self._most = most
        self._clock, self._cpu, self._throttle_count = clock, cpu, throttle_count
        self._then = clock(), cpu()
        self._heard = throttle_count()
        self._bearable = float(most)
        self._rests_until = 0.0
        self.at_once = min(FIRST, most)

    @property
    def tick(self) -> float:
        return TICK_SECONDS if self.at_once < self._most else LONG_TICK_SECONDS

    def look(self) -> int:
        """How many from now on. Many more while the CPU waits, gives a quarter back while it does not."""
        now = self._clock(), self._cpu()
        passed, used = now[0] - self._then[0], now[1] - self._then[1]
        self._then = now
        self._listen(now[0], passed)
        if passed > 0 and used < IDLE * passed:
            self.at_once = min(self._most, STEP * self.at_once)
        elif used > BUSY * passed:
            self.at_once = max(min(FIRST, self._most), self.at_once - max(1, self.at_once // 4))
        self.at_once = min(self.at_once, int(self._bearable))
        return self.at_once

    def _listen(self, now: float, passed: float) -> None:
        heard, self._heard = self._heard, self._throttle_count()
        if self._heard == heard:
            self._bearable = min(self._most, self._bearable + MORE_A_SECOND * passed)
        elif now >= self._rests_until:
            self._bearable = max(1.0, self.at_once / 2)
            self._rests_until = now + REST_SECONDS
