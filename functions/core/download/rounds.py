"""One round of a batch as the workflow sees it: its payload in, its payload out.

The workflow calls DownloadBatch, waits `wait_seconds`, and calls it again with what was deferred, until nothing is.
Waiting is the workflow's: no Lambda sleeps.
"""

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from functions.core.download.batch import BatchMirror, DeferredRow
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind, failed_outcome, tally
from functions.core.model.ports import Notification, Notifications, RunFiles
from functions.core.model.reasons import Reason

CHILD_SECONDS = 300.0
"""An Express execution ends after five minutes, waits and retries included."""

CHILD_MARGIN = 15.0
"""Kept free at the end of a child, for its last states."""

BACKOFF_SECONDS = 2.0
BACKOFF_CAP = 30.0
MAX_NAMED = 100
"""Failures named in one message; SNS takes 256 KiB."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one child, in this round. `items` by row number, those whose turn never came first.

    `tried` are those that had a turn in some round: a host's bad rows must not keep its good ones waiting for ever.
    """

    run: Mapping[str, Any]
    items: Mapping[int, Any]
    first_row: int
    round: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    tried: frozenset[int] = frozenset()

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "Batch":
        """From ItemBatcher's shape, or from what the round before returned."""
        rows = [element for element in payload["Items"] if element["row"] >= 0]  # -1: a first line that is no row
        elements = sorted(rows, key=lambda element: (element.get("tried", False), element["row"]))
        items = {element["row"] + 1: element["item"] for element in elements}
        return cls(
            run=payload["BatchInput"]["run"],
            items=items,
            first_row=payload.get("first_row", min(items, default=0)),
            round=payload.get("round", 0),
            counts=payload.get("counts", {}),
            tried=frozenset(element["row"] + 1 for element in elements if element.get("tried", False)),
        )

    def part(self) -> str:
        """Named by first row and round, so that a batch that is repeated replaces what it had written."""
        return f"part-{self.first_row:010d}-{self.round:02d}.jsonl"

    def after(self, deferred: Sequence[DeferredRow], counts: Mapping[str, int], wait: int) -> dict[str, Any]:
        """The payload for the next round, or with no Items for the end."""
        return {
            "BatchInput": {"run": self.run},
            "Items": [
                {
                    "row": row.number - 1,
                    "item": self.items[row.number],
                    "tried": row.tried or row.number in self.tried,
                }
                for row in sorted(deferred, key=lambda row: row.number)
            ],
            "first_row": self.first_row,
            "round": self.round + 1,
            "wait_seconds": wait,
            "counts": {name: count + self.counts.get(name, 0) for name, count in counts.items()},
        }


@dataclass(frozen=True, slots=True)
class RoundReport:
    """What there is to say about a round, for its log line."""

    outcomes: Sequence[Outcome]
    deferred: int
    notified: bool
    payload: dict[str, Any]


class RoundRunner:
    """Runs a round and writes down how its rows ended, before anything is returned."""

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

    def run(self, batch: Batch, *, begin_until: float, child_seconds_left: float) -> RoundReport:
        """Raises InfrastructureError; then nothing of the round counts, and the batch is tried again as it was."""
        child_ends = self._monotonic() + child_seconds_left
        last_begin = child_ends - self._options.timeout - CHILD_MARGIN
        made = self._mirror.run(batch.items, begin_until=min(begin_until, last_begin))
        wait = wait_seconds(made.deferred, batch.round)
        outcomes, deferred = made.outcomes, made.deferred
        if batch.round + 1 >= self._options.rounds or self._monotonic() + wait > last_begin:
            outcomes = outcomes + [self._given_up(batch, row) for row in deferred]
            deferred = []
        outcomes = sorted(outcomes, key=lambda outcome: outcome.row)
        self._write(batch, outcomes)
        notified = self._notify(batch, [outcome for outcome in outcomes if outcome.failure])
        payload = batch.after(deferred, tally(outcomes), wait if deferred else 0)
        return RoundReport(outcomes, len(deferred), notified, payload)

    def _given_up(self, batch: Batch, row: DeferredRow) -> Outcome:
        return failed_outcome(row.number, batch.items[row.number], row.fault, self._options.base_url)

    def _write(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        failures = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.FAILED]
        for folder, chosen in (("failures", failures), ("results", outcomes)):
            if chosen:
                self._files.write(f"{folder}/{batch.part()}", (outcome.as_json() for outcome in chosen))
        retryable = [outcome.row for outcome in failures if outcome.failure and outcome.failure.retryable]
        if retryable and batch.run.get("keep_items"):
            kept = ({"row": row, "item": batch.items[row]} for row in retryable)
            self._files.write(f"retries/{batch.part()}", kept)

    def _notify(self, batch: Batch, failures: Sequence[Outcome]) -> bool:
        if not failures:
            return True
        named = [failure.as_json() for failure in failures[:MAX_NAMED]]
        for line in named:
            line.pop("columns", None)
        body = {
            "run_id": batch.run["id"],
            "manifest": batch.run.get("manifest"),
            "failed": len(failures),
            "failures": named,
            "omitted": len(failures) - len(named),
        }
        noun = "image" if len(failures) == 1 else "images"
        return self._notices.publish(
            Notification("images_failed", f"Image Mirror: {len(failures)} {noun} failed", body)
        )


def wait_seconds(deferred: Sequence[DeferredRow], round_: int) -> int:
    """Whole seconds until the next round: what the hosts asked for, else exponential backoff with full jitter."""
    if not deferred:
        return 0
    asked = max((row.fault.wait + random.uniform(0, 1) for row in deferred if row.fault.wait is not None), default=0)
    backoff = 0.0
    if any(row.fault.wait is None and row.fault.reason is not Reason.OUT_OF_TIME for row in deferred):
        backoff = random.uniform(0, min(BACKOFF_CAP, BACKOFF_SECONDS * 2**round_))
    return max(1, math.ceil(max(asked, backoff)))
