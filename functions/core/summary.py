"""Summarize a run: fold its outcomes, check the books, write the reports, tell those who asked."""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.core.books import Books, entries, written_lines
from functions.core.failures_csv import rows_of
from functions.core.formats import FORMATS, Format
from functions.core.options import Options
from functions.core.outcomes import Ending
from functions.core.ports import ManifestGone, Manifests, Notice, Notices, Results, RunRecords
from functions.core.rows import with_absolute_url
from functions.core.runs import ManifestObject, run_id_of
from functions.core.spool import Spool

TOP_HOSTS = 20
NAMED_REASONS = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the workflow itself failed: the error's name and a sentence."""

    error: str
    cause: str

    @classmethod
    def of(cls, caught: Mapping[str, Any] | None) -> "Failure | None":
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
        self, *, manifests: Manifests, results: Results, records: RunRecords, notices: Notices, now: datetime
    ) -> None:
        self._manifests = manifests
        self._results = results
        self._records = records
        self._notices = notices
        self._now = now

    def summarize(self, event: Mapping[str, Any], caught: Mapping[str, Any] | None, started_at: str) -> dict[str, Any]:
        """What the state machine ends by. Raises BooksFault, StorageFault, TableFault."""
        run_id = run_id_of(event)
        manifest = ManifestObject.from_event(event)
        record = self._records.get(run_id) or {}
        books, reports = self._folded(run_id, manifest, record)
        failure = Failure.of(caught) or _too_many(books, record)
        summary = {
            "run_id": run_id,
            "status": "failed" if failure else "succeeded",
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
        }
        self._results.write_text("summary.json", [json.dumps(summary, indent=2) + "\n"], "application/json")
        self._tell(summary)
        return {
            "run_id": run_id,
            "status": summary["status"],
            "error": summary["error"] or "",
            "cause": summary["cause"] or "",
            "counts": {ending.value: books.endings[ending] for ending in Ending},
        }

    def _folded(self, run_id: str, manifest: ManifestObject, record: Mapping[str, Any]) -> tuple[Books, dict[str, Any]]:
        """One pass over the manifest and what batches wrote; what failed is spooled for the reports."""
        books = Books(rows=int(record.get("rows", 0)))
        base_url = str((record.get("options") or {}).get("base_url", ""))
        form = next((form for form in FORMATS if form.name == record.get("format")), None)
        with Spool() as failures, Spool() as retries:
            items, exact = self._items(manifest, form, books.rows)
            for item, line in entries(written_lines(self._results), items, base_url):
                books.add(line)
                if line["outcome"] == Ending.FAILED:
                    failures.add(line)
                    if line["retryable"] and exact:
                        retries.add(with_absolute_url(item, base_url))
            books.check()
            return books, {
                "retry_manifest": self._write_retries(run_id, form, retries),
                "failures_report": self._write_failures(run_id, failures, record.get("columns") or []),
                "note": _note(exact, books),
            }

    def _items(self, manifest: ManifestObject, form: Format | None, rows: int) -> tuple[Iterable[Any], bool]:
        """The manifest's items; where it is gone, as many blanks, and False."""
        if form is None:
            return (), True
        try:
            chunks = self._manifests.read(manifest.bucket, manifest.key, manifest.etag)
            first = next(chunks, b"")
        except ManifestGone:
            return itertools.repeat({}, rows), False
        return form.read(itertools.chain((first,), chunks)), True

    def _write_failures(self, run_id: str, failures: Spool, columns: list[str]) -> str | None:
        if not len(failures):
            return None
        self._results.write_text("failures.csv", rows_of(failures, columns), "text/csv; charset=utf-8")
        return f"runs/{run_id}/failures.csv"

    def _write_retries(self, run_id: str, form: Format | None, retries: Spool) -> str | None:
        if form is None or not len(retries):
            return None
        name = f"retry{form.extension}"
        self._results.write_text(name, form.write(retries), "text/plain; charset=utf-8")
        return f"runs/{run_id}/{name}"

    def _tell(self, summary: Mapping[str, Any]) -> None:
        status = str(summary["status"])
        told = {name: summary[name] for name in ("started_at", "ended_at", "rows", "retry_manifest", "failures_report")}
        counts = {ending.value: summary[ending.value] for ending in Ending}
        self._records.update(str(summary["run_id"]), {"status": status, **told, **counts, "error": summary["error"]})
        kind = "run_completed" if status == "succeeded" else "run_failed"
        subject = f"Image Mirror: {status}, {summary['stored']} of {summary['rows']} stored"
        self._notices.publish(Notice(kind, subject, summary))


def _too_many(books: Books, record: Mapping[str, Any]) -> Failure | None:
    tolerated = float((record.get("options") or {}).get("tolerated_failure_percentage", _TOLERATED))
    failed = books.endings[Ending.FAILED]
    if not failed or failed * 100 <= tolerated * books.rows:
        return None
    reasons = ", ".join(f"{count} {reason}" for reason, count in books.reasons.most_common(NAMED_REASONS))
    return Failure(
        "TooManyFailures",
        f"{failed} of {books.rows} rows failed ({reasons}); the run tolerates {tolerated:g} percent.",
    )


_TOLERATED = Options().tolerated_failure_percentage


def _counts(books: Books) -> dict[str, Any]:
    return {
        "rows": books.rows,
        **{ending.value: books.endings[ending] for ending in Ending},
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


def _rate(books: Books, started_at: str, ended: datetime) -> float:
    seconds = _seconds(started_at, ended)
    return round(books.endings[Ending.STORED] / seconds, 2) if seconds else 0.0


def _note(exact: bool, books: Books) -> str | None:
    if exact or not books.endings[Ending.FAILED]:
        return None
    return (
        "The manifest was replaced or deleted while the run was under way, so there is no retry manifest: "
        "upload the rows of failures.csv again."
    )
