"""What happened, in one sentence."""

from collections.abc import Mapping
from typing import Any

from functions.core.report.formatting import number, plural


def headline(summary: Mapping[str, Any]) -> str:
    """The sentence over the page. Why a run failed is told below it."""
    if summary["status"] == "cancelled":
        return f"The run was cancelled; {plural(summary['failed'], 'row')} of {number(summary['rows'])} were left."
    if summary["status"] != "succeeded" and summary["error"] != "TooManyFailures":
        return "The run failed before it was through." if summary["rows"] else "The run could not be started."
    if not summary["rows"]:
        return "The manifest has no rows: there was nothing to mirror."
    if summary["failed"] == summary["rows"]:
        return f"All {plural(summary['rows'], 'row')} failed." if summary["rows"] > 1 else "The one row failed."
    if summary["failed"]:
        return f"{_stored(summary)}, {plural(summary['failed'], 'row')} failed."
    return f"{_stored(summary)}, none failed."


def _stored(summary: Mapping[str, Any]) -> str:
    there = summary["skipped"] + summary["unchanged"]
    if not summary["stored"] and there:
        return f"{plural(there, 'image')} {'was' if there == 1 else 'were'} there already"
    also = f", {number(there)} {'was' if there == 1 else 'were'} there already" if there else ""
    stored = plural(summary["stored"], "image") if summary["stored"] else "No image"
    return f"{stored} stored{also}"
