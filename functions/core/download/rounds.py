"""One round of a batch, as the workflow calls it: a payload in, the payload of the next round out.

The workflow calls DownloadBatch, waits `wait_seconds`, and calls it again with the deferred rows, until there are none.
The workflow waits, not the Lambda function.
"""

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from functions.core.download.batch import BatchMirror, DeferredRow
from functions.core.model.limits import LATER_ROUND_WAIT_SECONDS
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind, failed_outcome, tally
from functions.core.model.ports import NOTICE_SECONDS, Notification, Notifications, RunFiles
from functions.core.model.reasons import Reason
from functions.core.model.types import BatchItem, BatchPayload, BatchRun, KeptItem

CHILD_MARGIN_SECONDS = 15.0
"""Time at the end of a child execution that is reserved for its last states, in seconds."""

BACKOFF_SECONDS = 2.0
"""Maximum wait after the first round, in seconds; it doubles with each round."""

MAX_BACKOFF_SECONDS = 30.0

RETURN_SECONDS = 1.0
"""Time at the end of an invocation in which it returns its result and publishes nothing, in seconds."""

MAX_LISTED_FAILURES = 100
"""Maximum number of failures in one message; an SNS message has at most 256 KiB."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one child execution in this round: `items` by row number, rows that were never attempted first.

    `tried` are the rows that were attempted in some round: failing rows of a host must not delay its other rows.
    """

    run: BatchRun
    items: Mapping[int, object]
    first_row: int
    round: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    tried: frozenset[int] = frozenset()

    @classmethod
    def from_payload(cls, payload: BatchPayload) -> "Batch":
        """From the payload of ItemBatcher or of the round before."""
        batch_items = [item for item in payload["Items"] if item["row"] >= 0]  # -1: a first line that is not a row
        batch_items.sort(key=lambda item: (item.get("tried", False), item["row"]))
        items = {item["row"] + 1: item["item"] for item in batch_items}
        return cls(
            run=payload["BatchInput"]["run"],
            items=items,
            first_row=payload.get("first_row", min(items, default=0)),
            round=payload.get("round", 0),
            counts=payload.get("counts", {}),
            tried=frozenset(item["row"] + 1 for item in batch_items if item.get("tried", False)),
        )

    def part_name(self) -> str:
        """The name by first row and round, so that a retried batch replaces its own files."""
        return f"part-{self.first_row:010d}-{self.round:02d}.jsonl"

    def next_payload(self, deferred: Sequence[DeferredRow], counts: Mapping[str, int], wait: int) -> BatchPayload:
        """The payload of the next round; without Items the batch has ended."""
        return {
            "BatchInput": {"run": self.run},
            "Items": [self._deferred_item(row) for row in sorted(deferred, key=lambda row: row.number)],
            "first_row": self.first_row,
            "round": self.round + 1,
            "wait_seconds": wait,
            "counts": {name: count + self.counts.get(name, 0) for name, count in counts.items()},
        }

    def _deferred_item(self, row: DeferredRow) -> BatchItem:
        tried = row.tried or row.number in self.tried
        return {"row": row.number - 1, "item": self.items[row.number], "tried": tried}


@dataclass(frozen=True, slots=True)
class RoundReport:
    """The result of a round. `deferred` is the number of deferred rows, `payload` that of the next round."""

    outcomes: Sequence[Outcome]
    deferred: int
    notified: bool
    payload: BatchPayload


class RoundRunner:
    """Runs a round and writes its outcomes before it returns."""

    def __init__(
        self,
        *,
        mirror: BatchMirror,
        files: RunFiles,
        notices: Notifications,
        options: Options,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mirror = mirror
        self._files = files
        self._notices = notices
        self._options = options
        self._monotonic = monotonic

    def run(
        self, batch: Batch, *, start_deadline: float, child_seconds_left: float, end: float = math.inf
    ) -> RoundReport:
        """`end` is the time at which the invocation is stopped, and its result lost.

        Raises InfrastructureError: then the workflow retries the round with the same payload.

        A round of a run that was closed does nothing: the run was stopped, and is being summarized.
        """
        if not self._files.start_round(batch.part_name()):
            return self._report(batch, [], [], end)
        child_end = self._monotonic() + child_seconds_left
        last_start = child_end - self._options.timeout - CHILD_MARGIN_SECONDS
        result = self._mirror.run(batch.items, start_deadline=min(start_deadline, last_start))
        wait = wait_seconds(result.deferred, batch.round)
        outcomes, deferred = result.outcomes, result.deferred
        next_start = self._monotonic() + wait + LATER_ROUND_WAIT_SECONDS
        if batch.round + 1 >= self._options.rounds or next_start > last_start:
            outcomes = outcomes + [self._failed(batch, row) for row in deferred]
            deferred = []
        return self._report(batch, sorted(outcomes, key=lambda outcome: outcome.row), deferred, end, wait)

    def _report(
        self, batch: Batch, outcomes: Sequence[Outcome], deferred: Sequence[DeferredRow], end: float, wait: int = 0
    ) -> RoundReport:
        self._write(batch, outcomes)
        notified = self._notify(batch, [outcome for outcome in outcomes if outcome.failure], end)
        payload = batch.next_payload(deferred, tally(outcomes), wait if deferred else 0)
        return RoundReport(outcomes, len(deferred), notified, payload)

    def _failed(self, batch: Batch, row: DeferredRow) -> Outcome:
        return failed_outcome(row.number, batch.items[row.number], row.error, self._options.base_url)

    def _write(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        failures = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.FAILED]
        if failures:
            self._files.write(f"failures/{batch.part_name()}", (outcome.as_json() for outcome in failures))
        retryable = [outcome.row for outcome in failures if outcome.failure and outcome.failure.retryable]
        if retryable and batch.run.get("keep_items"):
            kept_items = (KeptItem(row=row, item=batch.items[row]) for row in retryable)
            self._files.write(f"retries/{batch.part_name()}", kept_items)
        # Last, and without outcomes too: it says that the round has ended.
        self._files.write(f"results/{batch.part_name()}", (outcome.as_json() for outcome in outcomes))

    def _notify(self, batch: Batch, failures: Sequence[Outcome], end: float) -> bool:
        if not failures:
            return True
        seconds = min(NOTICE_SECONDS, end - RETURN_SECONDS - self._monotonic())
        if seconds <= 0:
            return False
        listed = [failure.as_json() for failure in failures[:MAX_LISTED_FAILURES]]
        for line in listed:
            line.pop("columns", None)
            line.pop("signals", None)
        body = {
            "run_id": batch.run["id"],
            "manifest": batch.run.get("manifest"),
            "failed": len(failures),
            "failures": listed,
            "omitted": len(failures) - len(listed),
        }
        noun = "image" if len(failures) == 1 else "images"
        subject = f"Image Mirror: {len(failures)} {noun} failed"
        return self._notices.publish(Notification("images_failed", subject, body), seconds)


def wait_seconds(deferred: Sequence[DeferredRow], round_: int) -> int:
    """Whole seconds until the next round: by Retry-After of the hosts, else exponential backoff with full jitter."""
    if not deferred:
        return 0
    requested = max(
        (row.error.wait + random.uniform(0, 1) for row in deferred if row.error.wait is not None), default=0
    )
    backoff = 0.0
    if any(row.error.wait is None and row.error.reason is not Reason.OUT_OF_TIME for row in deferred):
        backoff = random.uniform(0, min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2**round_))
    return max(1, math.ceil(max(requested, backoff)))
