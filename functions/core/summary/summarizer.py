"""Summarize a run: fold its outcomes, check the books, write the reports, tell those who asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.core.model.errors import InfrastructureError, RowError
from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import Manifests, Notification, Notifications, RunRecords, RunResults
from functions.core.model.runs import ManifestObject, Status, new_record, run_id_of
from functions.core.report import Figures, page
from functions.core.summary.failures_csv import rows_of
from functions.core.summary.manifest_items import GONE, ManifestItems, read_manifest_items
from functions.core.summary.reconciliation import CRASHED, Reconciliation, entries, written_lines
from functions.core.summary.retry_manifest import RetryManifest, retry_manifest_for
from functions.core.summary.spool import Spool
from functions.core.summary.status_change import StatusChange

TOP_HOSTS = 20
NAMED_REASONS = 5

SUMMARY_FIELDS = (
    *("started_at", "ended_at", "duration_seconds", "images_per_second", "rows", "bytes", "error", "cause"),
    *("report", "failures_report", "retry_manifest"),
)
"""Of the summary, what the runs table has too, beside the counts."""

KINDS = {"succeeded": "run_completed", "cancelled": "run_cancelled"}
"""Of the message, by status."""


@dataclass(frozen=True, slots=True)
class WorkflowFailure:
    """Why the workflow itself failed: the error's name and a sentence."""

    error: str
    cause: str

    @classmethod
    def of(cls, caught: Mapping[str, Any] | None) -> "WorkflowFailure | None":
        """From what a Catch hands over; a Lambda's Cause is JSON that holds the sentence."""
        if not caught:
            return None
        cause = str(caught.get("Cause") or "")
        try:
            told = json.loads(cause)
            cause = str(told["errorMessage"])
        except (ValueError, KeyError, TypeError):
            pass
        return cls(str(caught.get("Error") or "Unknown"), cause or "Step Functions gave no cause.")


class Summarizer:
    """SummarizeRun's logic, for one run. `now` is when it ended."""

    def __init__(
        self, *, manifests: Manifests, results: RunResults, records: RunRecords, notices: Notifications, now: datetime
    ) -> None:
        self._manifests = manifests
        self._results = results
        self._records = records
        self._notices = notices
        self._now = now

    def settle(self, event: Mapping[str, Any], change: StatusChange) -> dict[str, Any] | None:
        """The same for an execution that ended before it got here: stopped, out of time, or broken.

        None where there is nothing to do: the run is over, or another execution's. A run whose books cannot be done
        is recorded as failed before the fault is raised.
        """
        run_id = run_id_of(event)
        record = self._records.get(run_id) or {}
        if "ended_at" in record or _is_anothers(record, change.execution_arn):
            return None
        try:
            return self.summarize(
                event, change.failure, change.started_at, execution_arn=change.execution_arn, change=change
            )
        except InfrastructureError as fault:
            broken = {"status": Status.FAILED.value, "error": type(fault).__name__, "cause": str(fault)}
            self._records.update(run_id, broken)
            raise

    def summarize(
        self,
        event: Mapping[str, Any],
        caught: Mapping[str, Any] | None,
        started_at: str,
        *,
        execution_arn: str = "",
        change: StatusChange | None = None,
    ) -> dict[str, Any]:
        """What the state machine ends by. Raises BooksFault, StorageFault, TableFault."""
        run_id = run_id_of(event)
        manifest = ManifestObject.from_event(event)
        record = self._records.get(run_id) or {}
        failure = WorkflowFailure.of(caught)
        if _is_anothers(record, execution_arn):
            return _end(run_id, Status.FAILED, failure, Reconciliation())
        if not record and execution_arn:
            self._records.claim(new_record(run_id, manifest, execution_arn, started_at))
        figures = Figures.since(started_at)
        missing = change.missing if change else CRASHED
        books, reports = self._folded(run_id, manifest, record, missing, figures)
        failure = failure or _too_many(books, record)
        status = _status(failure, change)
        summary = {
            "run_id": run_id,
            "status": status.value,
            "error": failure.error if failure else None,
            "cause": failure.cause if failure else None,
            "manifest": {
                "bucket": manifest.bucket,
                "key": manifest.key,
                "format": record.get("format"),
                "etag": manifest.etag,
                "size": manifest.size,
            },
            **_times(started_at, self._now),
            **_counts(books),
            "images_per_second": _rate(books, started_at, self._now),
            **reports,
            "report": f"runs/{run_id}/report.html",
        }
        self._results.write_text("report.html", [page(summary, figures)], "text/html; charset=utf-8")
        self._results.write_text("summary.json", [json.dumps(summary, indent=2) + "\n"], "application/json")
        self._tell(summary)
        return _end(run_id, status, failure, books)

    def _folded(
        self, run_id: str, manifest: ManifestObject, record: Mapping[str, Any], missing: RowError, figures: Figures
    ) -> tuple[Reconciliation, dict[str, Any]]:
        """One pass over the manifest and what batches wrote; what failed is spooled for the reports."""
        again = read_manifest_items(self._manifests, self._results, manifest, record)
        books = Reconciliation(rows=again.rows or 0)
        options = record.get("options") or {}
        with Spool() as failures, retry_manifest_for(record) as retries:
            written = written_lines(self._results)
            for item, line in entries(written, again.items, str(options.get("base_url", "")), missing):
                books.rows += again.rows is None
                books.add(line)
                figures.add(line)
                if line["outcome"] == OutcomeKind.FAILED:
                    failures.add(line)
                    if line["retryable"] and again.exact:
                        retries.add(line["row"], item)
            books.check()
            return books, {
                "retry_manifest": _within(run_id, retries.write(self._results, options)),
                "failures_report": self._write_failures(run_id, failures, record.get("columns") or []),
                "note": _note(record, again, retries, books),
            }

    def _write_failures(self, run_id: str, failures: Spool, columns: list[str]) -> str | None:
        if not len(failures):
            return None
        self._results.write_text("failures.csv", rows_of(failures, columns), "text/csv; charset=utf-8")
        return f"runs/{run_id}/failures.csv"

    def _tell(self, summary: Mapping[str, Any]) -> None:
        status = str(summary["status"])
        told = {name: summary.get(name) for name in (*SUMMARY_FIELDS, *(kind.value for kind in OutcomeKind))}
        run_id = str(summary["run_id"])
        self._records.update(run_id, {"status": status, **told, "summary": f"runs/{run_id}/summary.json"})
        kind = KINDS.get(status, "run_failed")
        subject = f"Image Mirror: {status}, {summary['stored']} of {summary['rows']} stored"
        self._notices.publish(Notification(kind, subject, summary))


def _is_anothers(record: Mapping[str, Any], execution_arn: str) -> bool:
    """An execution that failed before it could claim the run must not end the one that has it."""
    return bool(execution_arn and record) and record.get("execution_arn") != execution_arn


def _status(failure: WorkflowFailure | None, change: StatusChange | None) -> Status:
    if change and change.cancelled:
        return Status.CANCELLED
    return Status.FAILED if failure else Status.SUCCEEDED


def _end(run_id: str, status: Status, failure: WorkflowFailure | None, books: Reconciliation) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "status": status.value,
        "error": failure.error if failure else "",
        "cause": failure.cause if failure else "",
        "counts": {kind.value: books.endings[kind] for kind in OutcomeKind},
        "lost": books.lost,
    }


def _too_many(books: Reconciliation, record: Mapping[str, Any]) -> WorkflowFailure | None:
    tolerated = float((record.get("options") or {}).get("tolerated_failure_percentage", _TOLERATED))
    failed = books.endings[OutcomeKind.FAILED]
    if not failed or failed * 100 <= tolerated * books.rows:
        return None
    reasons = ", ".join(f"{count} {reason}" for reason, count in books.reasons.most_common(NAMED_REASONS))
    return WorkflowFailure(
        "TooManyFailures",
        f"{failed} of {books.rows} rows failed ({reasons}); the run tolerates {tolerated:g} percent.",
    )


_TOLERATED = Options().tolerated_failure_percentage


def _counts(books: Reconciliation) -> dict[str, Any]:
    return {
        "rows": books.rows,
        **{kind.value: books.endings[kind] for kind in OutcomeKind},
        "bytes": books.bytes,
        "failures_by_reason": dict(books.reasons.most_common()),
        "failures_by_host": dict(books.hosts.most_common(TOP_HOSTS)),
    }


def _times(started_at: str, ended: datetime) -> dict[str, Any]:
    return {
        "started_at": started_at,
        "ended_at": ended.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration_seconds": round(_seconds(started_at, ended), 3),
    }


def _seconds(started_at: str, ended: datetime) -> float:
    return max(0.0, (ended - datetime.fromisoformat(started_at)).total_seconds())


def _rate(books: Reconciliation, started_at: str, ended: datetime) -> float:
    seconds = _seconds(started_at, ended)
    return round(books.endings[OutcomeKind.STORED] / seconds, 2) if seconds else 0.0


def _within(run_id: str, name: str | None) -> str | None:
    return f"runs/{run_id}/{name}" if name else None


def _note(record: Mapping[str, Any], again: ManifestItems, retries: RetryManifest, books: Reconciliation) -> str | None:
    """What else is to be said of the run, if anything."""
    notes = [str(record.get("note") or ""), *again.faults]
    if not again.exact and books.endings[OutcomeKind.FAILED]:
        notes.append(GONE)
    if retries.missing:
        notes.append(f"{retries.missing} rows of crashed batches could not be put into the retry manifest.")
    return " ".join(filter(None, notes)) or None
