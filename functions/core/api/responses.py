"""What the API answers."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.runs import Status


class Accepted(BaseModel):
    """A run that has been asked for, maybe by an earlier request with the same Idempotency-Key."""

    run_id: str
    execution_arn: str
    status: Status


class Counts(BaseModel):
    """rows = stored + unchanged + skipped + duplicate + failed"""

    stored: int
    unchanged: int
    skipped: int
    duplicate: int
    failed: int


class LiveCounts(BaseModel):
    """While batches are under way. `done` are the rows of those that have ended."""

    done: int
    running: int
    max_concurrency: int = Field(description="batches at a time, as it is set now")
    rows_per_second: float
    estimated_end: str | None = Field(description="at the rate so far")


class Estimate(BaseModel):
    """Of a model, for the whole run: every row a new image of `size_kb`, every server answering after `latency_ms`.

    An image of 128 KB or more costs $0.00002 more when S3 moves it to Glacier Instant Retrieval a day later.
    """

    seconds: float = Field(description="from its start to its summary")
    dollars: float = Field(description="what AWS bills for it in us-east-1, storage by the month aside")
    size_kb: float = Field(description="assumed")
    latency_ms: float = Field(description="assumed")


class Run(BaseModel):
    run_id: str
    status: Status
    manifest: str = Field(examples=["s3://…/manifests/demo.csv"])
    execution_arn: str | None
    started_at: str | None
    ended_at: str | None
    rows: int | None = Field(description="of the manifest, once they are counted")
    counts: Counts | None = Field(description="once the run is over")
    bytes: int | None
    images_per_second: float | None
    error: str | None
    cause: str | None


class RunLinks(BaseModel):
    """Each can be fetched with no signature of your own, for fifteen minutes."""

    summary: str | None = None
    report: str | None = None
    failures: str | None = None
    retry_manifest: str | None = None


class RunDetails(Run):
    options: dict[str, Any]
    estimate: Estimate | None = Field(description="once the rows are counted, until the run is over")
    live: LiveCounts | None
    links: RunLinks


class RunPage(BaseModel):
    runs: list[Run]
    next: str | None = Field(description="for the next page; null at the end")


class Upload(BaseModel):
    """`curl --upload-file list.csv -H 'name: value' … "$url"`; the run starts when the object is there."""

    method: str
    url: str
    headers: dict[str, str] = Field(description="to be sent as they are")
    manifest: str
    expires_in: int = Field(description="seconds")


class Image(BaseModel):
    url: str
    object_key: str
    bytes: int
    content_type: str
    sha256: str
    width: int | None = None
    height: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    final_url: str | None = None
    run_id: str | None = None
    downloaded_at: str | None = None
    link: str = Field(description="gives the image to whoever has it, for fifteen minutes")


def run_values(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Run."""
    counted = all(kind.value in record for kind in OutcomeKind)
    names = ("execution_arn", "started_at", "ended_at", "rows", "bytes", "images_per_second", "error", "cause")
    return {
        "run_id": record["run_id"],
        "status": record["status"],
        "manifest": f"s3://{record['bucket']}/{record['manifest_key']}",
        "counts": {kind.value: record[kind.value] for kind in OutcomeKind} if counted else None,
        **{name: record.get(name) for name in names},
    }
