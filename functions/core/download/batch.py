"""Mirror the rows of a batch concurrently: returns outcomes, and the rows to try again in a later round."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial

from functions.core.download.concurrency import AdaptiveConcurrency
from functions.core.download.host_scheduler import HostScheduler
from functions.core.download.mirror import RowMirror
from functions.core.download.record_buffer import ImageRecordBuffer
from functions.core.model.errors import InfrastructureError, RowError
from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.options import MAX_CONCURRENT_UPLOADS, Options
from functions.core.model.outcomes import Outcome, OutcomeKind, failed_outcome
from functions.core.model.ports import ImageTable
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row, parse_row
from functions.core.model.types import ImageFacts, ImageRecord
from functions.core.model.urls import redact


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
        rows = collector.without_duplicates(collector.parse_rows())
        records = self._table.look_up([row.url for row in rows])
        rows = [row for row in rows if not self._is_settled(row, records.get(row.url), collector)]
        if rows:
            self._mirror.prepare(rows)
            with ImageRecordBuffer(self._table) as buffer:
                self._download(rows, records, collector, buffer, start_deadline)
        return collector.result

    def _is_settled(self, row: Row, record: ImageRecord | None, collector: "_Collector") -> bool:
        """Add an outcome if the record has one: stored by this row, by another row of the run, or by an earlier run."""
        if record is None:
            return False
        if record.get("run_id") == self._run_id:
            is_own = record.get("row") == row.number
            kind = OutcomeKind.STORED if is_own else OutcomeKind.DUPLICATE
            collector.finish(row, kind, _image_facts(record) if is_own else None)
            return True
        if self._options.on_existing == "skip":
            collector.finish(row, OutcomeKind.SKIPPED)
            return True
        return False

    def _download(
        self,
        rows: Sequence[Row],
        records: Mapping[str, ImageRecord],
        collector: "_Collector",
        buffer: ImageRecordBuffer,
        start_deadline: float,
    ) -> None:
        options = self._options
        threads = min(options.concurrency + MAX_CONCURRENT_UPLOADS, len(rows))
        concurrency = AdaptiveConcurrency(threads, throttle_count=self._throttle_count)
        scheduler = HostScheduler(rows, options.per_host, options.concurrency, concurrency.limit)
        worker = _Worker(
            mirror=self._mirror,
            scheduler=scheduler,
            collector=collector,
            buffer=buffer,
            records=records,
            is_late=lambda: self._monotonic() >= start_deadline,
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
    collector: "_Collector"
    buffer: ImageRecordBuffer
    records: Mapping[str, ImageRecord]
    is_late: Callable[[], bool]

    def run(self) -> None:
        while (row := self.scheduler.take()) is not None:
            if self.is_late():
                self.collector.defer([row, *self.scheduler.cancel_pending()], _out_of_time())
                self.scheduler.done(row, None)
            else:
                self._mirror(row)

    def _mirror(self, row: Row) -> None:
        row_error: RowError | None = None
        try:
            mirrored = self.mirror.mirror(
                row, self.records.get(row.url), partial(self.scheduler.response_received, row)
            )
            if mirrored.record is None:
                self.collector.add(mirrored.outcome)
            else:
                self.buffer.add(mirrored.record, partial(self._on_written, row, mirrored.outcome))
        except RowError as error:
            row_error = error
            self.collector.fail(row, error)
        except InfrastructureError:
            self.scheduler.cancel_pending()  # the workflow retries the whole batch
            raise
        except Exception as error:  # a bug that one row triggers must not fail the other rows
            self.collector.fail(row, _internal_error(error))
        finally:
            cancelled = self.scheduler.done(row, row_error)
            if cancelled and row_error is not None:
                self.collector.defer(cancelled, _circuit_open(row_error))

    def _on_written(self, row: Row, outcome: Outcome, error: Exception | None) -> None:
        """A row counts when its record is in the table. Without it, the row is tried again: it finds its object."""
        if error is None:
            self.collector.add(outcome)
        else:
            self.collector.fail(row, _internal_error(error))


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

    def without_duplicates(self, rows: Iterable[Row]) -> list[Row]:
        """The first row of each URL, and of each key that the manifest names; the others get their outcome."""
        first_by_url: dict[str, Row] = {}
        first_by_key: dict[str, Row] = {}
        for row in rows:
            if row.url in first_by_url:
                self.finish(row, OutcomeKind.DUPLICATE)
            elif row.key is not None and first_by_key.setdefault(row.key, row) is not row:
                self.fail(row, RowError(Reason.KEY_CONFLICT, "Another row of the manifest has the same key."))
            else:
                first_by_url[row.url] = row
        return list(first_by_url.values())

    def finish(self, row: Row, kind: OutcomeKind, image: ImageFacts | None = None) -> None:
        self.add(Outcome(row=row.number, url=redact(row.url), kind=kind, user_columns=row.user_columns, image=image))

    def add(self, outcome: Outcome) -> None:
        with self._lock:
            self.result.outcomes.append(outcome)

    def fail(self, row: Row, error: RowError) -> None:
        """Defer the row if a retry may succeed, else add its outcome."""
        if error.retryable:
            self.defer([row], error, tried=True)
        else:
            self.add(failed_outcome(row.number, self._items[row.number], error, self._base_url))

    def defer(self, rows: Iterable[Row], error: RowError, *, tried: bool = False) -> None:
        with self._lock:
            self.result.deferred.extend(DeferredRow(row.number, error, tried) for row in rows)


def _image_facts(record: ImageRecord) -> ImageFacts:
    return ImageFacts(
        object_key=record.get("object_key"),
        bytes=record.get("bytes"),
        content_type=record.get("content_type"),
        sha256=record.get("sha256"),
        width=record.get("width"),
        height=record.get("height"),
        downloaded_at=record.get("downloaded_at"),
        ms=record.get("ms"),
    )


def _internal_error(error: Exception) -> RowError:
    return RowError(Reason.BATCH_CRASHED, f"Internal error while mirroring this row ({type(error).__name__}).")


def _circuit_open(error: RowError) -> RowError:
    message = f"Not attempted in this round: the host kept failing. {error.message}"
    return RowError(error.reason, message, status=error.status, wait=error.wait, retryable=True)


def _out_of_time() -> RowError:
    return RowError(Reason.OUT_OF_TIME, "The batch ran out of time before this row was attempted.")
