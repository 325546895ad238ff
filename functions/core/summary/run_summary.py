"""The summary of a run, `summary.json`, and what else follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.runs import ManifestObject, Status, timestamp
from functions.core.model.types import ManifestReference, PassSummary, ProbeResult, RunEnd, RunFields, RunSummary
from functions.core.summary.execution import EndedExecution, WorkflowFailure
from functions.core.summary.reconciliation import Reconciliation

TOP_HOSTS = 20
"""Number of hosts in `failures_by_host`, those with the most failures."""

TOP_REASONS = 5
"""Number of reasons in the cause of TooManyFailures."""

TOO_MANY_FAILURES = "TooManyFailures"
"""Error of a run that ended by itself, and in which more rows failed than it tolerates."""


@dataclass(frozen=True, slots=True)
class RunReports:
    """Names of the files in the run's folder, None where a file was not needed, and the note of the summary.

    `passes` are those after the Map over the manifest. The retry manifest has `retry_rows` rows, and needs
    `retry_options`; `retryable` are the failed rows that may succeed later, by reason. `probe` is that of a probe.
    """

    retry_manifest: str | None
    retry_rows: int
    retry_options: Mapping[str, str]
    failures_report: str | None
    note: str | None
    passes: Sequence[PassSummary] = ()
    probe: ProbeResult | None = None
    retryable: Mapping[str, int] = field(default_factory=dict)
    suspects_report: str | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    run_id: str
    status: Status
    failure: WorkflowFailure | None
    reconciliation: Reconciliation

    def as_end(self) -> RunEnd:
        return {
            "run_id": self.run_id,
            "status": self.status.value,
            "error": self.failure.error if self.failure else "",
            "cause": self.failure.cause if self.failure else "",
            "counts": self.reconciliation.counts(),
            "lost": dict(self.reconciliation.lost),
        }


def run_result(run_id: str, execution: EndedExecution, record: RunFields, reconciliation: Reconciliation) -> RunResult:
    failure = execution.failure or _too_many_failures(reconciliation, record)
    status = Status.FAILED if failure else Status.SUCCEEDED
    return RunResult(run_id, Status.CANCELLED if execution.cancelled else status, failure, reconciliation)


def _too_many_failures(reconciliation: Reconciliation, record: RunFields) -> WorkflowFailure | None:
    """A probe tolerates all failures: they are what it is to find out."""
    options = Options.from_payload(record.get("options") or {})
    tolerated, failed = float(options.tolerated_failure_percentage), reconciliation.outcomes[OutcomeKind.FAILED]
    if options.probe or not failed or failed * 100 <= tolerated * reconciliation.rows:
        return None
    reasons = ", ".join(f"{count} {reason}" for reason, count in reconciliation.reasons.most_common(TOP_REASONS))
    return WorkflowFailure(
        TOO_MANY_FAILURES,
        f"{failed} of {reconciliation.rows} rows failed ({reasons}); the run tolerates {tolerated:g} percent.",
    )


def run_summary(
    result: RunResult, manifest: ManifestReference, started_at: str, ended_at: datetime, reports: RunReports
) -> RunSummary:
    reconciliation, failure = result.reconciliation, result.failure
    seconds = max(0.0, (ended_at - datetime.fromisoformat(started_at)).total_seconds())
    counts = reconciliation.counts()
    return {
        "run_id": result.run_id,
        "status": result.status.value,
        "error": failure.error if failure else None,
        "cause": failure.cause if failure else None,
        "manifest": manifest,
        "started_at": started_at,
        "ended_at": timestamp(ended_at),
        "duration_seconds": round(seconds, 3),
        "rows": reconciliation.rows,
        **counts,
        "bytes": reconciliation.bytes,
        "failures_by_reason": dict(reconciliation.reasons.most_common()),
        "retryable_by_reason": dict(reports.retryable),
        "failures_by_host": dict(reconciliation.hosts.most_common(TOP_HOSTS)),
        "images_per_second": round(counts["stored"] / seconds, 2) if seconds else 0.0,
        "passes": list(reports.passes),
        "retry_manifest": _key(result.run_id, reports.retry_manifest),
        "retry_rows": reports.retry_rows,
        "retry_options": reports.retry_options,
        "failures_report": _key(result.run_id, reports.failures_report),
        "suspects_report": _key(result.run_id, reports.suspects_report),
        "note": reports.note,
        "report": f"runs/{result.run_id}/report.html",
        "probe": reports.probe,
    }


def _key(run_id: str, name: str | None) -> str | None:
    return f"runs/{run_id}/{name}" if name else None


def manifest_reference(manifest: ManifestObject, record: RunFields) -> ManifestReference:
    return {
        "bucket": manifest.bucket,
        "key": manifest.key,
        "version_id": manifest.version_id,
        "format": record.get("format"),
        "etag": manifest.etag,
        "size": manifest.size,
    }


def record_fields(summary: RunSummary) -> RunFields:
    """The fields of the summary that the runs table has too."""
    fields: RunFields = {
        "status": summary["status"],
        "error": summary["error"],
        "cause": summary["cause"],
        "started_at": summary["started_at"],
        "ended_at": summary["ended_at"],
        "duration_seconds": summary["duration_seconds"],
        "images_per_second": summary["images_per_second"],
        "rows": summary["rows"],
        "bytes": summary["bytes"],
        "stored": summary["stored"],
        "unchanged": summary["unchanged"],
        "skipped": summary["skipped"],
        "duplicate": summary["duplicate"],
        "failed": summary["failed"],
        "report": summary["report"],
        "failures_report": summary["failures_report"],
        "retry_manifest": summary["retry_manifest"],
        "summary": f"runs/{summary['run_id']}/summary.json",
    }
    if summary["probe"]:
        fields["probe"] = summary["probe"]
    return fields
