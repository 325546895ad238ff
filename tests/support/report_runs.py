"""Runs of every kind for pictures of their page: their files are in a folder, as those of a run on this machine."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

from functions.core.model.options import OPTION_DEFAULTS
from functions.core.model.runs import LocalRun, timestamp
from functions.core.model.types import ProbeResult, ResultLine, RunFields, RunSummary
from functions.core.report.aggregates import RunAggregates
from functions.core.report.page import render_page
from functions.core.summary.reconciliation import Reconciliation

DEMO = sorted((Path(__file__).parents[2] / "manifests" / "demo").iterdir())
START = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".bmp": "image/bmp",
    ".ico": "image/x-icon",
    ".avif": "image/avif",
}
LOCAL = LocalRun(command="run", out="out")
MESSAGES = {
    "http_4xx": (False, "The server answered 404 Not Found."),
    "http_busy": (True, "The server answered 429 Too Many Requests and asked for 30 s."),
    "timeout": (True, "No byte for 15 s."),
    "not_an_image": (False, "The response body is not an image (Content-Type is ignored): it is HTML."),
    "dns": (True, "DNS lookup failed: no such host."),
    "out_of_time": (True, "The run was cancelled before an outcome of this row was recorded."),
}


@dataclass(frozen=True)
class ReportRun:
    """A run with the lines of its rows, in `seconds` seconds."""

    lines: Callable[[], Iterator[ResultLine]]
    seconds: float = 12
    local_run: LocalRun | None = LOCAL
    options: Mapping[str, tuple[Any, str]] | None = None
    fields: Mapping[str, Any] | None = None

    def write(self, out: Path) -> Path:
        """The page and the images in OUT. Returns the path of the page."""
        aggregates, counts = RunAggregates.since(timestamp(START)), Reconciliation()
        for line in self.lines():
            aggregates.add(line)
            counts.add(line)
            counts.rows += 1
        summary = _summary(self, counts, aggregates.failures.retryable())
        record: RunFields = {
            "options": {**OPTION_DEFAULTS, **{name: value for name, (value, _) in (self.options or {}).items()}},
            "option_sources": {name: source for name, (_, source) in (self.options or {}).items() if source},
        }
        for image in aggregates.images.chosen():
            copy = out / image["object_key"]
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(DEMO[image["row"] % len(DEMO)].read_bytes())
        page = out / summary["report"]
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(render_page(summary, aggregates, record, self.local_run), encoding="utf-8")
        return page


def _summary(run: ReportRun, counts: Reconciliation, retryable: dict[str, int]) -> RunSummary:
    retries = sum(retryable.values())
    return {
        "run_id": "trees-0f3a9c1b22de",
        "status": "succeeded",
        "error": None,
        "cause": None,
        "note": None,
        "manifest": {
            "bucket": "input",
            "key": "manifests/trees.csv",
            "version_id": "v",
            "format": "csv",
            "etag": "e",
            "size": 9,
        },
        "started_at": timestamp(START),
        "ended_at": timestamp(START + timedelta(seconds=run.seconds)),
        "duration_seconds": run.seconds,
        "rows": counts.rows,
        **counts.counts(),
        "bytes": counts.bytes,
        "images_per_second": counts.outcomes["stored"] / run.seconds,
        "passes": [],
        "failures_by_reason": dict(counts.reasons.most_common()),
        "retryable_by_reason": retryable,
        "failures_by_host": dict(counts.hosts.most_common(20)),
        "retry_manifest": "runs/trees-0f3a9c1b22de/retry.csv" if retries else None,
        "retry_rows": retries,
        "retry_options": {"rounds": "3"} if retries else {},
        "failures_report": "runs/trees-0f3a9c1b22de/failures.csv" if retries else None,
        "suspects_report": None,
        "report": "runs/trees-0f3a9c1b22de/report.html",
        **(run.fields or {}),
    }  # type: ignore[typeddict-item]  # a field of `fields` may have any name


SIZES = [path.stat().st_size for path in DEMO]


def stored(row: int, host: str, second: float, ms: int = 180) -> ResultLine:
    path = DEMO[row % len(DEMO)]
    return {
        "row": row,
        "url": f"https://{host}/collection/{row}/{path.name}",
        "outcome": "stored",
        "object_key": f"images/{row % 256:02x}/{row:064x}{path.suffix}",
        "bytes": SIZES[row % len(DEMO)],
        "content_type": TYPES[path.suffix],
        "width": 480,
        "height": 320,
        "downloaded_at": _time(second),
        "ms": ms,
    }


@cache
def _time(second: float) -> str:
    return timestamp(START + timedelta(seconds=second))


def failed(row: int, host: str, reason: str) -> ResultLine:
    retryable, message = MESSAGES[reason]
    url = f"https://{host}/collection/{row}/a-picture-with-a-long-name-{row}.jpg"
    line: ResultLine = {"row": row, "url": url, "outcome": "failed", "reason": reason, "retryable": retryable}
    return {**line, "message": message, "columns": {"title": f"Tree {row}", "year": 1900 + row % 100}}


def _mixed() -> Iterator[ResultLine]:
    """300 rows with 40 failures over 12 hosts."""
    names = [f"archive-{number}.example.org" for number in range(1, 13)]
    reasons = cycle(["http_4xx", "http_4xx", "http_busy", "timeout", "not_an_image"])
    for row in range(1, 301):
        host = names[row % 12]
        if (row % 12 == 5 and row % 5) or row % 15 == 7:
            yield failed(row, host, next(reasons))
        elif row % 60 == 11:
            yield {"row": row, "url": f"https://{host}/{row}.jpg", "outcome": "duplicate"}
        elif row % 50 == 13:
            yield {"row": row, "url": f"https://{host}/{row}.jpg", "outcome": "skipped"}
        else:
            yield stored(row, host, row / 30, ms=2400 if row % 12 == 3 else 160)


def _many() -> Iterator[ResultLine]:
    numbers = random.Random(19)
    for row in range(1, 100_001):
        host = f"host-{numbers.randrange(800)}.example.com"
        if numbers.random() < 0.02:
            yield failed(row, host, numbers.choice(["http_4xx", "timeout", "http_busy", "dns"]))
        else:
            yield stored(row, host, row // 320, numbers.randrange(80, 400))


def _cancelled() -> Iterator[ResultLine]:
    for row in range(1, 501):
        if row <= 20:
            yield stored(row, "museum.example.org", row / 2)
        else:
            yield failed(row, "museum.example.org", "dns" if row < 30 else "out_of_time")


def _shards() -> Iterator[ResultLine]:
    for row in range(1, 41):
        line = stored(row, "photos.example.org", row / 10)
        yield {**line, "object_key": "shards/trees/00000.tar", "offset": row * 30_720}


def _probe() -> Iterator[ResultLine]:
    for row in range(1, 301):
        host = f"archive-{row % 12}.example.org"
        yield failed(row, host, "http_4xx") if row % 14 == 0 else {**stored(row, host, row / 60), "object_key": None}


PROBE: ProbeResult = {
    "rows": 12_000,
    "probed": 300,
    "hosts": 12,
    "seed": 7,
    "success": {"share": 0.93, "low": 0.895, "high": 0.957},
    "failure_shares": {"http_4xx": 0.07},
    "image_bytes": {"mean": 52_000, "median": 48_000, "p95": 120_000},
    "image_ms": {"mean": 210, "median": 180, "p95": 900},
    "worst_hosts": [
        {"host": f"archive-{number}.example.org", "rows": rows, "probed": 25, "failed": 4, "reason": "http_4xx"}
        for number, rows in ((2, 1010), (4, 980), (6, None))
    ],
    "estimate": {
        "images": 11_160,
        "images_low": 10_741,
        "images_high": 11_481,
        "bytes": 580_320_000,
        "seconds": 64.0,
        "dollars": 0.0712,
    },
    "notes": ["The sample has no row of 3 hosts with 12 rows together."],
}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "</title></style></bdi><h1>Owned</h1>",
    "\u202egnp.exe",
    "صورة من القاهرة (1)",
    "{{ 7 * 7 }}",
    "javascript:alert(3)",
    "../../../../etc/passwd",
)


def _hostile() -> Iterator[ResultLine]:
    """Names, URLs, messages and columns of the user that try to be more than text."""
    for row, text in enumerate(HOSTILE, start=1):
        key = f"images/{text.replace('../', '')}.jpg"
        yield {**stored(row, "a.example", row), "url": f"https://a.example/{text}", "object_key": key}
        line = failed(row + 100, "a.example", "dns")
        yield {**line, "url": f"https://a.example/{text}", "message": text, "columns": {text: text}}


PASSES = [
    {"number": 1, "rows": 900, "starts_at": timestamp(START + timedelta(seconds=120)), "stored": 500, "failed": 0},
    {"number": 2, "rows": 400, "starts_at": timestamp(START + timedelta(seconds=230)), "stored": 300, "failed": 100},
]
RUNS: Mapping[str, ReportRun] = {
    "demo": ReportRun(
        lambda: iter(
            [stored(row, "127.0.0.1:8000", row / 20, ms=20) for row in range(1, 28)]
            + [failed(row, "127.0.0.1:8000", reason) for row, reason in enumerate(MESSAGES, start=28) if row < 33]
        ),
        seconds=2.4,
        local_run=LocalRun(command="run", out="out", demo=True),
        options={"rounds": (3, "manifest"), "base_url": ("http://127.0.0.1:8000", "manifest")},
    ),
    "mixed": ReportRun(
        _mixed, options={"per_host": (4, "stack"), "concurrency": (16, "manifest"), "url_column": ("Image Src", "")}
    ),
    "all failed": ReportRun(
        lambda: (failed(row, "gone.example.org", "http_4xx" if row % 4 else "dns") for row in range(1, 121)),
        fields={
            "status": "failed",
            "error": "TooManyFailures",
            "cause": "120 of 120 rows failed (90 http_4xx, 30 dns); the run tolerates 50 percent.",
        },
    ),
    "hostile": ReportRun(_hostile, fields={"note": HOSTILE[1]}, options={"user_agent": (HOSTILE[0], "manifest")}),
    "empty": ReportRun(lambda: iter(()), seconds=1.2),
    "invalid manifest": ReportRun(
        lambda: iter(()),
        seconds=1.1,
        local_run=None,
        fields={
            "status": "failed",
            "error": "InvalidManifest",
            "cause": "The manifest has no URL column: its first line has id, title, photo. Name the column url, or set "
            "the option url_column.",
        },
    ),
    "cancelled": ReportRun(
        _cancelled, fields={"status": "cancelled", "error": "Cancelled", "cause": "The execution was stopped."}
    ),
    "shards": ReportRun(_shards, options={"output": ("shards", "manifest")}),
    "probe": ReportRun(_probe, options={"probe": (300, "manifest")}, fields={"probe": PROBE, "retry_manifest": None}),
    "100,000 rows": ReportRun(
        _many,
        seconds=330,
        local_run=None,
        options={"max_concurrency": (60, "request")},
        fields={"passes": PASSES, "note": "At most 30 batches run at once instead of 60: the account allows 50."},
    ),
}
