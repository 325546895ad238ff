"""The summary of a run, worked out by hand, and what the runs table has of it."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.core.model.runs import ManifestObject, Status
from functions.core.summary.execution import EndedExecution, WorkflowFailure
from functions.core.summary.reconciliation import Reconciliation
from functions.core.summary.run_summary import (
    RunReports,
    RunResult,
    manifest_reference,
    record_fields,
    run_result,
    run_summary,
)

STARTED = "2026-11-23T12:00:00.000Z"
REFERENCE: Any = {"bucket": "input", "key": "a.csv", "version_id": "v1", "format": "csv", "etag": "e1", "size": 9}
REPORTS = RunReports("retry.csv", 3, {"rounds": "2"}, "failures.csv", "A note.")
IN_TABLE = (
    *("status", "error", "cause", "started_at", "ended_at", "duration_seconds", "images_per_second", "rows", "bytes"),
    *("stored", "unchanged", "skipped", "duplicate", "failed", "report", "failures_report", "retry_manifest"),
)
"""The fields of the summary that the runs table has under the same name (docs/api.md)."""


def reconciled(rows: int, failed: int, reasons: int = 1) -> Reconciliation:
    counts = Counter({"stored": rows - failed, "failed": failed})
    return Reconciliation(rows, counts, Counter({f"reason_{n}": failed - n for n in range(reasons)}))


def summarized(ended_at: datetime, stored: int = 10) -> dict[str, Any]:
    result = RunResult("r", Status.FAILED, WorkflowFailure("Broken", "Why."), reconciled(stored + 4, 4))
    return dict(run_summary(result, REFERENCE, STARTED, ended_at, REPORTS))


def test_the_runs_table_has_the_figures_of_the_summary() -> None:
    summary: Any = {name: f"<{name}>" for name in (*IN_TABLE, "run_id")}

    assert record_fields({**summary, "probe": None}) == {
        **{name: f"<{name}>" for name in IN_TABLE},
        "summary": "runs/<run_id>/summary.json",
    }
    assert record_fields({**summary, "probe": "<probe>"})["probe"] == "<probe>"


def test_a_summary_has_its_failure_and_the_keys_of_its_files() -> None:
    summary = summarized(datetime(2026, 11, 23, 12, 0, 3, 141_592, tzinfo=UTC))

    assert (summary["run_id"], summary["status"]) == ("r", "failed")
    assert (summary["error"], summary["cause"], summary["note"]) == ("Broken", "Why.", "A note.")
    assert (summary["started_at"], summary["ended_at"]) == (STARTED, "2026-11-23T12:00:03.141Z")
    assert (summary["rows"], summary["stored"], summary["failed"]) == (14, 10, 4)
    assert summary["failures_by_reason"] == {"reason_0": 4}
    assert summary["manifest"] == REFERENCE
    assert summary["retry_manifest"] == "runs/r/retry.csv"
    assert (summary["retry_rows"], summary["retry_options"]) == (3, {"rounds": "2"})
    assert summary["failures_report"] == "runs/r/failures.csv"
    assert summary["suspects_report"] is None
    assert summary["report"] == "runs/r/report.html"


@pytest.mark.parametrize(
    ("second", "microsecond", "duration", "rate"),
    [(3, 141_592, 3.142, 3.18), (8, 0, 8.0, 1.25), (0, 0, 0.0, 0.0)],
)
def test_durations_are_rounded_to_milliseconds_and_rates_to_hundredths(
    second: int, microsecond: int, duration: float, rate: float
) -> None:
    """10 / 3.141592 is 3.183."""
    summary = summarized(datetime(2026, 11, 23, 12, 0, second, microsecond, tzinfo=UTC))

    assert (summary["duration_seconds"], summary["images_per_second"]) == (duration, rate)


def test_a_run_that_ended_before_it_started_took_no_time() -> None:
    """The clocks of two services differ."""
    summary = summarized(datetime(2026, 11, 23, 11, 59, tzinfo=UTC))

    assert (summary["duration_seconds"], summary["images_per_second"]) == (0.0, 0.0)


def ended(**fields: Any) -> EndedExecution:
    return EndedExecution(input={}, arn="arn", started_at=STARTED, **fields)


@pytest.mark.parametrize(
    ("rows", "failed", "options", "status"),
    [
        (10, 5, {}, "succeeded"),
        (10, 6, {}, "failed"),
        (1000, 1, {"tolerated_failure_percentage": 0.1}, "succeeded"),
        (1000, 2, {"tolerated_failure_percentage": 0.1}, "failed"),
        (10, 0, {"tolerated_failure_percentage": 0}, "succeeded"),
        (10, 1, {"tolerated_failure_percentage": 0}, "failed"),
        (10, 10, {"tolerated_failure_percentage": 100}, "succeeded"),
        (0, 0, {}, "succeeded"),
    ],
)
def test_a_run_fails_if_more_than_the_tolerated_share_of_its_rows_failed(
    rows: int, failed: int, options: dict[str, Any], status: str
) -> None:
    result = run_result("r", ended(), {"options": options}, reconciled(rows, failed))

    assert result.status == status
    assert result.as_end()["error"] == ("TooManyFailures" if status == "failed" else "")


def test_the_cause_has_the_five_most_frequent_reasons() -> None:
    failure = run_result("r", ended(), {"options": None}, reconciled(20, 15, reasons=6)).failure

    reasons = "15 reason_0, 14 reason_1, 13 reason_2, 12 reason_3, 11 reason_4"
    assert failure is not None
    assert failure.cause == f"15 of 20 rows failed ({reasons}); the run tolerates 50 percent."


def test_a_cancelled_run_keeps_the_failure_of_its_execution() -> None:
    result = run_result("r", ended(cancelled=True, failure=WorkflowFailure("E", "C")), {}, reconciled(2, 2))

    assert result.as_end() == {
        "run_id": "r",
        "status": "cancelled",
        "error": "E",
        "cause": "C",
        "counts": {"stored": 0, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 2},
        "lost": {},
    }


def test_the_failures_of_twenty_hosts_are_listed() -> None:
    reconciliation = reconciled(30, 30)
    reconciliation.hosts.update({f"{number}.example": 100 - number for number in range(21)})
    result = RunResult("r", Status.SUCCEEDED, None, reconciliation)

    summary = run_summary(result, REFERENCE, STARTED, datetime(2026, 11, 23, 13, tzinfo=UTC), REPORTS)

    assert list(summary["failures_by_host"].items())[-1] == ("19.example", 81)
    assert (summary["error"], summary["cause"]) == (None, None)


def test_a_manifest_is_named_with_the_format_that_was_detected() -> None:
    manifest = ManifestObject("input", "a.csv", "e1", 9, version_id="v1")

    assert manifest_reference(manifest, {"format": "csv"}) == REFERENCE
    assert manifest_reference(manifest, {})["format"] is None
