"""The share of each active run in the concurrent Lambda executions of the account.

A new account may have 10 of them. The batches above the limit are throttled, and a batch that is throttled for too long
is lost. So each run gets the number of concurrent batches that leaves room for the others: when a run starts, those of
the others are lowered, and when it ends, they are raised again.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from functions.core.model.errors import InfrastructureError
from functions.core.model.limits import executions_for_batches
from functions.core.model.options import Options
from functions.core.model.ports import AccountConcurrency, LambdaAccount, MapRuns, RunRegistry
from functions.core.model.runs import Status
from functions.core.model.types import RunFields, RunRecord

RECORDS_PER_QUERY, MAX_QUERIES = 500, 3
"""Records that are read to find the active runs, the newest first. A run that is older than these is not found."""

MAX_ADJUSTED = 50
"""Maximum number of other runs whose concurrency one run changes."""

PAUSES = (0.0, 1.0, 2.0)
"""Seconds before each look at the other runs, if the account has too few executions for all. A run that started at the
same time may not be in the index yet, and one that has just been prepared has no Map Run yet. The last look is only for
such runs."""


@dataclass(frozen=True, slots=True)
class Share:
    """A run may have `batches` in progress at once. `note` says why these are fewer than it could use.

    `account_limit` is the number of concurrent executions of the account, None if it is not known.
    """

    batches: int
    note: str | None = None
    account_limit: int | None = None


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run in progress. `granted` is its maximum number of concurrent batches, None until it is prepared.

    `demand` is the number that it can use: those that it requests, or all its batches if these are fewer.
    """

    run_id: str
    execution_arn: str
    requested: int
    demand: int
    granted: int | None

    @classmethod
    def from_record(cls, record: RunRecord) -> "ActiveRun":
        options = Options.from_payload(record.get("options") or {})
        requested = record.get("requested_concurrency", options.max_concurrency)
        prepared = requested if "format" in record else None  # of a version that did not record it
        return cls(
            run_id=record["run_id"],
            execution_arn=record["execution_arn"],
            requested=requested,
            demand=_demand(replace(options, max_concurrency=requested), record.get("rows")),
            granted=record.get("max_concurrency", prepared),
        )

    def target(self, level: int) -> int:
        return min(self.requested, level)

    def has_less_than(self, batches: int) -> bool:
        """True if it could use more than it has, and may have so many."""
        return self.granted is not None and self.granted < min(batches, self.demand)

    def has_more_than(self, batches: int) -> bool:
        return self.granted is not None and batches < min(self.granted, self.demand)


class ConcurrencyShares:
    """`account` and `map_runs` return the adapters, which are created when they are needed.

    `warn` receives a sentence about an AWS service that failed. No failure stops a run.
    """

    def __init__(
        self,
        *,
        records: RunRegistry,
        account: Callable[[], LambdaAccount],
        map_runs: Callable[[], MapRuns],
        warn: Callable[[str], object],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._records = records
        self._account = account
        self._map_runs = map_runs
        self._warn = warn
        self._sleep = sleep

    def join(self, run_id: str, options: Options, rows: int | None) -> Share:
        """The share of a run that begins. Other runs that have more than theirs get less."""
        share = Share(options.max_concurrency)
        try:
            account = self._account().concurrency()
            for pause in PAUSES:
                if pause:
                    self._sleep(pause)
                others = list(self._others(run_id))
                demands = [_demand(options, rows), *(other.demand for other in others)]
                level = fair_level(executions_for_batches(account.unreserved), demands)
                share = _share(options, rows, level, account, len(others) + 1)
                if level >= max(demands):
                    break
                self._records.update_unless_over(run_id, share_fields(share, options.max_concurrency))
                lowered = [other for other in others if other.has_more_than(other.target(level))]
                remaining = self._adjust(lowered, level, account, len(others) + 1)
                if pause and not remaining and not any(other.granted is None for other in others):
                    break
        except Exception as error:  # also a bug here must not stop the run
            sentence = f"max_concurrency was not compared with the Lambda concurrency of the account: {_text(error)}"
            self._warn(sentence)
            return replace(share, note=share.note or sentence)
        return share

    def leave(self, run_id: str) -> None:
        """The share of a run that ends goes to those that have less than they could use."""
        try:
            others = list(self._others(run_id))
            if any(other.has_less_than(other.requested) for other in others):
                account = self._account().concurrency()
                available = executions_for_batches(account.unreserved)
                level = fair_level(available, [other.demand for other in others])
                raised = [other for other in others if other.has_less_than(other.target(level))]
                self._adjust(raised, level, account, len(others))
        except Exception as error:  # also a bug here must not keep the run from its summary
            self._warn(
                f"The share of the run in the Lambda concurrency was not given to the other runs: {_text(error)}"
            )

    def _others(self, run_id: str) -> Iterator[ActiveRun]:
        """The other active runs, the newest first. Raises TableFault."""
        position = None
        for _ in range(MAX_QUERIES):
            records, position = self._records.newest(Status.RUNNING.value, RECORDS_PER_QUERY, position)
            yield from (ActiveRun.from_record(record) for record in records if record["run_id"] != run_id)
            if position is None:
                return

    def _adjust(self, runs: Sequence[ActiveRun], level: int, account: AccountConcurrency, active: int) -> int:
        """Changes the concurrency of runs to the level. Returns the number of those that have no Map Run yet."""
        try:
            return sum(not self._set(run, level, account, active) for run in runs[:MAX_ADJUSTED])
        except InfrastructureError as error:
            self._warn(f"The concurrency of other runs could not be changed to {level}: {error}")
            return 0

    def _set(self, run: ActiveRun, level: int, account: AccountConcurrency, active: int) -> bool:
        """False if the run has no Map Run in progress. Raises WorkflowFault, TableFault."""
        batches = run.target(level)
        if not self._map_runs().set_concurrency(run.execution_arn, batches):
            return False
        change: RunFields = {"max_concurrency": batches}
        if batches < run.demand:
            change["concurrency_note"] = _note(batches, run.requested, account, active)
        self._records.update_unless_over(run.run_id, change)
        return True


def fair_level(available: int, demands: Sequence[int]) -> int:
    """The number that no run may exceed, so that the sum of all is at most `available`; at least 1.

    Runs that demand less than an equal part leave the rest to the others.
    """
    remaining, count = available, len(demands)
    for demand in sorted(demands):
        if demand * count > remaining:
            return max(1, remaining // count)
        remaining, count = remaining - demand, count - 1
    return remaining + max(demands, default=0)


def share_fields(share: Share, requested: int) -> RunFields:
    """The share in the record of a run that can use `requested` batches at once."""
    return {
        "max_concurrency": share.batches,
        "requested_concurrency": requested,
        "concurrency_note": share.note,
    }


def _share(options: Options, rows: int | None, level: int, account: AccountConcurrency, active: int) -> Share:
    requested = options.max_concurrency
    batches = min(requested, level)
    note = _note(batches, requested, account, active) if batches < _demand(options, rows) else None
    return Share(batches, note, account.limit)


def _demand(options: Options, rows: int | None) -> int:
    requested = options.max_concurrency
    return requested if rows is None else max(1, min(requested, math.ceil(rows / options.batch_size)))


def _note(batches: int, requested: int, account: AccountConcurrency, active: int) -> str:
    runs = "1 run is" if active == 1 else f"{active} runs are"
    return (
        f"At most {batches} {'batch runs' if batches == 1 else 'batches run'} at once instead of {requested}: the "
        f"account allows {account.limit:,} concurrent Lambda executions, and {runs} active."
    )


def _text(error: Exception) -> str:
    """The message of an AWS service that failed; of any other exception also its class, as its text may be a word."""
    return str(error) if isinstance(error, InfrastructureError) else f"{type(error).__name__}: {error}"
