"""The rate of a run and the time left."""

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 30.0
"""Time over which the rate is averaged: batches end in bursts."""


class Throughput:
    """The rate of a run. `update` it with the number of finished rows at every poll."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._samples: deque[tuple[float, int]] = deque()

    def update(self, finished: int) -> None:
        now = self._monotonic()
        self._samples.append((now, finished))
        while len(self._samples) > 2 and now - self._samples[1][0] >= WINDOW_SECONDS:
            self._samples.popleft()

    @property
    def rate(self) -> float:
        """Rows per second in the recent window; 0 where no row has finished."""
        if len(self._samples) < 2:
            return 0.0
        (start, before), (end, after) = self._samples[0], self._samples[-1]
        return (after - before) / (end - start) if end > start else 0.0

    def seconds_left(self, rows: int | None) -> float | None:
        """Estimated seconds until `rows` rows have finished; None where it is unknown."""
        if rows is None or not self.rate:
            return None
        return (rows - self._samples[-1][1]) / self.rate
