"""Mirror the rows of a batch concurrently: returns outcomes, and the rows to try again in a later round."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from functions.core.download.batch_results import BatchResult, Collector
from functions.core.download.concurrency import AdaptiveConcurrency
from functions.core.download.hosts.fleet import RoundHosts
from functions.core.download.hosts.pace import HostState
from functions.core.download.hosts.scheduler import HostScheduler
from functions.core.download.mirror import RowMirror
from functions.core.download.mirrored_rows import MirroredRows
from functions.core.download.outputs.image_output import RecordSink, RecoveredImage
from functions.core.download.reuse import Groups, ImageReuse, internal_error
from functions.core.model.errors import InfrastructureError, RowError
from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.options import MAX_CONCURRENT_UPLOADS, Options
from functions.core.model.ports import ImageTable
from functions.core.model.rows import Row, RowRules
from functions.core.model.types import ImageRecord
from functions.core.model.urls import host_of


class BatchMirror:
    """Runs one round of a batch. `monotonic` is the clock of `start_deadline`.

    `throttle_count` returns how often the store has throttled so far. `prefix` is that of the keys that rows request.
    `open_hosts` returns what the batches of all runs share about hosts, for one round.
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
        open_hosts: Callable[[], RoundHosts | None] = lambda: None,
    ) -> None:
        self._mirror = mirror
        self._table = table
        self._options = options
        self._run_id = run_id
        self._monotonic = monotonic
        self._throttle_count = throttle_count
        self._prefix = prefix
        self._open_hosts = open_hosts

    def run(
        self,
        items: Mapping[int, object],
        *,
        start_deadline: float,
        hosts: Mapping[int, HostState] = MappingProxyType({}),
    ) -> BatchResult:
        """`items` by row number; no row is started after `start_deadline`. `hosts` are the states of hosts that were
        waited for, by the number of one of their rows. Raises InfrastructureError."""
        collector = Collector(items, RowRules.of(self._options), self._prefix)
        parsed = collector.parse_rows()
        known = [(host_of(row.url), hosts[row.number]) for row in parsed if row.number in hosts] if hosts else []
        states = {state.name or name: state for name, state in known}
        groups = collector.group_by_url(parsed)
        records = dict(self._table.look_up(list(groups)))
        recovered = self._recover(groups, records)
        stored = {url: record for url, record in records.items() if self._is_reused(record)}

        def is_late() -> bool:
            return self._monotonic() >= start_deadline

        gone = set()
        for url, reused in ImageReuse(self._mirror, is_late).run(groups, stored):
            if reused is None:
                gone.add(url)
                continue
            if url in recovered and recovered[url].signals:
                reused.add_signals(recovered[url].signals)
            collector.add_rows(reused)
        groups = {url: rows for url, rows in groups.items() if url not in stored or url in gone}
        records = {url: record for url, record in records.items() if url not in stored}
        scheduler = None
        if groups:
            self._mirror.prepare(groups)
            with self._mirror.output.records(self._table) as buffer:
                scheduler = self._download(groups, records, collector, buffer, is_late, states)
        collector.defer_rows(groups, scheduler)
        return collector.result

    def _recover(self, groups: Groups, records: dict[str, ImageRecord]) -> Mapping[str, RecoveredImage]:
        """What an earlier attempt of this round has stored and not recorded; it is recorded, and added to `records`.

        The record of a later download by another run stays.
        """
        recovered, missing = {}, []
        for url, image in self._mirror.output.recover(groups).items():
            record = records.get(url)
            if record is None or record.get("run_id") != self._run_id:
                if record is None or record.get("downloaded_at", "") < image.record["downloaded_at"]:
                    missing.append(image.record)
                recovered[url], records[url] = image, image.record
        if missing:
            self._table.record(missing)
        return recovered

    def _is_reused(self, record: ImageRecord) -> bool:
        """Whether the image is not downloaded again: this run has stored it, or an earlier one and the run skips it."""
        return record.get("run_id") == self._run_id or self._options.on_existing == "skip"

    def _download(
        self,
        groups: Groups,
        records: Mapping[str, ImageRecord],
        collector: Collector,
        buffer: RecordSink,
        is_late: Callable[[], bool],
        states: Mapping[str, HostState],
    ) -> HostScheduler:
        options = self._options
        threads = min(options.concurrency + MAX_CONCURRENT_UPLOADS, len(groups))
        concurrency = AdaptiveConcurrency(threads, throttle_count=self._throttle_count)
        first_rows = [rows[0] for rows in groups.values()]
        scheduler = HostScheduler(
            first_rows,
            options.per_host,
            options.concurrency,
            concurrency.limit,
            rounds=options.rounds,
            states=states,
            fleet=self._open_hosts(),
            crawl_delay=self._mirror.crawl_delay,
        )
        worker = _Worker(
            mirror=self._mirror,
            scheduler=scheduler,
            groups=groups,
            collector=collector,
            buffer=buffer,
            records=records,
            is_late=is_late,
        )
        with closing(scheduler), ThreadPoolExecutor(threads, thread_name_prefix="download") as pool:
            futures = [pool.submit(worker.run) for _ in range(threads)]
            for future in futures:
                # one at a time: to wait for all of them takes forty times as long, a hundred times a second
                while wait((future,), timeout=min(concurrency.interval, scheduler.resume())).not_done:
                    scheduler.set_limit(concurrency.adjust())
            for future in futures:
                future.result()
        return scheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worker:
    """The loop of each thread. `records` are those of images to download again; `is_late` says that no row may start
    now."""

    mirror: RowMirror
    scheduler: HostScheduler
    groups: Groups
    collector: Collector
    buffer: RecordSink
    records: Mapping[str, ImageRecord]
    is_late: Callable[[], bool]

    def run(self) -> None:
        while (row := self.scheduler.take()) is not None:
            if self.is_late():
                self.scheduler.stop(row)
            else:
                self._mirror(row)

    def _mirror(self, row: Row) -> None:
        """Mirror the rows of a URL. `row` is the first of them, the one that the scheduler knows."""
        rows = self.groups[row.url]
        row_error: RowError | None = None
        try:
            mirrored = self.mirror.mirror(
                rows,
                self.records.get(row.url),
                partial(self.scheduler.response_received, row),
                partial(self.scheduler.check_url, row),
                partial(self.scheduler.start_request, row),
            )
            if mirrored.record is None:
                self.collector.add_rows(mirrored)
            else:
                self.buffer.add(mirrored.record, partial(self._on_written, rows, mirrored))
        except RowError as error:
            row_error = error
        except InfrastructureError:
            self.scheduler.stop()  # the workflow retries the whole batch
            raise
        except Exception as error:  # a bug that one row triggers must not fail the other rows
            self.collector.fail(rows, internal_error(error))
        finally:
            is_refused = self.scheduler.done(row, row_error)
        if row_error is not None and not is_refused:
            self.collector.fail(rows, row_error)

    def _on_written(self, rows: Sequence[Row], mirrored: MirroredRows, error: Exception | None) -> None:
        """Rows count when their record is in the table. Without it, they are tried again: they find their objects, or
        get a new shard."""
        if error is None:
            self.collector.add_rows(mirrored)
        else:
            self.collector.fail(rows, error if isinstance(error, RowError) else internal_error(error))
