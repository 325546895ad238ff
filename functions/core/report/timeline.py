"""How many images came when: a fixed number of buckets, which double their width as a run goes on."""

from dataclasses import dataclass, field
from datetime import datetime

BUCKETS = 60
SHOWN_AT_LEAST = 16
FIRST_WIDTH = 0.125
"""Seconds. Doubled it comes to whole seconds."""


@dataclass(slots=True)
class Timeline:
    """Counts from `start` on; a clock that is a little behind counts as the start. `width` is a bucket's seconds."""

    start: datetime
    width: float = FIRST_WIDTH
    counts: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, when: datetime) -> None:
        bucket = self._bucket(when)  # may put another list in place of this one
        self.counts[bucket] += 1

    def until(self, end: datetime) -> list[int]:
        """The buckets that have begun by `end`, any later one that holds something, and enough to make a chart."""
        begun = self._bucket(end) + 1
        filled = max((n for n, count in enumerate(self.counts, start=1) if count), default=0)
        return self.counts[: max(begun, filled, SHOWN_AT_LEAST)]

    def _bucket(self, when: datetime) -> int:
        seconds = max(0.0, (when - self.start).total_seconds())
        while seconds >= BUCKETS * self.width:
            self._double()
        return int(seconds // self.width)

    def _double(self) -> None:
        pairs = zip(self.counts[::2], self.counts[1::2], strict=True)
        self.counts = [first + second for first, second in pairs] + [0] * (BUCKETS // 2)
        self.width *= 2
