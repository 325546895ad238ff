"""Summarize a run: read its outcomes, reconcile them with the manifest, write the reports, publish the summary."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from functions.core.model.errors import InfrastructureError
from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.ports import Manifests, Notification, Notifications, RunRecords, RunResults
from functions.core.model.runs import NULL_VERSION, LocalRun, ManifestObject, Status, new_record, run_id_of
from functions.core.model.types import FoldPlan, RunEnd, RunFields, RunRecord, RunSummary
from functions.core.report.page import render_page
from functions.core.summary.execution import EndedExecution
from functions.core.summary.fold.plan import FoldFiles, group_rows, needs_fold, plan_fold, planned_items
from functions.core.summary.fold.rows import FoldedRows
from functions.core.summary.fold.run_fold import FoldedRun, GroupedRun, WholeRun
from functions.core.summary.late_batches import wait_for_rounds
from functions.core.summary.manifest_items import ManifestItems, read_manifest_items
from functions.core.summary.probe.result import probe_result
from functions.core.summary.reconciliation import Reconciliation
from functions.core.summary.row_reports import note_of, write_row_reports
from functions.core.summary.run_summary import RunResult, manifest_reference, record_fields, run_result, run_summary

NOTIFICATION_KINDS = {"succeeded": "run_completed", "cancelled": "run_cancelled"}
"""Kind of the notification by status; `run_failed` for any other."""


class Summarizer:
    """SummarizeRun's logic, for one run. `now` is the time at which the run ended; `local_run` is None in AWS.

    `images_prefix` is that of all keys in the images bucket.
    `wait` waits for the batches that are still running when the run was stopped. `group_rows` is the number of rows of
    a group, by default that of `fold.plan`.
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
        group_rows: int | None = None,
    ) -> None:
        self._manifests = manifests
        self._results = results
        self._records = records
        self._notices = notices
        self._now = now
        self._local_run = local_run
        self._images_prefix = images_prefix
        self._wait_for_rounds = wait
        self._group_rows = group_rows

    def plan_once(self, execution: EndedExecution) -> FoldPlan | None:
        """The same as `plan` for an execution that `summarize_once` is for."""
        if self._is_over(execution):
            return None
        with self._recorded_as_failed(execution):
            return self.plan(execution)

    def summarize_once(self, execution: EndedExecution, plan: FoldPlan | None = None) -> RunEnd | None:
        """The same as `summarize` for an execution that ended before SummarizeRun: stopped, timed out or failed.

        None if the run has its summary already, or belongs to another execution. A run that cannot be summarized is
        recorded as failed before the error is raised.
        """
        if self._is_over(execution):
            return None
        with self._recorded_as_failed(execution):
            return self.summarize(execution, plan)

    def plan(self, execution: EndedExecution) -> FoldPlan | None:
        """The plan of a run with more rows than one invocation reads: its groups are to be folded, then it can be
        summarized. None for other runs. Raises StorageFault, TableFault."""
        record = self._own_record(execution)
        if record is None:
            return None
        size = self._group_rows or group_rows(record)
        if not needs_fold(record, size):
            return None
        self._wait_for_late_batches(execution, record)
        items = self._items(execution, record)
        return plan_fold(self._results, items, record, FoldFiles.of(execution), size)

    def fold(self, execution: EndedExecution, plan: FoldPlan, number: int) -> None:
        """Folds a group of rows. Raises BooksFault, StorageFault, TableFault."""
        record = self._own_record(execution)
        if record is not None:
            GroupedRun(self._results, record, execution, plan).fold(number)

    def summarize(self, execution: EndedExecution, plan: FoldPlan | None = None) -> RunEnd:
        """Writes the reports and publishes the summary; repeating it has the same result.

        With a plan it joins the groups, and folds those whose fold has failed. An execution that failed before it could
        claim the run must not end the run of another execution: nothing is written then. Raises BooksFault,
        StorageFault, TableFault.
        """
        record = self._own_record(execution)
        if record is None:
            failed = RunResult(run_id_of(execution.input), Status.FAILED, execution.failure, Reconciliation())
            return failed.as_end()
        if plan:
            run = GroupedRun(self._results, record, execution, plan)
            run.join()
            return self._end(run, execution, record, planned_items(record, plan))
        self._wait_for_late_batches(execution, record)
        items = self._items(execution, record)
        with FoldedRows(record, execution) as rows:
            rows.fold(self._results, items.items, readable=items.readable)
            return self._end(WholeRun(rows, record), execution, record, items)

    def discard(self, plan: FoldPlan) -> None:
        """Deletes the files of a fold. Raises StorageFault."""
        self._results.keep_only(plan["folder"], ())

    def _is_over(self, execution: EndedExecution) -> bool:
        record = self._records.get(run_id_of(execution.input))
        return bool(record and ("ended_at" in record or record.get("execution_arn") != execution.arn))

    @contextmanager
    def _recorded_as_failed(self, execution: EndedExecution) -> Iterator[None]:
        """An error of one of two invocations for the same event must not change what the other one has recorded."""
        try:
            yield
        except InfrastructureError as error:
            failure: RunFields = {"status": Status.FAILED.value, "error": type(error).__name__, "cause": str(error)}
            if not self._is_over(execution):
                self._records.update(run_id_of(execution.input), failure)
            raise

    def _own_record(self, execution: EndedExecution) -> RunRecord | None:
        """The record of the run, which is created if it does not exist; None if it is that of another execution."""
        run_id = run_id_of(execution.input)
        record = self._records.get(run_id)
        if record is None:
            manifest = ManifestObject.from_event(execution.input)
            self._records.claim(new_record(run_id, manifest, execution.arn, execution.started_at))
            return {"run_id": run_id}
        return record if record.get("execution_arn") == execution.arn else None

    def _wait_for_late_batches(self, execution: EndedExecution, record: RunRecord) -> None:
        if execution.has_late_batches and "format" in record:
            self._wait_for_rounds(self._results)

    def _items(self, execution: EndedExecution, record: RunRecord) -> ManifestItems:
        manifest = _with_version(ManifestObject.from_event(execution.input), record)
        return read_manifest_items(self._manifests, self._results, manifest, record)

    def _end(self, run: FoldedRun, execution: EndedExecution, record: RunRecord, items: ManifestItems) -> RunEnd:
        """Reconciles the rows, writes the reports and publishes the summary."""
        reconciliation = run.partial.reconciliation
        if items.rows is not None:
            reconciliation.rows = items.rows
        reconciliation.check()
        reports = replace(
            write_row_reports(self._results, run, record, note_of(run.partial, record, items)),
            probe=None if execution.failure else probe_result(self._results, record),
        )
        manifest = _with_version(ManifestObject.from_event(execution.input), record)
        result = run_result(record["run_id"], execution, record, reconciliation)
        reference = manifest_reference(manifest, record)
        summary = run_summary(result, reference, execution.started_at, self._now, reports)
        page = render_page(summary, run.partial.aggregates, record, self._started_by(record), self._images_prefix)
        self._results.write_text("report.html", [page], "text/html; charset=utf-8")
        self._results.write_text("summary.json", [json.dumps(summary, indent=2) + "\n"], "application/json")
        self._records.update(result.run_id, record_fields(summary))
        self._publish(summary)
        return result.as_end()

    def _started_by(self, record: RunRecord) -> LocalRun | None:
        """How the run was started: the process that summarizes an interrupted run may have been started differently."""
        if self._local_run and "local_run" in record:
            return LocalRun.parse(record["local_run"])
        return self._local_run

    def _publish(self, summary: RunSummary) -> None:
        status = summary["status"]
        done = "downloaded by a probe" if summary["probe"] else "stored"
        subject = f"Image Mirror: {status}, {summary['stored']} of {summary['rows']} {done}"
        self._notices.publish(Notification(NOTIFICATION_KINDS.get(status, "run_failed"), subject, summary))


def _with_version(manifest: ManifestObject, record: RunFields) -> ManifestObject:
    """The manifest in the version that PrepareRun has read. Before release 0.2.0 the bucket had no versioning."""
    version_id = manifest.version_id or record.get("version_id", NULL_VERSION)
    return replace(manifest, version_id=version_id)
