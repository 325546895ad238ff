"""The outcomes of the rows of a batch, and the rows to try again in a later round."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from functions.core.download.hosts.pace import HostState
from functions.core.download.hosts.scheduler import HostScheduler
from functions.core.download.mirrored_rows import MirroredRows
from functions.core.download.reuse import Groups, out_of_time
from functions.core.model.errors import RowError
from functions.core.model.outcomes import Outcome, failed_outcome
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row, RowRules, parse_row
from functions.core.model.urls import host_of


@dataclass(frozen=True, slots=True)
class DeferredRow:
    """A row without an outcome in this round, and the reason. `tried` is false if it was not attempted, or if its host
    refused the request. `host` is the state of its host if that was waited for, with times in seconds from now."""

    number: int
    error: RowError
    tried: bool
    host: HostState | None = None

    @property
    def awaits_turn(self) -> bool:
        """Whether it only waits for its turn: no request failed, and its host has refused none."""
        return not self.tried and self.host is not None and not self.host.refusals


@dataclass(slots=True)
class BatchResult:
    """The result of one round: each row of the batch is in exactly one of the two lists."""

    outcomes: list[Outcome] = field(default_factory=list)
    deferred: list[DeferredRow] = field(default_factory=list)


class Collector:
    """The rows of a batch and their results so far; used by many threads."""

    def __init__(self, items: Mapping[int, object], rules: RowRules, prefix: str) -> None:
        self._items = items
        self._rules = rules
        self._prefix = prefix
        self._lock = threading.Lock()
        self._failed: list[tuple[Row, RowError]] = []
        self.result = BatchResult()

    def parse_rows(self) -> list[Row]:
        """The valid rows; the others get their outcome."""
        rows = []
        for number, item in self._items.items():
            try:
                rows.append(parse_row(number, item, self._rules, self._prefix))
            except RowError as error:
                self.result.outcomes.append(failed_outcome(number, item, error, self._rules))
        return rows

    def group_by_url(self, rows: Iterable[Row]) -> Groups:
        """The rows of each URL. A row whose key an earlier row names for another URL gets its outcome. Keys that are
        not known yet are compared when they are stored."""
        groups: dict[str, list[Row]] = {}
        url_of_key: dict[str, str] = {}
        for row in rows:
            if isinstance(row.key, str) and url_of_key.setdefault(row.key, row.url) != row.url:
                self.fail([row], RowError(Reason.KEY_CONFLICT, "Another row of the manifest has the same key."))
            else:
                groups.setdefault(row.url, []).append(row)
        return groups

    def add_rows(self, mirrored: MirroredRows) -> None:
        for outcome in mirrored.outcomes:
            self.add(outcome)
        for row, error in mirrored.errors:
            self.fail([row], error)

    def add(self, outcome: Outcome) -> None:
        with self._lock:
            self.result.outcomes.append(outcome)

    def fail(self, rows: Sequence[Row], error: RowError) -> None:
        """Defer rows if a retry may succeed, else add their outcomes."""
        if error.retryable:
            with self._lock:
                self._failed += [(row, error) for row in rows]
            return
        for row in rows:
            self.add(failed_outcome(row.number, self._items[row.number], error, self._rules))

    def defer_rows(self, groups: Groups, scheduler: HostScheduler | None) -> None:
        """The rows without an outcome, when all threads have ended: those that were not attempted first.

        The scheduler has the first row of each URL, and None if there was nothing to download.
        """
        states = scheduler.states() if scheduler else {}
        pending = scheduler.remaining() if scheduler else ()
        deferred = [
            DeferredRow(row.number, _not_attempted(error, is_refused), tried=False, host=states.get(host))
            for host, first, error, is_refused in pending
            for row in groups[first.url]
        ]
        deferred += [
            DeferredRow(
                row.number,
                error,
                tried=error.reason is not Reason.OUT_OF_TIME,
                host=states.get(host_of(row.url)) if states else None,
            )
            for row, error in self._failed
        ]
        self.result.deferred = deferred


def _not_attempted(error: RowError | None, is_refused: bool) -> RowError:
    """`error` is the one that its host was waited for, or that of the row itself if its host refused it."""
    if error is None:
        return out_of_time()
    if is_refused or error.reason is Reason.OUT_OF_TIME:
        return error
    message = f"Not attempted in this round: the host kept failing. {error.message}"
    return RowError(error.reason, message, status=error.status, wait=error.wait, retryable=True)
