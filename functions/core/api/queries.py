"""Queries of runs and of stored images."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from functions.core.api.problems import invalid, not_found
from functions.core.api.responses import Estimate, Image, LiveCounts, Run, RunDetails, RunLinks, RunPage, run_fields
from functions.core.api.run_files import RunFileLinks
from functions.core.cost import estimate
from functions.core.model.limits import MAX_URL_BYTES
from functions.core.model.options import Options
from functions.core.model.ports import Executions, ImageTable, PresignedLinks, Progress, RunRegistry
from functions.core.model.runs import Status, notes_of, timestamp
from functions.core.model.types import ImageRecord, RunRecord

RECORDS_PER_QUERY = 100
"""Records that one query with a status reads. Records of another status are filtered out."""

MAX_QUERIES = 10
"""Maximum number of queries for one page. A page of a rare status may be incomplete."""


class RunQueries:
    """`now` is the time of the request."""

    def __init__(self, *, runs: RunRegistry, executions: Executions, files: RunFileLinks, now: datetime) -> None:
        self._runs = runs
        self._executions = executions
        self._files = files
        self._now = now

    def run(self, run_id: str) -> RunDetails:
        """Raises Problem(404), InfrastructureError."""
        record = self._runs.get(run_id)
        if record is None:
            raise not_found(f"Run {run_id} does not exist.")
        details = {
            "options": record.get("options") or {},
            "note": " ".join(notes_of(record)) or None,
            "estimate": _estimate(record),
            "live": self._live(record),
            "links": self._files.of_run(record) if "ended_at" in record else RunLinks(),
            "probe_result": record.get("probe"),
        }
        return RunDetails.model_validate(run_fields(record) | details)

    def page(self, status: Status | None, limit: int, token: str | None) -> RunPage:
        """Newest first. Raises Problem(422), InfrastructureError."""
        runs: list[Run] = []
        position: Mapping[str, str] | None = _decode_token(token) if token else None
        for _ in range(MAX_QUERIES):
            records, position = self._runs.newest(
                status and status.value, RECORDS_PER_QUERY if status else limit, position
            )
            for record in records:
                runs.append(Run.model_validate(run_fields(record)))
                if len(runs) == limit and (record is not records[-1] or position):
                    return RunPage(runs=runs, next=_encode_token(record["started_at"], record["run_id"]))
            if position is None:
                break
        token = _encode_token(position["started_at"], position["run_id"]) if position else None
        return RunPage(runs=runs, next=token)

    def _live(self, record: RunRecord) -> LiveCounts | None:
        if record["status"] != Status.RUNNING:
            return None
        progress = self._executions.progress(record["execution_arn"])
        return _live_counts(progress, record, self._now) if progress else None


def find_image(url: str, table: ImageTable, links: PresignedLinks, prefix: str) -> Image:
    """`url` may also be the key that the images table has for a URL that is too long for a request to the API.

    Without a link if the object is outside `prefix`: the API may not read it.

    Raises Problem(404 | 422), TableFault.
    """
    try:
        size = len(url.encode())
    except UnicodeEncodeError:
        size = MAX_URL_BYTES + 1
    if size > MAX_URL_BYTES:
        raise invalid("url", f"Must be valid Unicode text of at most {MAX_URL_BYTES:,} bytes.")
    record = next(iter(table.look_up([url]).values()), None)
    if record is None:
        raise not_found("No image is stored for this URL.")
    key = record["object_key"]
    link = links.for_download(key) if key.startswith(prefix) else None
    return Image.model_validate({**record, "link": link, "range": bytes_range(record)})


def bytes_range(record: ImageRecord) -> str | None:
    """The Range header that returns an image out of its shard; None for an image that is an object of its own."""
    if "offset" not in record:
        return None
    return f"bytes={record['offset']}-{record['offset'] + record['bytes'] - 1}"


def _estimate(record: RunRecord) -> Estimate | None:
    """Assumes that the URLs have enough hosts: the manifest's hosts are not counted."""
    if not record.get("rows") or "ended_at" in record:
        return None
    options = Options.from_payload(record.get("options") or {})
    options = replace(options, max_concurrency=record.get("max_concurrency", options.max_concurrency))
    run = estimate.RunEstimate(images=record["rows"], options=options)
    return Estimate(
        seconds=round(run.seconds, 1),
        dollars=round(run.dollars, 4),
        size_kb=run.size_kb,
        latency_ms=run.latency_ms,
    )


def _live_counts(progress: Progress, record: RunRecord, now: datetime) -> LiveCounts:
    """Rows that wait for a pass are not done. The rate of a run that waits says nothing about its end."""
    seconds = (now - datetime.fromisoformat(record["started_at"])).total_seconds()
    is_waiting = progress.is_over and "pass_number" in record
    rows, done = record.get("rows"), progress.done
    if rows and "pass_number" in record:
        done = max(0, rows - record["pass_rows"]) + (0 if is_waiting else progress.done)
    rate = done / seconds if seconds > 0 else 0.0
    end = timestamp(now + timedelta(seconds=(rows - done) / rate)) if rate and rows and not is_waiting else None
    return LiveCounts(
        done=done,
        running=progress.running,
        max_concurrency=progress.max_concurrency,
        rows_per_second=round(rate, 2),
        estimated_end=end,
        pass_number=record.get("pass_number", 0),
        waits_until=record["pass_starts_at"] if is_waiting else None,
    )


def _encode_token(started_at: str, run_id: str) -> str:
    position = json.dumps([started_at, run_id])
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _decode_token(token: str) -> dict[str, str]:
    """Raises Problem(422)."""
    try:
        started_at, run_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if all(isinstance(part, str) and part.isascii() and part for part in (started_at, run_id)):
            return {"started_at": started_at, "run_id": run_id}
    except (ValueError, TypeError, RecursionError):
        pass
    raise invalid("next", "Not a valid pagination token.")
