"""Summarize a run: read its outcomes, reconcile them with the manifest, write the reports, publish the summary."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from functions.core.model.errors import InfrastructureError
from functions.core.model.headers import unrecorded_headers
from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import Manifests, Notification, Notifications, RunRecords, RunResults
from functions.core.model.rows import RowRules
from functions.core.model.runs import NULL_VERSION, LocalRun, ManifestObject, Status, new_record, notes_of, run_id_of
from functions.core.model.types import ResultLine, RunEnd, RunFields, RunRecord, RunSummary
from functions.core.report.aggregates import RunAggregates
from functions.core.report.page import render_page
from functions.core.summary.execution import EndedExecution
from functions.core.summary.failures_csv import csv_lines
from functions.core.summary.late_batches import wait_for_rounds
from functions.core.summary.manifest_items import MANIFEST_GONE, ManifestItems, read_manifest_items
from functions.core.summary.passes import RunLines
from functions.core.summary.reconciliation import Reconciliation, pair_with_items
from functions.core.summary.retry_manifest import RetryManifest, retry_manifest_for, retry_options
from functions.core.summary.run_summary import (
    RunReports,
    RunResult,
    manifest_reference,
    record_fields,
    run_result,
    run_summary,
)
from functions.core.summary.spool import Spool
from functions.core.summary.suspects import FILE as SUSPECTS
from functions.core.summary.suspects import Suspects

NOTIFICATION_KINDS = {"succeeded": "run_completed", "cancelled": "run_cancelled"}
"""Kind of the notification by status; `run_failed` for any other."""


@dataclass(slots=True)
class _Rows:
    """The rows of a run, as they are read: their counts, the figures of the report, and the failures."""

    items: ManifestItems
    reconciliation: Reconciliation
    aggregates: RunAggregates
    failures: Spool[ResultLine]
    retries: RetryManifest
    suspects: Suspects = field(default_factory=Suspects)

    def add(self, item: object, line: ResultLine) -> None:
        self.reconciliation.rows += self.items.rows is None
        self.reconciliation.add(line)
        self.aggregates.add(line)
        self.suspects.add(line)
        if line["outcome"] == OutcomeKind.FAILED:
            self.failures.add(line)
            if line["retryable"] and self.items.readable:
                self.retries.add(line["row"], item)

    def note(self, record: RunFields) -> str | None:
        """Sentences about the run that its counts do not show."""
        notes = [*notes_of(record), *self.items.errors, self.suspects.note()]
        if not self.items.readable and self.reconciliation.outcomes[OutcomeKind.FAILED]:
            notes.append(MANIFEST_GONE)
        if self.retries.missing:
            notes.append(f"{self.retries.missing} rows of crashed batches could not be put into the retry manifest.")
        if moved := self.reconciliation.moved:
            images = "1 image has" if moved == 1 else f"{moved} images have"
            notes.append(f"{images} a new key; what was stored before is left in the bucket (former_key in results/).")
        if self.retries.rows and (names := unrecorded_headers(record.get("options") or {})):
            notes.append(f"The values of headers are not recorded: set them again for a retry ({', '.join(names)}).")
        return " ".join(filter(None, notes)) or None


class Summarizer:
    """SummarizeRun's logic, for one run. `now` is the time at which the run ended; `local_run` is None in AWS.

    `images_prefix` is that of all keys in the images bucket.
    `wait` waits for the batches that are still running when the run was stopped.
    """

    def __init__(
        self,
        *,
        manifests: Manifests,
        results: RunResults,
        records: RunRecords,
        notices: Notifications,
        now: datetime,
        local_run: LocalRun | None = None,
        images_prefix: str = DEFAULT_PREFIX,
        wait: Callable[[RunResults], None] = wait_for_rounds,
    ) -> None:
        self._manifests = manifests
        self._results = results
        self._records = records
        self._notices = notices
        self._now = now
        self._local_run = local_run
        self._images_prefix = images_prefix
        self._wait_for_rounds = wait

    def summarize_once(self, execution: EndedExecution) -> RunEnd | None:
        """The same for an execution that ended before it reached SummarizeRun: stopped, timed out or failed.

        None if the run has its summary already, or belongs to another execution. A run that cannot be summarized is
        recorded as failed before the error is raised.
        """
        run_id = run_id_of(execution.input)
        record = self._records.get(run_id)
        if record and ("ended_at" in record or record.get("execution_arn") != execution.arn):
            return None
        try:
            return self.summarize(execution)
        except InfrastructureError as error:
            failure: RunFields = {
                "status": Status.FAILED.value,
                "error": type(error).__name__,
                "cause": str(error),
            }
            self._records.update(run_id, failure)
            raise

    def summarize(self, execution: EndedExecution) -> RunEnd:
        """Writes the reports and publishes the summary; repeating it has the same result.

        An execution that failed before it could claim the run must not end the run of another execution: nothing is
        written then. Raises BooksFault, StorageFault, TableFault.
        """
        run_id = run_id_of(execution.input)
        record = self._records.get(run_id)
        if record and record.get("execution_arn") != execution.arn:
            return RunResult(run_id, Status.FAILED, execution.failure, Reconciliation()).as_end()
        manifest = ManifestObject.from_event(execution.input)
        if not record:
            self._records.claim(new_record(run_id, manifest, execution.arn, execution.started_at))
        record = record or {"run_id": run_id}
        result = self._write_reports(run_id, _with_version(manifest, record), record, execution)
        return result.as_end()

    def _write_reports(
        self, run_id: str, manifest: ManifestObject, record: RunRecord, execution: EndedExecution
    ) -> RunResult:
        if execution.has_late_batches and "format" in record:
            self._wait_for_rounds(self._results)
        aggregates = RunAggregates.since(execution.started_at)
        reconciliation, reports = self._read_rows(manifest, record, execution, aggregates)
        result = run_result(run_id, execution, record, reconciliation)
        reference = manifest_reference(manifest, record)
        summary = run_summary(result, reference, execution.started_at, self._now, reports)
        page = render_page(summary, aggregates, record, self._started_by(record), self._images_prefix)
        self._results.write_text("report.html", [page], "text/html; charset=utf-8")
        self._results.write_text("summary.json", [json.dumps(summary, indent=2) + "\n"], "application/json")
        self._records.update(run_id, record_fields(summary))
        self._publish(summary)
        return result

    def _started_by(self, record: RunRecord) -> LocalRun | None:
        """How the run was started: the process that summarizes an interrupted run may have been started differently."""
        if self._local_run and "local_run" in record:
            return LocalRun.parse(record["local_run"])
        return self._local_run

    def _read_rows(
        self, manifest: ManifestObject, record: RunRecord, execution: EndedExecution, aggregates: RunAggregates
    ) -> tuple[Reconciliation, RunReports]:
        """Reads the manifest and the results once; failures are spooled for the reports."""
        items = read_manifest_items(self._manifests, self._results, manifest, record)
        options = record.get("options") or {}
        rules = RowRules.of(Options.from_payload(options))
        failures: Spool[ResultLine]
        with Spool() as failures, retry_manifest_for(record) as retries:
            rows = _Rows(items, Reconciliation(rows=items.rows or 0), aggregates, failures, retries)
            with RunLines(self._results, rules, stopped=execution.failure is not None) as lines:
                for item, line in pair_with_items(lines, items.items, rules, execution.missing_outcome):
                    rows.add(item, line)
                rows.reconciliation.check()
                if rows.suspects.found():
                    self._results.write_text(SUSPECTS, rows.suspects.lines(), "text/csv; charset=utf-8")
                retry_name = retries.write(self._results, options, lines.waiting_items())
            failures_name = self._write_failures(failures, record.get("columns") or [])
            return rows.reconciliation, RunReports(
                retry_manifest=retry_name,
                retry_rows=retries.rows if retry_name else 0,
                retry_options=retry_options(options) if retry_name else {},
                failures_report=failures_name,
                note=rows.note(record),
                passes=lines.passes(),
                retryable=aggregates.failures.retryable(),
            )

    def _write_failures(self, failures: Spool[ResultLine], user_columns: list[str]) -> str | None:
        if not len(failures):
            return None
        name = "failures.csv"
        self._results.write_text(name, csv_lines(failures, user_columns), "text/csv; charset=utf-8")
        return name

    def _publish(self, summary: RunSummary) -> None:
        status = summary["status"]
        subject = f"Image Mirror: {status}, {summary['stored']} of {summary['rows']} stored"
        self._notices.publish(Notification(NOTIFICATION_KINDS.get(status, "run_failed"), subject, summary))


def _with_version(manifest: ManifestObject, record: RunFields) -> ManifestObject:
    """The manifest in the version that PrepareRun has read. Before release 0.2.0 the bucket had no versioning."""
    version_id = manifest.version_id or record.get("version_id", NULL_VERSION)
    return replace(manifest, version_id=version_id)
