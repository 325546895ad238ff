"""The record of a Map Run: its counts, and the settings that UpdateMapRun can change while it runs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

from local.states.records.executions import ABORTED, FAILED, RUNNING, SUCCEEDED, TIMED_OUT, Machine
from local.states.records.recent import Recent

_COUNTERS = {SUCCEEDED: "succeeded", FAILED: "failed", TIMED_OUT: "timedOut", ABORTED: "aborted"}
"""The counter of a final status."""
_COUNTER_NAMES = ("pending", "running", *_COUNTERS.values(), "total", "resultsWritten")
MAX_PERCENTAGE = 100


class Counts(dict[str, int]):
    """The counters of DescribeMapRun. `total` is the number read so far. API "MapRunItemCounts"."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(_COUNTER_NAMES, 0))

    def move(self, source: str, target: str, amount: int) -> None:
        self[source] -= amount
        self[target] += amount


@dataclass(frozen=True)
class FailureThreshold:
    """The tolerated failure threshold: how many items may fail. If both are set, exceeding one of them fails the run.

    DG "Setting failure thresholds for Distributed Map states".
    """

    percentage: float | None = None
    count: int | None = None

    def is_exceeded(self, failed: int, total: int | None) -> bool:
        """`total` is None until the last item has been read: until then, a percentage other than 0 is not checked."""
        if not failed:
            return False
        if self.count is not None and failed > self.count:
            return True
        percentage = self.percentage if self.percentage is not None else self._default_percentage()
        if percentage == 0:
            return True
        return total is not None and failed * MAX_PERCENTAGE > percentage * total

    def _default_percentage(self) -> float:
        return 0.0 if self.count is None else float(MAX_PERCENTAGE)


@dataclass(eq=False)
class MapRun:
    """`machine` is that of the child executions. `max_concurrency` 0 is no limit.

    `changed` guards every change, and wakes threads that wait for one.
    """

    arn: str
    execution_arn: str
    machine: Machine
    started: datetime
    max_concurrency: int
    threshold: FailureThreshold
    status: str = RUNNING
    stopped: datetime | None = None
    reading_finished: bool = False
    items: Counts = field(default_factory=Counts)
    executions: Counts = field(default_factory=Counts)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def batch_read(self, items: int) -> None:
        self._add_batch(items, "total", "pending")

    def child_started(self, items: int) -> None:
        self._move(items, "pending", "running")

    def child_ended(self, status: str, items: int) -> None:
        self._move(items, "running", _COUNTERS[status])

    def batch_not_started(self, items: int) -> None:
        """Counts a batch that was read after the run had failed."""
        self._add_batch(items, "total", "aborted")

    def finish_reading(self) -> None:
        """From now on the total is known, and the failed percentage can be checked."""
        with self.changed:
            self.reading_finished = True
            self.changed.notify_all()

    def abort_pending(self) -> None:
        with self.changed:
            for counts in (self.items, self.executions):
                counts.move("pending", "aborted", counts["pending"])

    def close(self, status: str, now: datetime) -> None:
        with self.changed:
            self.status, self.stopped = status, now

    def results_written(self) -> None:
        with self.changed:
            for counts in (self.items, self.executions):
                counts["resultsWritten"] = sum(counts[name] for name in _COUNTERS.values())

    def update(self, max_concurrency: int | None, percentage: float | None, count: int | None) -> None:
        """Changes the settings that are not None."""
        with self.changed:
            if max_concurrency is not None:
                self.max_concurrency = max_concurrency
            self.threshold = FailureThreshold(
                self.threshold.percentage if percentage is None else percentage,
                self.threshold.count if count is None else count,
            )
            self.changed.notify_all()

    def exceeds_threshold(self) -> bool:
        """Returns True if more items failed than are tolerated."""
        failed = self.items["failed"] + self.items["timedOut"]
        return self.threshold.is_exceeded(failed, self.items["total"] if self.reading_finished else None)

    def _add_batch(self, items: int, *counters: str) -> None:
        with self.changed:
            for name in counters:
                self.items[name] += items
                self.executions[name] += 1

    def _move(self, items: int, source: str, target: str) -> None:
        with self.changed:
            self.items.move(source, target, items)
            self.executions.move(source, target, 1)
            self.changed.notify_all()


class MapRuns(Recent[MapRun]):
    """The Map Runs of an engine."""

    def of_execution(self, execution_arn: str) -> list[MapRun]:
        return [run for run in self.all() if run.execution_arn == execution_arn]
