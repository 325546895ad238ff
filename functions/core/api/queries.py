"""Look at runs, past and present, and at the images that they have brought."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from functions.core.api.problems import invalid, not_found
from functions.core.api.responses import Estimate, Image, LiveCounts, Run, RunDetails, RunLinks, RunPage, run_values
from functions.core.cost import estimate
from functions.core.model.limits import MAX_URL_BYTES
from functions.core.model.options import Options
from functions.core.model.ports import Executions, ImageTable, PresignedLinks, Progress, RunRegistry
from functions.core.model.runs import Status, timestamp

LINKED = {
    "report": "report",
    "summary": "summary",
    "failures": "failures_report",
    "retry_manifest": "retry_manifest",
}
"""What is linked to → the record's attribute that names its object."""

LOOKED_AT = 100
"""Records of one query, and MAX_QUERIES of them for a page: a status may be rare."""

MAX_QUERIES = 10


class RunQueries:
    """`now` is when it was asked."""

    def __init__(self, *, runs: RunRegistry, executions: Executions, reports: PresignedLinks, now: datetime) -> None:
        self._runs = runs
        self._executions = executions
        self._reports = reports
        self._now = now

    def run(self, run_id: str) -> RunDetails:
        """Raises Problem(404), InfrastructureError."""
        record = self._runs.get(run_id)
        if record is None:
            raise not_found(f"There is no run {run_id}.")
        return RunDetails(
            **run_values(record),
            options=record.get("options") or {},
            estimate=_estimate(record),
            live=self._live(record),
            links=self._links(record),
        )

    def page(self, status: Status | None, limit: int, token: str | None) -> RunPage:
        """Newest first. Raises Problem(422), InfrastructureError."""
        found: list[Run] = []
        after: Mapping[str, str] | None = _place(token) if token else None
        for _ in range(MAX_QUERIES):
            records, after = self._runs.newest(status and status.value, LOOKED_AT if status else limit, after)
            for record in records:
                found.append(Run(**run_values(record)))
                if len(found) == limit and (record is not records[-1] or after):
                    return RunPage(runs=found, next=_token(record))
            if after is None:
                return RunPage(runs=found, next=None)
        return RunPage(runs=found, next=_token(after or {}))

    def _live(self, record: Mapping[str, Any]) -> LiveCounts | None:
        if record["status"] != Status.RUNNING:
            return None
        progress = self._executions.progress(record["execution_arn"])
        return _live(progress, record, self._now) if progress else None

    def _links(self, record: Mapping[str, Any]) -> RunLinks:
        named = {name: record.get(attribute) for name, attribute in LINKED.items()}
        return RunLinks(**{name: self._reports.for_download(key) for name, key in named.items() if key})


def find_image(url: str, table: ImageTable, links: PresignedLinks) -> Image:
    """Raises Problem(404 | 422), TableFault."""
    try:
        size = len(url.encode())
    except UnicodeEncodeError:
        size = MAX_URL_BYTES + 1
    if size > MAX_URL_BYTES:
        raise invalid("url", f"It is longer than {MAX_URL_BYTES} bytes, or no text.")
    row = table.look_up([url]).get(url)
    if row is None:
        raise not_found("No image of this URL has been stored.")
    return Image(**{**row, "link": links.for_download(row["object_key"])})


def _estimate(record: Mapping[str, Any]) -> Estimate | None:
    """Its hosts are not known: as if there were enough of them."""
    if not record.get("rows") or "ended_at" in record:
        return None
    run = estimate.RunEstimate(images=record["rows"], options=Options.from_payload(record.get("options") or {}))
    return Estimate(
        seconds=round(run.seconds, 1),
        dollars=round(run.dollars, 4),
        size_kb=run.size_kb,
        latency_ms=run.latency_ms,
    )


def _live(progress: Progress, record: Mapping[str, Any], now: datetime) -> LiveCounts:
    seconds = (now - datetime.fromisoformat(record["started_at"])).total_seconds()
    rate = progress.done / seconds if seconds > 0 else 0.0
    left = record["rows"] - progress.done if record.get("rows") else None
    return LiveCounts(
        done=progress.done,
        running=progress.running,
        max_concurrency=progress.max_concurrency,
        rows_per_second=round(rate, 2),
        estimated_end=timestamp(now + timedelta(seconds=left / rate)) if rate and left is not None else None,
    )


def _token(record: Mapping[str, Any]) -> str:
    place = json.dumps([record["started_at"], record["run_id"]])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(token: str) -> dict[str, str]:
    """Raises Problem(422)."""
    try:
        started_at, run_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if all(isinstance(part, str) and part.isascii() and part for part in (started_at, run_id)):
            return {"started_at": started_at, "run_id": run_id}
    except (ValueError, TypeError, binascii.Error, RecursionError):
        pass
    raise invalid("next", "It is none that this API has given.")
