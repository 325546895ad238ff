"""Mirror a batch and tally: rows in, outcomes and what is to be tried again later out."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from functions.core.download.concurrency import AdaptiveConcurrency
from functions.core.download.host_scheduler import HostScheduler
from functions.core.download.mirror import RowMirror
from functions.core.download.record_buffer import ImageRecordBuffer
from functions.core.model.errors import InfrastructureError, RowError
from functions.core.model.options import MAX_CONCURRENT_UPLOADS, Options
from functions.core.model.outcomes import Outcome, OutcomeKind, failed_outcome
from functions.core.model.ports import ImageTable
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row, parse_row
from functions.core.model.urls import redact


@dataclass(frozen=True, slots=True)
class DeferredRow:
    """A row that did not end in this round, and why. `tried` is false where its turn never came."""

    number: int
    fault: RowError
    tried: bool


@dataclass(slots=True)
class BatchResult:
    """What one call made of its rows: each is in exactly one of the two."""

    outcomes: list[Outcome] = field(default_factory=list)
    deferred: list[DeferredRow] = field(default_factory=list)


class BatchMirror:
    """One round over a batch. `monotonic` is what `begin_until` is measured by; `throttle_count` says how often the
    store
    has asked for less so far."""

    def __init__(
        self,
        *,
        mirror: RowMirror,
        table: ImageTable,
        options: Options,
        run_id: str,
        monotonic: Callable[[], float] = time.monotonic,
        throttle_count: Callable[[], int] = lambda: 0,
    ) -> None:
        self._mirror = mirror
        self._table = table
        self._options = options
        self._run_id = run_id
        self._monotonic = monotonic
        self._throttle_count = throttle_count

    def run(self, items: Mapping[int, object], *, begin_until: float) -> BatchResult:
        """`items` by row number; no row is begun after `begin_until`. Raises InfrastructureError."""
        work = _Work(items, self._options.base_url)
        rows = work.without_duplicates(work.parsed())
        known = self._table.look_up([row.url for row in rows])
        rows = [row for row in rows if not self._settled(row, known.get(row.url), work)]
        with ImageRecordBuffer(self._table) as recorder:
            self._download(rows, known, work, recorder, begin_until)
        return work.round

    def _settled(self, row: Row, known: Mapping[str, Any] | None, work: "_Work") -> bool:
        """Whether the table knows enough: this row of this run, another row of this run, an earlier run."""
        if known is None:
            return False
        if known.get("run_id") == self._run_id:
            mine = known.get("row") == row.number
            work.end(row, OutcomeKind.STORED if mine else OutcomeKind.DUPLICATE, _image(known) if mine else None)
            return True
        if self._options.on_existing == "skip":
            work.end(row, OutcomeKind.SKIPPED)
            return True
        return False

    def _download(
        self,
        rows: Sequence[Row],
        known: Mapping[str, Mapping[str, Any]],
        work: "_Work",
        recorder: ImageRecordBuffer,
        begin_until: float,
    ) -> None:
        threads = min(self._options.concurrency + MAX_CONCURRENT_UPLOADS, len(rows))
        pace = AdaptiveConcurrency(threads, throttle_count=self._throttle_count)
        queues = HostScheduler(rows, self._options.per_host, self._options.concurrency, pace.at_once)
        refreshed = known if self._options.on_existing == "refresh" else {}

        def drain() -> None:
            while (row := queues.take()) is not None:
                if self._monotonic() >= begin_until:
                    work.postpone([row, *queues.give_up()], _no_time())
                    queues.done(row, None)
                    continue
                self._one(row, refreshed.get(row.url), queues, work, recorder)

        if threads:
            with ThreadPoolExecutor(threads, thread_name_prefix="download") as pool:
                drains = [pool.submit(drain) for _ in range(threads)]
                while wait(drains, timeout=pace.tick).not_done:
                    queues.allow(pace.look())
                for drained in drains:
                    drained.result()

    def _one(
        self,
        row: Row,
        known: Mapping[str, Any] | None,
        queues: HostScheduler,
        work: "_Work",
        recorder: ImageRecordBuffer,
    ) -> None:
        fault: RowError | None = None
        try:
            mirrored = self._mirror.mirror(row, known, partial(queues.answered, row))
            if mirrored.record is not None:
                recorder.add(mirrored.record)
            work.add(mirrored.outcome)
        except RowError as raised:
            fault = raised
            work.fail(row, raised)
        except InfrastructureError:
            queues.give_up()  # our own side is broken: the batch is going to be tried again as a whole
            raise
        except Exception as error:  # a file that our own code stumbles over must not take the others down
            work.fail(row, _stumbled(error))
        finally:
            given_up = queues.done(row, fault)
            if given_up and fault is not None:
                work.postpone(given_up, _left_alone(fault))


class _Work:
    """The rows of a batch on their way into its round; used by many threads."""

    def __init__(self, items: Mapping[int, object], base_url: str) -> None:
        self._items = items
        self._base_url = base_url
        self._lock = threading.Lock()
        self.round = BatchResult()

    def parsed(self) -> list[Row]:
        rows = []
        for number, item in self._items.items():
            try:
                rows.append(parse_row(number, item, self._base_url))
            except RowError as fault:
                self.round.outcomes.append(failed_outcome(number, item, fault, self._base_url))
        return rows

    def without_duplicates(self, rows: Iterable[Row]) -> list[Row]:
        """The first row of each URL, and of each key that a row asked for."""
        first_of_url: dict[str, Row] = {}
        first_of_key: dict[str, Row] = {}
        for row in rows:
            if row.url in first_of_url:
                self.end(row, OutcomeKind.DUPLICATE)
            elif row.key is not None and first_of_key.setdefault(row.key, row) is not row:
                self.fail(row, RowError(Reason.KEY_CONFLICT, "Another row of the manifest has the same key."))
            else:
                first_of_url[row.url] = row
        return list(first_of_url.values())

    def end(self, row: Row, kind: OutcomeKind, image: Mapping[str, Any] | None = None) -> None:
        self.add(Outcome(row=row.number, url=redact(row.url), kind=kind, user_columns=row.user_columns, image=image))

    def add(self, outcome: Outcome) -> None:
        with self._lock:
            self.round.outcomes.append(outcome)

    def fail(self, row: Row, fault: RowError) -> None:
        """An outcome where trying again is useless, else a deferral."""
        if fault.retryable:
            self.postpone([row], fault, tried=True)
        else:
            self.add(failed_outcome(row.number, self._items[row.number], fault, self._base_url))

    def postpone(self, rows: Iterable[Row], fault: RowError, *, tried: bool = False) -> None:
        with self._lock:
            self.round.deferred.extend(DeferredRow(row.number, fault, tried) for row in rows)


def _image(known: Mapping[str, Any]) -> dict[str, Any]:
    names = ("object_key", "bytes", "content_type", "sha256", "width", "height", "downloaded_at", "ms")
    return {name: known.get(name) for name in names}


def _stumbled(error: Exception) -> RowError:
    return RowError(Reason.BATCH_CRASHED, f"Our own code failed on this row ({type(error).__name__}).")


def _left_alone(fault: RowError) -> RowError:
    message = f"The host was left alone for a while, for it refused others. {fault.message}"
    return RowError(fault.reason, message, status=fault.status, wait=fault.wait, retryable=True)


def _no_time() -> RowError:
    return RowError(Reason.OUT_OF_TIME, "The time of the batch ran out before the row's turn came.")
