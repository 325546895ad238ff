"""The records that travel: one type each, from where they are made to where they are stored or shown.

They are TypedDicts because they are JSON or DynamoDB items on the way: a field that is misspelt is a type error.

    ExecutionInput  ->  PreparedState  ->  BatchPayload  ->  ResultLine, ImageRecord  ->  RunSummary, RunRecord
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, Required, TypeAlias, TypedDict

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]

OptionValues: TypeAlias = Mapping[str, JsonValue]
"""Options of a run by name, as JSON carries them: `allowed_types` is a list there. Not every option need be named."""


class BucketName(TypedDict):
    name: str


# The keys are EventBridge's own, hence the functional form.
CreatedObject = TypedDict(
    "CreatedObject",
    {
        "key": Required[str],
        "etag": str,
        "size": int,
        "version-id": str,
        "sequencer": str,
    },
    total=False,
)
"""The `object` of an S3 "Object Created" event. `key` is raw, never percent-encoded."""


class ObjectCreatedDetail(TypedDict):
    bucket: BucketName
    object: CreatedObject


class RequestedRun(TypedDict, total=False):
    """What the API adds to the event: the ID that it has chosen, and the options of the request."""

    id: str
    options: OptionValues


class ExecutionInput(TypedDict):
    """The input of an execution: an "Object Created" event, or what the API makes in its form."""

    detail: ObjectCreatedDetail
    run: NotRequired[RequestedRun | None]


class CaughtError(TypedDict):
    """What a Catch of the state machine hands over. `Cause` is JSON where a Lambda function failed."""

    Error: str
    Cause: str


class ManifestReference(TypedDict):
    """The manifest that started a run. `size` is in bytes."""

    bucket: str
    key: str
    format: str | None
    etag: str
    size: int


class BatchRun(TypedDict):
    """The run, as every batch carries it. `options` are those that differ from the defaults."""

    id: str
    manifest: NotRequired[str]
    options: OptionValues
    keep_items: NotRequired[bool]


class PreparedState(TypedDict):
    """The state of the workflow after PrepareRun; `status` is ready, empty or repeated."""

    run: BatchRun
    status: str
    reader: str
    manifest: ManifestReference
    rows: int | None
    batch_size: int
    max_concurrency: int
    map_prefix: str
    failure: CaughtError | None


class RepeatedRun(TypedDict):
    """The state after PrepareRun where another execution has the run already."""

    run: Mapping[str, str]
    status: str
    reader: str
    failure: CaughtError | None


class BatchItem(TypedDict):
    """An item of the manifest. `row` counts from 0, as Step Functions does; `tried` once it was attempted."""

    row: int
    item: object
    tried: NotRequired[bool]


class BatchInput(TypedDict):
    run: BatchRun


class BatchPayload(TypedDict):
    """A batch on its way into a round: as ItemBatcher makes it, then as the round before returned it.

    `first_row` counts from 1 and names the part files of the batch. `counts` are those of all rounds so far.
    """

    BatchInput: BatchInput
    Items: list[BatchItem]
    first_row: NotRequired[int]
    round: NotRequired[int]
    wait_seconds: NotRequired[int]
    counts: NotRequired[Mapping[str, int]]


class ImageFacts(TypedDict):
    """A stored image. `sha256` is hex of its `bytes` bytes, `width` and `height` are in pixels, `ms` is its download
    time in milliseconds."""

    object_key: str | None
    bytes: int | None
    content_type: str | None
    sha256: str | None
    width: int | None
    height: int | None
    downloaded_at: str | None
    ms: int | None


class ImageRecord(TypedDict, total=False):
    """A row of the images table. `etag` and `last_modified` are the origin's. Attributes without a value are left out."""

    url: Required[str]
    object_key: str
    bytes: int
    content_type: str
    sha256: str
    width: int
    height: int
    downloaded_at: str
    ms: int
    etag: str
    last_modified: str
    final_url: str
    run_id: str
    row: int


class ResultLine(TypedDict, total=False):
    """The outcome of one row: a line of a results part. `row` counts from 1, `url` is redacted.

    A failure has `reason`, `http_status`, `retryable` and `message`; a stored image has the fields of ImageFacts.
    `lost` marks a row of a batch that crashed; `columns` are the user's own.
    """

    row: Required[int]
    url: Required[str]
    outcome: Required[str]
    reason: str
    http_status: int | None
    retryable: bool
    message: str
    lost: bool
    columns: Mapping[str, JsonValue]
    object_key: str | None
    bytes: int | None
    content_type: str | None
    sha256: str | None
    width: int | None
    height: int | None
    downloaded_at: str | None
    ms: int | None


class KeptItem(TypedDict):
    """A line of a retries part: an item of a Parquet manifest, which cannot be read again. `row` counts from 1."""

    row: int
    item: object


class OutcomeCounts(TypedDict):
    """rows = stored + unchanged + skipped + duplicate + failed"""

    stored: int
    unchanged: int
    skipped: int
    duplicate: int
    failed: int


class RunSummary(OutcomeCounts):
    """`summary.json`, and the message when a run ends. Times are RFC 3339 in UTC, `bytes` are those stored.

    `retry_manifest`, `failures_report` and `report` are keys in the bucket of the manifest.
    """

    run_id: str
    status: str
    error: str | None
    cause: str | None
    manifest: ManifestReference
    started_at: str
    ended_at: str
    duration_seconds: float
    rows: int
    bytes: int
    failures_by_reason: dict[str, int]
    failures_by_host: dict[str, int]
    images_per_second: float
    retry_manifest: str | None
    failures_report: str | None
    note: str | None
    report: str


class RunEnd(TypedDict):
    """What SummarizeRun returns. `lost` counts the rows whose batch crashed or was stopped."""

    run_id: str
    status: str
    error: str
    cause: str
    counts: OutcomeCounts
    lost: int


class RunFields(TypedDict, total=False):
    """What can be known of a run; fields are added to its record as they become known.

    `sampled` stands instead of `rows` where only the beginning and the end of the manifest were checked. `request`
    tells requests with the same Idempotency-Key apart. `expires_at` is the TTL, in seconds since the epoch.
    """

    run_id: str
    kind: str
    status: str
    execution_arn: str
    started_at: str
    ended_at: str
    bucket: str
    manifest_key: str
    etag: str
    size: int
    expires_at: int
    request: str
    options: OptionValues
    format: str
    columns: list[str]
    sampled: bool
    note: str | None
    rows: int
    stored: int
    unchanged: int
    skipped: int
    duplicate: int
    failed: int
    bytes: int
    duration_seconds: float
    images_per_second: float
    error: str | None
    cause: str | None
    summary: str
    report: str | None
    failures_report: str | None
    retry_manifest: str | None


class RunRecord(RunFields):
    """An item of the runs table, from the moment a run is requested."""

    run_id: Required[str]
