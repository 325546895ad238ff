"""How fast a run goes, and how long it will go on."""

import time
from collections import deque
from collections.abc import Callable

WINDOW = 30.0
"""Seconds that are looked back: batches end in bursts."""


class Pace:
    """Told now and then how many rows are done."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: deque[tuple[float, int]] = deque()

    def update(self, finished: int) -> None:
        now = self._monotonic()
        self._seen.append((now, finished))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Rows a second of late; 0 where nothing moves."""
        if len(self._seen) < 2:
            return 0.0
        (begin, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - begin) if end > begin else 0.0

    def seconds_left(self, rows: int | None) -> float | None:
        """None where it cannot be told."""
        if rows is None or not self.rate:
            return None
        return (rows - self._seen[-1][1]) / self.rate
