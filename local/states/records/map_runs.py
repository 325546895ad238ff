"""The record of a Map Run: its counts, and the limits UpdateMapRun may change while it runs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

from local.states.records.executions import ABORTED, FAILED, RUNNING, SUCCEEDED, TIMED_OUT, Machine

_COUNTED = {SUCCEEDED: "succeeded", FAILED: "failed", TIMED_OUT: "timedOut", ABORTED: "aborted"}
_NAMES = ("pending", "running", *_COUNTED.values(), "total", "resultsWritten")
COUNTS_BY_PERCENT = 100


class Counts(dict[str, int]):
    """As DescribeMapRun answers; `total` is what has been read so far."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(_NAMES, 0))

    def move(self, source: str, target: str, amount: int) -> None:
        self[source] -= amount
        self[target] += amount


@dataclass(frozen=True)
class Tolerance:
    """How many items may fail. Both can be given: the run fails when it exceeds either."""

    percentage: float | None = None
    count: int | None = None

    def exceeded(self, failed: int, total: int | None) -> bool:
        """`total` is None until the last item is read: a share of it can then not be told."""
        if not failed:
            return False
        if self.count is not None and failed > self.count:
            return True
        percentage = self.percentage if self.percentage is not None else (0.0 if self.count is None else 100.0)
        if percentage == 0:
            return True
        return total is not None and failed * COUNTS_BY_PERCENT > percentage * total


@dataclass(eq=False)
class MapRun:
    arn: str
    execution_arn: str
    machine: Machine
    """Of the children."""
    started: datetime
    max_concurrency: int
    tolerance: Tolerance
    status: str = RUNNING
    stopped: datetime | None = None
    all_read: bool = False
    items: Counts = field(default_factory=Counts)
    executions: Counts = field(default_factory=Counts)
    changed: threading.Condition = field(default_factory=threading.Condition)
    """Held for every change, told of every change."""

    def read(self, items: int) -> None:
        self._move(items, "total", "pending")

    def begin(self, items: int) -> None:
        with self.changed:
            self.items.move("pending", "running", items)
            self.executions.move("pending", "running", 1)

    def end(self, status: str, items: int) -> None:
        with self.changed:
            self.items.move("running", _COUNTED[status], items)
            self.executions.move("running", _COUNTED[status], 1)
            self.changed.notify_all()

    def finish_reading(self) -> None:
        """From now on the total is known, and a share of it can be too much."""
        with self.changed:
            self.all_read = True
            self.changed.notify_all()

    def drop_pending(self) -> None:
        with self.changed:
            for counts in (self.items, self.executions):
                counts.move("pending", "aborted", counts["pending"])

    def never_begin(self, items: int) -> None:
        """An item read after the run had failed."""
        self._move(items, "total", "aborted")

    def close(self, status: str, now: datetime) -> None:
        with self.changed:
            self.status, self.stopped = status, now

    def results_written(self) -> None:
        with self.changed:
            for counts in (self.items, self.executions):
                counts["resultsWritten"] = sum(counts[name] for name in _COUNTED.values())

    def update(self, max_concurrency: int | None, percentage: float | None, count: int | None) -> None:
        with self.changed:
            if max_concurrency is not None:
                self.max_concurrency = max_concurrency
            self.tolerance = Tolerance(
                self.tolerance.percentage if percentage is None else percentage,
                self.tolerance.count if count is None else count,
            )
            self.changed.notify_all()

    def failed(self) -> bool:
        """Whether more items failed than are tolerated."""
        failed = self.items["failed"] + self.items["timedOut"]
        return self.tolerance.exceeded(failed, self.items["total"] if self.all_read else None)

    def _move(self, items: int, *names: str) -> None:
        with self.changed:
            for name in names:
                self.items[name] += items
                self.executions[name] += 1


class MapRuns:
    def __init__(self) -> None:
        self._by_arn: dict[str, MapRun] = {}
        self._lock = threading.Lock()

    def add(self, run: MapRun) -> None:
        with self._lock:
            self._by_arn[run.arn] = run

    def get(self, arn: str) -> MapRun | None:
        return self._by_arn.get(arn)

    def of(self, execution_arn: str) -> list[MapRun]:
        with self._lock:
            return [run for run in self._by_arn.values() if run.execution_arn == execution_arn]
