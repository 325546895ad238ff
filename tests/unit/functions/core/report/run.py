"""A run to make a page of."""

from datetime import UTC, datetime, timedelta
from typing import Any

from functions.core.report import Figures, page

STARTED = "2026-11-23T04:54:42.000Z"
START = datetime(2026, 11, 23, 4, 54, 42, tzinfo=UTC)


def stored(row: int = 1, *, seconds: float = 1, ms: int = 100, host: str = "a.example", **more: Any) -> dict[str, Any]:
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
        **more,
    }


def failed(row: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "row": row,
        "url": f"https://a.example/{row}.jpg",
        "outcome": "failed",
        "reason": "http_4xx",
        "message": "The server answered 404 Not Found.",
        **more,
    }


def figures(*lines: dict[str, Any]) -> Figures:
    found = Figures.since(STARTED)
    for line in lines:
        found.add(line)
    return found


def summary(**more: Any) -> dict[str, Any]:
    """Of a run of ten seconds; `rows` follow from the endings."""
    counts = {name: more.get(name, 0) for name in ("stored", "unchanged", "skipped", "duplicate", "failed")}
    lost = counts["failed"]
    return {
        "run_id": "demo-0f3a9c1b22de",
        "status": "succeeded",
        "error": None,
        "cause": None,
        "note": None,
        "manifest": {"bucket": "input", "key": "manifests/demo.csv"},
        "started_at": STARTED,
        "ended_at": "2026-11-23T04:54:52.000Z",
        "duration_seconds": 10.0,
        "rows": sum(counts.values()),
        **counts,
        "bytes": 1000 * counts["stored"],
        "images_per_second": counts["stored"] / 10,
        "failures_by_reason": {"http_4xx": lost} if lost else {},
        "failures_by_host": {"a.example": lost} if lost else {},
        "retry_manifest": "runs/demo-0f3a9c1b22de/retry.csv" if lost else None,
        "failures_report": "runs/demo-0f3a9c1b22de/failures.csv" if lost else None,
        **more,
    }


def page_of(*lines: dict[str, Any], **more: Any) -> str:
    return page(summary(**more), figures(*lines))
