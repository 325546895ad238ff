"""A run to make a page of."""

import re
import shlex
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from functions.core.model.runs import LocalRun
from functions.core.model.types import ResultLine, RunFields, RunSummary
from functions.core.report.aggregates import RunAggregates
from functions.core.report.page import render_page

STARTED = "2026-11-23T04:54:42.000Z"
START = datetime(2026, 11, 23, 4, 54, 42, tzinfo=UTC)


def stored(row: int = 1, *, seconds: float = 1, ms: int = 100, host: str = "a.example", **fields: Any) -> ResultLine:
    return {
        "row": row,
        "url": f"https://{host}/{row}.jpg",
        "outcome": "stored",
        "object_key": f"images/ab/{'ab' * 32}.jpg",
        "bytes": 1000,
        "content_type": "image/jpeg",
        "width": 480,
        "height": 320,
        "downloaded_at": (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds"),
        "ms": ms,
        **fields,
    }


def failed(row: int = 1, **fields: Any) -> ResultLine:
    return {
        "row": row,
        "url": f"https://a.example/{row}.jpg",
        "outcome": "failed",
        "reason": "http_4xx",
        "message": "The server answered 404 Not Found.",
        **fields,
    }


def aggregates(*lines: ResultLine) -> RunAggregates:
    run = RunAggregates.since(STARTED)
    for line in lines:
        run.add(line)
    return run


def summary(**fields: Any) -> RunSummary:
    """The summary of a run of ten seconds; `rows` follows from the outcomes."""
    counts = {name: fields.get(name, 0) for name in ("stored", "unchanged", "skipped", "duplicate", "failed")}
    failures = counts["failed"]
    return {
        "run_id": "demo-0f3a9c1b22de",
        "status": "succeeded",
        "error": None,
        "cause": None,
        "note": None,
        "manifest": {"bucket": "input", "key": "manifests/demo.csv", "format": "csv", "etag": "e1", "size": 9},
        "started_at": STARTED,
        "ended_at": "2026-11-23T04:54:52.000Z",
        "duration_seconds": 10.0,
        "rows": sum(counts.values()),
        **counts,
        "bytes": 1000 * counts["stored"],
        "images_per_second": counts["stored"] / 10,
        "passes": [],
        "failures_by_reason": {"http_4xx": failures} if failures else {},
        "retryable_by_reason": {},
        "failures_by_host": {"a.example": failures} if failures else {},
        "retry_manifest": "runs/demo-0f3a9c1b22de/retry.csv" if failures else None,
        "retry_rows": failures,
        "retry_options": {"rounds": "3"} if failures else {},
        "failures_report": "runs/demo-0f3a9c1b22de/failures.csv" if failures else None,
        "suspects_report": None,
        "report": "runs/demo-0f3a9c1b22de/report.html",
        **fields,
    }


def page_of(
    *lines: ResultLine, local_run: LocalRun | None = None, record: RunFields | None = None, **fields: Any
) -> str:
    return render_page(summary(**fields), aggregates(*lines), record or {}, local_run)


def commands(html: str) -> list[list[str]]:
    """The commands of a page, as a shell splits them."""
    blocks = re.findall(r"<pre><code>(.*?)</code></pre>", html, re.S)
    return [shlex.split(unescape(block).replace("\\\n", "")) for block in blocks]
