"""What happened in a run: its state and one sentence. The terminal and the page begin with them."""

from enum import StrEnum

from functions.core.model.reasons import Reason
from functions.core.model.runs import INTERRUPTED, Status
from functions.core.model.types import RunSummary
from functions.core.report.formatting import number, plural
from functions.core.report.probe import probe_headline

NOT_ATTEMPTED = Reason.OUT_OF_TIME.value
"""Reason of the rows without an outcome in a run that was stopped."""


CANCELLED = "The run was cancelled; "


class State(StrEnum):
    """State of a run that is over, for people: a run whose failures are tolerated has succeeded, with failures.
    Those of a probe are its result."""

    SUCCEEDED = "succeeded"
    WITH_FAILURES = "succeeded with failures"
    FAILED = "failed"
    CANCELLED = "cancelled"


def run_state(summary: RunSummary) -> State:
    if summary["status"] == Status.SUCCEEDED:
        has_failures = summary["failed"] and not summary.get("probe")
        return State.WITH_FAILURES if has_failures else State.SUCCEEDED
    return State.CANCELLED if summary["status"] == Status.CANCELLED else State.FAILED


def not_attempted(summary: RunSummary) -> int:
    """Number of the failed rows that a cancelled run did not attempt; 0 for any other run."""
    cancelled = summary["status"] == Status.CANCELLED
    return summary["failures_by_reason"].get(NOT_ATTEMPTED, 0) if cancelled else 0


def headline(summary: RunSummary, *, state_is_shown: bool = False) -> str:
    """What happened, in one sentence. The page says below it why a run failed.

    `state_is_shown` leaves out that the run was cancelled.
    """
    rows, failed = summary["rows"], summary["failed"]
    if probe := summary.get("probe"):
        return probe_headline(probe)
    if summary["status"] == Status.CANCELLED:
        return _stopped(summary).removeprefix(CANCELLED if state_is_shown else "")
    if summary["status"] != Status.SUCCEEDED and summary["error"] != "TooManyFailures":
        return "The run failed before it finished." if rows else "The run could not start."
    if not rows:
        return "The manifest has no rows: there was nothing to mirror."
    if failed == rows:
        return f"All {plural(rows, 'row')} failed." if rows > 1 else "The only row failed."
    return f"{_stored(summary)}, {plural(failed, 'row') if failed else 'none'} failed."


def _stopped(summary: RunSummary) -> str:
    """How far a run came that was cancelled, or interrupted with its process."""
    what = "interrupted" if summary["error"] == INTERRUPTED else "cancelled"
    rows, stored, remaining = summary["rows"], summary["stored"], not_attempted(summary)
    existing, failed = summary["skipped"] + summary["unchanged"], summary["failed"] - remaining
    if not rows:
        return f"The run was {what} before it reached a row."
    parts = [
        f"{number(stored)} of {plural(rows, 'image')} {_were(stored)} stored",
        f"{number(existing)} already existed" if existing else "",
        f"{plural(failed, 'row')} failed" if failed else "",
        f"{plural(remaining, 'row')} {_were(remaining)} not attempted" if remaining else "",
    ]
    return f"The run was {what}; {', '.join(filter(None, parts))}."


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _stored(summary: RunSummary) -> str:
    existing = summary["skipped"] + summary["unchanged"]
    if not summary["stored"] and existing:
        return f"{plural(existing, 'image')} already existed"
    stored = plural(summary["stored"], "image") if summary["stored"] else "No images"
    return f"{stored} stored, {number(existing)} already existed" if existing else f"{stored} stored"
