"""The responses of the API."""

from pydantic import BaseModel, Field

from functions.core.api.probe_responses import ProbeResult
from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import LINK_SECONDS
from functions.core.model.runs import Status
from functions.core.model.types import OptionValues, RunRecord

_LINK_MINUTES = LINK_SECONDS // 60


class Accepted(BaseModel):
    """A run that this request started, or an earlier request with the same Idempotency-Key."""

    run_id: str = Field(examples=["api-61d1181dd568d662"])
    execution_arn: str
    status: Status
    probe: int | None = Field(
        None, description="For a probe: how many rows are drawn at random. No image is kept. Null for a run."
    )


class Counts(BaseModel):
    """rows = stored + unchanged + skipped + duplicate + failed"""

    stored: int
    unchanged: int
    skipped: int
    duplicate: int
    failed: int


class LiveCounts(BaseModel):
    """Progress of a run with batches in progress."""

    done: int = Field(description="Rows of the batches that have ended, without rows that wait for a pass.")
    running: int = Field(description="Rows of the batches in progress.")
    max_concurrency: int = Field(description="Maximum concurrent batches, as currently set.")
    rows_per_second: float
    estimated_end: str | None = Field(description="Extrapolated from the rate since the start of the run.")
    pass_number: int = Field(description="The pass; 0 is the Map over the manifest.")
    waits_until: str | None = Field(description="The start of the pass, while the run waits for it; else null.")


class Estimate(BaseModel):
    """Estimated duration and cost of the whole run. Assumes that every row is a new image of `size_kb` from a server
    that responds in `latency_ms`.

    For an image of 128 KB or more, the transition to S3 Glacier Instant Retrieval costs another $0.00002 a day later,
    unless the images are in an existing bucket (`images_bucket`), which has the lifecycle rules of its owner.
    """

    seconds: float = Field(description="From the start of the run to its summary.")
    dollars: float = Field(description="AWS charges in us-east-1, without monthly storage.")
    size_kb: float = Field(description="Assumed size of an image.")
    latency_ms: float = Field(description="Assumed response time of a server.")


class Run(BaseModel):
    run_id: str = Field(examples=["api-61d1181dd568d662"])
    status: Status
    manifest: str = Field(examples=["s3://INPUT_BUCKET/manifests/demo.csv"])
    execution_arn: str | None
    started_at: str | None = Field(examples=["2026-11-26T12:00:00.000Z"])
    ended_at: str | None = Field(examples=["2026-11-26T12:05:22.000Z"])
    rows: int | None = Field(description="Rows of the manifest; null until they are counted.")
    counts: Counts | None = Field(description="Outcomes; null until the run has ended.")
    bytes: int | None
    images_per_second: float | None
    error: str | None
    cause: str | None
    probe: int | None = Field(
        None,
        description="For a probe: how many rows were to be drawn at random. `rows`, `counts` and `bytes` are about "
        "these, and no image was kept. Null for a run.",
    )


class RunLinks(BaseModel):
    __doc__ = (
        f"Presigned URLs of the files of the run. They are valid for {_LINK_MINUTES} minutes, without credentials. "
        "Null for a file that does not exist, or not yet: those from `results` on are written some time after the run."
    )

    summary: str | None = None
    report: str | None = Field(
        default=None,
        description="The report as the run wrote it: its links have no signatures. Those of `getRunReport` have.",
    )
    failures: str | None = None
    retry_manifest: str | None = None
    suspects: str | None = Field(default=None, description="Hosts that served one image for ten or more URLs.")
    results: str | None = Field(default=None, description="A line for each row, for a spreadsheet.")
    lock: str | None = Field(
        default=None,
        description="The stored rows with the SHA-256 of their images, as a manifest. Null if it is in several files, "
        "as that of a list of more than a million rows: `lock-0001` and so on, in the folder that `index` is in.",
    )
    domains: str | None = Field(default=None, description="Images and bytes of each domain.")
    croissant: str | None = Field(default=None, description="The description of the data set.")
    athena: str | None = Field(default=None, description="The statement that makes `index` a table of Amazon Athena.")
    index: str | None = Field(
        default=None,
        description="Not a link: the URI of the folder of the Parquet files, which have a line for each row.",
        examples=["s3://INPUT_BUCKET/runs/api-61d1181dd568d662/index/"],
    )


class RunDetails(Run):
    options: dict[str, object]
    note: str | None = Field(description="Remarks about the manifest, and about the concurrent batches of the run.")
    estimate: Estimate | None = Field(description="Null until the rows are counted, and after the run has ended.")
    live: LiveCounts | None
    links: RunLinks
    probe_result: ProbeResult | None = Field(None, description="What a probe that has succeeded says about its list.")


class RunPage(BaseModel):
    runs: list[Run]
    next: str | None = Field(description="Pagination token of the next page; null on the last page.")


class Upload(BaseModel):
    """Upload with `curl --upload-file list.csv -H 'name: value' … "$url"`. The upload starts the run."""

    method: str
    url: str
    headers: dict[str, str] = Field(description="Headers that the upload must have.")
    manifest: str
    expires_in: int = Field(description="Validity of the URL in seconds.")


class Image(BaseModel):
    url: str = Field(examples=["https://example.com/a.jpg"])
    object_key: str = Field(
        description="The object of the image, or of the shard that has it.",
        examples=["images/27/276a1ac00ba4f0ea47eeeafca24284f41bc78dc593af1f048615aceba44ab9d9.jpg"],
    )
    offset: int | None = Field(None, description="Position of the image in its shard, in bytes; null if it has none.")
    bytes: int
    content_type: str = Field(examples=["image/jpeg"])
    sha256: str
    width: int | None = None
    height: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    final_url: str | None = None
    run_id: str | None = None
    downloaded_at: str | None = None
    link: str | None = Field(
        description=f"Presigned URL of the image. It is valid for {_LINK_MINUTES} minutes, without credentials. Null "
        "for an image that was stored under an earlier `images_prefix`, which the API may not read."
    )
    range: str | None = Field(
        None,
        description="Value of the Range header that a request to `link` needs if the image is in a shard: without it, "
        "the response is the whole tar file. Null for an image that is an object of its own.",
    )


def run_fields(record: RunRecord) -> dict[str, object]:
    """The fields of a Run."""
    counts = {kind.value: record.get(kind.value) for kind in OutcomeKind}
    names = ("execution_arn", "started_at", "ended_at", "rows", "bytes", "images_per_second", "error", "cause")
    return {
        "run_id": record["run_id"],
        "status": record["status"],
        "manifest": f"s3://{record['bucket']}/{record['manifest_key']}",
        "counts": None if None in counts.values() else counts,
        **{name: record.get(name) for name in names},
        "probe": requested_probe(record.get("options") or {}),
    }


def requested_probe(options: OptionValues) -> int | None:
    """The rows of a probe; None for a run."""
    return Options.from_payload(options).probe or None
