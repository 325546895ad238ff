"""Types of the records that pass between functions: TypedDicts, as they are JSON or DynamoDB items in between.

    ExecutionInput  ->  PreparedState  ->  BatchPayload  ->  ResultLine, ImageRecord  ->  RunSummary, RunRecord
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, Required, TypeAlias, TypedDict

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]

OptionValues: TypeAlias = Mapping[str, JsonValue]
"""Options of a run by name, as in JSON (`allowed_types` is a list). Options with their default may be missing."""

BatchCounts: TypeAlias = Mapping[str, int]
"""Number of rows for each OutcomeKind, and the total `bytes` stored."""


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
"""`detail.object` of an S3 "Object Created" event. `key` is raw, never percent-encoded."""


class ObjectCreatedDetail(TypedDict):
    bucket: BucketName
    object: CreatedObject


class RequestedRun(TypedDict, total=False):
    """Fields that the API adds to the event: the run ID that it has chosen, and the options of the request."""

    id: str
    options: OptionValues


class ExecutionInput(TypedDict):
    """Input of an execution: an S3 "Object Created" event, or an event of the same form from the API."""

    detail: ObjectCreatedDetail
    run: NotRequired[RequestedRun | None]


class CaughtError(TypedDict):
    """Error output of a Catch of the state machine. `Cause` is JSON if a Lambda function failed."""

    Error: str
    Cause: str


class ManifestReference(TypedDict):
    """The manifest that started a run. `size` is in bytes, `format` is None until it is detected."""

    bucket: str
    key: str
    format: str | None
    etag: str
    size: int


class BatchRun(TypedDict):
    """The run in the input of every batch. `options` are those that differ from the defaults."""

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


class RunReference(TypedDict):
    id: str


class RepeatedRun(TypedDict):
    """The state after PrepareRun if the run belongs to another execution already."""

    run: RunReference
    status: str
    reader: str
    failure: CaughtError | None


class BatchItem(TypedDict):
    """An item of the manifest. `row` counts from 0, as in Step Functions; `tried` is true after the first attempt."""

    row: int
    item: object
    tried: NotRequired[bool]


class BatchInput(TypedDict):
    run: BatchRun


class BatchPayload(TypedDict):
    """Input of a round of a batch: from ItemBatcher, then from the previous round.

    `first_row` counts from 1 and is in the names of the batch's part files. `counts` include all previous rounds.
    """

    BatchInput: BatchInput
    Items: list[BatchItem]
    first_row: NotRequired[int]
    round: NotRequired[int]
    wait_seconds: NotRequired[int]
    counts: NotRequired[BatchCounts]


class ImageFacts(TypedDict):
    """A stored image. `sha256` is hex of its `bytes` bytes, `width` and `height` are pixels, `ms` its download time in
    milliseconds. `truncated` is true if its end is missing."""

    object_key: str | None
    bytes: int | None
    content_type: str | None
    sha256: str | None
    width: int | None
    height: int | None
    downloaded_at: str | None
    ms: int | None
    truncated: NotRequired[bool]


class ImageRecord(TypedDict, total=False):
    """An item of the images table. `etag` and `last_modified` are those of the server. Empty attributes are missing."""

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
    truncated: bool


class ResultLine(TypedDict, total=False):
    """Outcome of one row: a line of a results part. `row` counts from 1, `url` is redacted.

    A failure has `reason`, `http_status`, `retryable` and `message`; a stored image has the fields of ImageFacts.
    `lost` is true for a row of a batch that crashed; `columns` are the user's own.
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
    truncated: bool


class KeptItem(TypedDict):
    """A line of a retries part: an item of a Parquet manifest, which SummarizeRun cannot read. `row` counts from 1."""

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
    """`summary.json`, and the message at the end of a run. Times are RFC 3339 in UTC, `bytes` is the total stored.

    `retry_manifest`, `failures_report` and `report` are keys in the bucket of the manifest. The retry manifest has
    `retry_rows` rows; `retry_options` are the options of the run that a retry needs, as text.
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
    retry_rows: int
    retry_options: Mapping[str, str]
    failures_report: str | None
    note: str | None
    report: str


class RunEnd(TypedDict):
    """Output of SummarizeRun. `lost` is the number of rows whose batch crashed or was stopped."""

    run_id: str
    status: str
    error: str
    cause: str
    counts: OutcomeCounts
    lost: int


class RunFields(TypedDict, total=False):
    """Attributes of a run record, which are added when they become known.

    `sampled` replaces `rows` if only the beginning and the end of the manifest were checked. `request` is a hash of
    the API request, to detect another request with the same Idempotency-Key. `local_run` is a LocalRun as JSON; AWS has
    none. `expires_at` is the TTL, in seconds since the epoch.
    """

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
    local_run: str
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
    """An item of the runs table. It exists from the request of a run until `expires_at`."""

    run_id: str
