"""One round of a batch, as the workflow calls it: a payload in, the payload of the next round out.

The workflow calls DownloadBatch, waits `wait_seconds`, and calls it again with the deferred rows, until there are none.
The workflow waits, not the Lambda function. Rows for which there is no time any more go on to the next pass.
"""

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from functions.core.download.batch import BatchMirror
from functions.core.download.batch_results import BatchResult, DeferredRow
from functions.core.download.hosts.pace import HostState
from functions.core.download.passes import NOT_A_ROW, Passes, file_metadata, row_error, waiting_item
from functions.core.model.limits import CHILD_SECONDS, LATER_ROUND_WAIT_SECONDS, MAX_ROUNDS, RESERVE_SECONDS
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind, failed_outcome, tally
from functions.core.model.ports import NOTICE_SECONDS, Notification, Notifications, RunFiles
from functions.core.model.rows import RowRules
from functions.core.model.runs import part_name, pass_folder
from functions.core.model.types import BatchInput, BatchItem, BatchPayload, BatchRun, DeferredItem, KeptItem

CHILD_MARGIN_SECONDS = 15.0
"""Time at the end of a child execution that is reserved for its last states, in seconds."""

BACKOFF_SECONDS = 2.0
"""Maximum wait after the first attempt of a row, in seconds; it doubles with each attempt."""

MAX_BACKOFF_SECONDS = 30.0

RETURN_SECONDS = 1.0
"""Time at the end of an invocation in which it returns its result and publishes nothing, in seconds."""

MAX_LISTED_FAILURES = 100
"""Maximum number of failures in one message; an SNS message has at most 256 KiB."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one child execution in this round: `items` by row number, rows that were never attempted first.

    `tried` are the attempts by row: failing rows of a host must not delay its other rows. `hosts` are the states of
    hosts that limit requests, by one of their rows, with times in seconds since the start of the child execution.
    `failed_passes` are the passes by row to which it was deferred because it or its host failed, `waiting` the rows as
    they were deferred to this pass, in its first round.
    """

    run: BatchRun
    items: Mapping[int, object]
    first_row: int
    round: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    tried: Mapping[int, int] = field(default_factory=dict)
    hosts: Mapping[int, HostState] = field(default_factory=dict)
    pass_number: int = 0
    failed_passes: Mapping[int, int] = field(default_factory=dict)
    waiting: Mapping[int, DeferredItem] = field(default_factory=dict)

    @classmethod
    def from_payload(cls, payload: BatchPayload) -> "Batch":
        """From the payload of ItemBatcher or of the round before."""
        batch_items = [item for item in payload["Items"] if item["row"] >= 0]  # -1: a first line that is not a row
        batch_items.sort(key=lambda item: item.get("tried", 0))
        items = {item["row"] + 1: item["item"] for item in batch_items}
        return cls(
            run=payload["BatchInput"]["run"],
            items=items,
            first_row=payload.get("first_row", min(items, default=0)),
            round=payload.get("round", 0),
            counts=payload.get("counts", {}),
            tried={item["row"] + 1: item["tried"] for item in batch_items if "tried" in item},
            hosts={item["row"] + 1: _host_state(item) for item in batch_items if "host" in item},
            pass_number=payload["BatchInput"].get("pass_number", 0),
            failed_passes={item["row"] + 1: item["failed_passes"] for item in batch_items if "failed_passes" in item},
            waiting={item["row"] + 1: waiting_item(item) for item in batch_items if "not_before" in item},
        )

    def part_name(self) -> str:
        """The name of the files of this round, so that a retried batch replaces its own files."""
        return part_name(self.first_row, self.round, self.pass_number, max(self.items, default=self.first_row))

    def pass_file_name(self) -> str:
        """The name of the file of the rows that go on to the next pass."""
        return f"{pass_folder(self.pass_number + 1)}/{part_name(self.first_row, self.round)}"

    def attempts(self, row: DeferredRow) -> int:
        """The attempts of a row in all rounds, without requests that its host refused."""
        return self.tried.get(row.number, 0) + row.tried

    def next_payload(
        self, deferred: Sequence[DeferredRow], counts: Mapping[str, int], wait: int, age: float
    ) -> BatchPayload:
        """The payload of the next round; without Items the batch has ended. `age` is that of the child execution."""
        return {
            "BatchInput": self._batch_input(),
            "Items": list(self._deferred_items(deferred, age)),
            "first_row": self.first_row,
            "round": self.round + 1,
            "wait_seconds": wait,
            "counts": {name: count + self.counts.get(name, 0) for name, count in counts.items()},
        }

    def _batch_input(self) -> BatchInput:
        return {"run": self.run, "pass_number": self.pass_number} if self.pass_number else {"run": self.run}

    def _deferred_items(self, deferred: Sequence[DeferredRow], age: float) -> Iterator[BatchItem]:
        known: set[int] = set()
        for row in deferred:
            item: BatchItem = {"row": row.number - 1, "item": self.items[row.number]}
            if attempts := self.attempts(row):
                item["tried"] = attempts
            if failed_passes := self.failed_passes.get(row.number):
                item["failed_passes"] = failed_passes
            if row.host is not None and not row.host.is_wait and id(row.host) not in known:
                known.add(id(row.host))
                host = row.host.shifted(age)
                item["host"] = [round(host.not_before, 1), host.refusals, host.rate, host.increase]
                if host.name:
                    item["host_name"] = host.name
            yield item


@dataclass(frozen=True, slots=True)
class RoundReport:
    """The result of a round. `deferred` is the number of deferred rows, `payload` that of the next round, `passed_on`
    the number of rows that go on to the next pass."""

    outcomes: Sequence[Outcome]
    deferred: int
    notified: bool
    payload: BatchPayload
    passed_on: int = 0


@dataclass(slots=True)
class _Result:
    """The rows of a round: each is in exactly one list. `wait` is the time until the next round, in seconds."""

    outcomes: list[Outcome] = field(default_factory=list)
    deferred: list[DeferredRow] = field(default_factory=list)
    passed_on: list[DeferredItem] = field(default_factory=list)
    wait: int = 0


class RoundRunner:
    """Runs a round and writes its outcomes before it returns."""

    def __init__(
        self,
        *,
        mirror: BatchMirror,
        files: RunFiles,
        notices: Notifications,
        options: Options,
        passes: Passes | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mirror = mirror
        self._files = files
        self._notices = notices
        self._options = options
        self._passes = passes or Passes(options)
        self._monotonic = monotonic

    def run(
        self,
        batch: Batch,
        *,
        start_deadline: float,
        child_seconds_left: float,
        end: float = math.inf,
        is_retry: bool = False,
    ) -> RoundReport:
        """`end` is the time at which the invocation is stopped, and its result lost. `is_retry` is true if the workflow
        has invoked the function for this round before.

        Raises InfrastructureError: then the workflow retries the round with the same payload.

        A round of a run that was closed does nothing: the run was stopped, and is being summarized.
        """
        if not self._files.start_round(batch.part_name()):
            return self._report(batch, _Result(), end)
        start = self._monotonic()
        age = CHILD_SECONDS - child_seconds_left
        last_start = start + child_seconds_left - self._options.timeout - CHILD_MARGIN_SECONDS
        result = self._not_due(batch)
        waiting = {item["row"] + 1 for item in result.passed_on} | {outcome.row for outcome in result.outcomes}
        items = {row: item for row, item in batch.items.items() if row not in waiting} if waiting else batch.items
        hosts = {row: state.shifted(-age) for row, state in batch.hosts.items()}
        mirrored = self._mirror.run(items, start_deadline=min(start_deadline, last_start), hosts=hosts)
        now = self._monotonic()
        has_pass = batch.pass_number < self._options.passes
        has_next = batch.round + 1 < MAX_ROUNDS and not (has_pass and batch.run.get("waits_in_passes"))
        max_wait = last_start - now - RESERVE_SECONDS - LATER_ROUND_WAIT_SECONDS if has_next else 0.0
        self._divide(batch, mirrored, max_wait, result)
        if result.passed_on or is_retry:
            lines = result.passed_on or [NOT_A_ROW]
            self._files.write(batch.pass_file_name(), lines, file_metadata(lines))
        return self._report(batch, result, end, age + now - start)

    def _not_due(self, batch: Batch) -> _Result:
        """The rows that must not be tried yet: they go on to the next pass, if there is one."""
        now = self._passes.clock()
        not_due = [item for item in batch.waiting.values() if item["not_before"] > now]
        if batch.pass_number < self._options.passes:
            return _Result(passed_on=not_due)
        rules = RowRules.of(self._options)
        return _Result([failed_outcome(i["row"] + 1, i["item"], row_error(i["error"]), rules) for i in not_due])

    def _divide(self, batch: Batch, mirrored: BatchResult, max_wait: float, result: _Result) -> None:
        """Adds the rows of a round to its result."""
        waits = wait_seconds(batch, mirrored.deferred)
        result.outcomes += mirrored.outcomes
        for row in mirrored.deferred:
            attempts, item = batch.attempts(row), batch.items[row.number]
            may_go_on = self._options.rounds > 1 or row.awaits_turn
            if may_go_on and attempts < self._options.rounds and waits[row.number] <= max_wait:
                result.deferred.append(row)
                continue
            passed_on = self._passes.deferred_item(
                row,
                item,
                pass_number=batch.pass_number,
                attempts=attempts,
                failed_passes=batch.failed_passes.get(row.number, 0),
            )
            if passed_on is not None:
                result.passed_on.append(passed_on)
            else:
                result.outcomes.append(self._failed(batch, row))
        result.wait = int(min((waits[row.number] for row in result.deferred), default=0))
        result.outcomes.sort(key=lambda outcome: outcome.row)

    def _report(self, batch: Batch, result: _Result, end: float, age: float = 0.0) -> RoundReport:
        self._write(batch, result.outcomes)
        notified = self._notify(batch, [outcome for outcome in result.outcomes if outcome.failure], end)
        payload = batch.next_payload(result.deferred, tally(result.outcomes), result.wait, age)
        return RoundReport(result.outcomes, len(result.deferred), notified, payload, len(result.passed_on))

    def _failed(self, batch: Batch, row: DeferredRow) -> Outcome:
        return failed_outcome(row.number, batch.items[row.number], row.error, RowRules.of(self._options))

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


def _host_state(item: BatchItem) -> HostState:
    not_before, refusals, rate, increase = item["host"]
    return HostState(not_before, int(refusals), rate, increase, item.get("host_name", ""))


def wait_seconds(batch: Batch, deferred: Sequence[DeferredRow]) -> dict[int, float]:
    """The wait of each row until it may be tried again, in whole seconds, at least one.

    It is that of its host, and after a failure of its own exponential backoff with full jitter, which is shorter than
    that of rows with more attempts. Infinite if its host gets no more requests.
    """
    attempts = min((batch.attempts(row) for row in deferred if row.tried), default=1)
    backoff = random.uniform(0, min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** (attempts - 1)))
    waits = {}
    for row in deferred:
        wait = max(1.0, backoff if row.tried else 0.0, row.host.not_before if row.host else 0.0)
        waits[row.number] = math.ceil(wait) if wait < math.inf else wait
    return waits
