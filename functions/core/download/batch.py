"""Mirror the rows of a batch concurrently: returns outcomes, and the rows to try again in a later round."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial

from functions.core.download.concurrency import AdaptiveConcurrency
from functions.core.download.host_scheduler import HostScheduler
from functions.core.download.mirror import MirroredRows, RowMirror
from functions.core.download.record_buffer import ImageRecordBuffer
from functions.core.download.reuse import Groups, ImageReuse, internal_error, out_of_time
from functions.core.model.errors import InfrastructureError, RowError
from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.options import MAX_CONCURRENT_UPLOADS, Options
from functions.core.model.outcomes import Outcome, failed_outcome
from functions.core.model.ports import ImageTable
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row, parse_row
from functions.core.model.types import ImageRecord


@dataclass(frozen=True, slots=True)
class DeferredRow:
    """A row without an outcome in this round, and the reason. `tried` is false if it was not attempted."""

    number: int
    error: RowError
    tried: bool


@dataclass(slots=True)
class BatchResult:
    """The result of one round: each row of the batch is in exactly one of the two lists."""

    outcomes: list[Outcome] = field(default_factory=list)
    deferred: list[DeferredRow] = field(default_factory=list)


class BatchMirror:
    """Runs one round of a batch. `monotonic` is the clock of `start_deadline`.

    `throttle_count` returns how often the store has throttled so far. `prefix` is that of the keys that rows request.
    """

    def __init__(
        self,
        *,
        mirror: RowMirror,
        table: ImageTable,
        options: Options,
        run_id: str,
        monotonic: Callable[[], float] = time.monotonic,
        throttle_count: Callable[[], int] = lambda: 0,
        prefix: str = DEFAULT_PREFIX,
    ) -> None:
        self._mirror = mirror
        self._table = table
        self._options = options
        self._run_id = run_id
        self._monotonic = monotonic
        self._throttle_count = throttle_count
        self._prefix = prefix

    def run(self, items: Mapping[int, object], *, start_deadline: float) -> BatchResult:
        """`items` by row number; no row is started after `start_deadline`. Raises InfrastructureError."""
        collector = _Collector(items, self._options.base_url, self._prefix)
        groups = collector.group_by_url(collector.parse_rows())
        records = self._table.look_up(list(groups))
        stored = {url: record for url, record in records.items() if self._is_reused(record)}

        def is_late() -> bool:
            return self._monotonic() >= start_deadline

        gone = set()
        for url, reused in ImageReuse(self._mirror, is_late).run(groups, stored):
            if reused is None:
                gone.add(url)
            else:
                collector.add_rows(reused)
        groups = {url: rows for url, rows in groups.items() if url not in stored or url in gone}
        records = {url: record for url, record in records.items() if url not in stored}
        if groups:
            with ImageRecordBuffer(self._table) as buffer:
                self._download(groups, records, collector, buffer, is_late)
        return collector.result

    def _is_reused(self, record: ImageRecord) -> bool:
        """Whether the image is not downloaded again: this run has stored it, or an earlier one and the run skips it."""
        return record.get("run_id") == self._run_id or self._options.on_existing == "skip"

    def _download(
        self,
        groups: Groups,
        records: Mapping[str, ImageRecord],
        collector: "_Collector",
        buffer: ImageRecordBuffer,
        is_late: Callable[[], bool],
    ) -> None:
        options = self._options
        threads = min(options.concurrency + MAX_CONCURRENT_UPLOADS, len(groups))
        concurrency = AdaptiveConcurrency(threads, throttle_count=self._throttle_count)
        first_rows = [rows[0] for rows in groups.values()]
        scheduler = HostScheduler(first_rows, options.per_host, options.concurrency, concurrency.limit)
        worker = _Worker(
            mirror=self._mirror,
            scheduler=scheduler,
            groups=groups,
            collector=collector,
            buffer=buffer,
            records=records,
            is_late=is_late,
        )
        with ThreadPoolExecutor(threads, thread_name_prefix="download") as pool:
            futures = [pool.submit(worker.run) for _ in range(threads)]
            for future in futures:
                # one at a time: to wait for all of them takes forty times as long, a hundred times a second
                while wait((future,), timeout=concurrency.interval).not_done:
                    scheduler.set_limit(concurrency.adjust())
            for future in futures:
                future.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worker:
    """The loop of each thread. `records` are those of images to download again; `is_late` says that no row may start
    now."""

    mirror: RowMirror
    scheduler: HostScheduler
    groups: Groups
    collector: "_Collector"
    buffer: ImageRecordBuffer
    records: Mapping[str, ImageRecord]
    is_late: Callable[[], bool]

    def run(self) -> None:
        while (row := self.scheduler.take()) is not None:
            if self.is_late():
                self._defer([row, *self.scheduler.cancel_pending()], out_of_time())
                self.scheduler.done(row, None)
            else:
                self._mirror(row)

    def _mirror(self, row: Row) -> None:
        """Mirror the rows of a URL. `row` is the first of them, the one that the scheduler knows."""
        rows = self.groups[row.url]
        row_error: RowError | None = None
        try:
            mirrored = self.mirror.mirror(
                rows, self.records.get(row.url), partial(self.scheduler.response_received, row)
            )
            if mirrored.record is None:
                self.collector.add_rows(mirrored)
            else:
                self.buffer.add(mirrored.record, partial(self._on_written, rows, mirrored))
        except RowError as error:
            row_error = error
            self.collector.fail(rows, error)
        except InfrastructureError:
            self.scheduler.cancel_pending()  # the workflow retries the whole batch
            raise
        except Exception as error:  # a bug that one row triggers must not fail the other rows
            self.collector.fail(rows, internal_error(error))
        finally:
            cancelled = self.scheduler.done(row, row_error)
            if cancelled and row_error is not None:
                self._defer(cancelled, _circuit_open(row_error))

    def _on_written(self, rows: Sequence[Row], mirrored: MirroredRows, error: Exception | None) -> None:
        """Rows count when their record is in the table. Without it, they are tried again: they find their objects."""
        if error is None:
            self.collector.add_rows(mirrored)
        else:
            self.collector.fail(rows, internal_error(error))

    def _defer(self, first_rows: Sequence[Row], error: RowError) -> None:
        self.collector.defer([row for first in first_rows for row in self.groups[first.url]], error)


class _Collector:
    """The rows of a batch and their results so far; used by many threads."""

    def __init__(self, items: Mapping[int, object], base_url: str, prefix: str) -> None:
        self._items = items
        self._base_url = base_url
        self._prefix = prefix
        self._lock = threading.Lock()
        self.result = BatchResult()

    def parse_rows(self) -> list[Row]:
        """The valid rows; the others get their outcome."""
        rows = []
        for number, item in self._items.items():
            try:
                rows.append(parse_row(number, item, self._base_url, self._prefix))
            except RowError as error:
                self.result.outcomes.append(failed_outcome(number, item, error, self._base_url))
        return rows

    def group_by_url(self, rows: Iterable[Row]) -> Groups:
        """The rows of each URL. A row whose key an earlier row names for another URL gets its outcome."""
        groups: dict[str, list[Row]] = {}
        url_of_key: dict[str, str] = {}
        for row in rows:
            if row.key is not None and url_of_key.setdefault(row.key, row.url) != row.url:
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
            self.defer(rows, error, tried=True)
            return
        for row in rows:
            self.add(failed_outcome(row.number, self._items[row.number], error, self._base_url))

    def defer(self, rows: Iterable[Row], error: RowError, *, tried: bool = False) -> None:
        with self._lock:
            self.result.deferred.extend(DeferredRow(row.number, error, tried) for row in rows)


def _circuit_open(error: RowError) -> RowError:
    message = f"Not attempted in this round: the host kept failing. {error.message}"
    return RowError(error.reason, message, status=error.status, wait=error.wait, retryable=True)
