"""Records of the workflow: the input of an execution, its state, and the payload of a batch."""

from collections.abc import Mapping
from typing import NotRequired, Required, TypedDict

from functions.core.model.types.passes import PlannedPass, RecordedError
from functions.core.model.types.values import BatchCounts, OptionValues


class BucketName(TypedDict):
    name: str


# The keys are EventBridge's own, hence the functional form.
CreatedObject = TypedDict(
    "CreatedObject",
    {"key": Required[str], "etag": str, "size": int, "version-id": str, "sequencer": str},
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
    """The version of the manifest that started a run. `size` is in bytes, `format` is None until it is detected."""

    bucket: str
    key: str
    version_id: str
    format: str | None
    etag: str
    size: int


class BatchRun(TypedDict):
    """The run in the input of every batch. `options` are those that differ from the defaults, `lambda_concurrency` is
    the number of concurrent Lambda executions of the account, if it is known.

    `busy_hosts` has the limit of each host with more rows than its limit, by its name as of `host_of`: requests under
    way, and requests a second; 0 is no such limit. If there are many, `busy_hosts_file` is true instead, and the file
    `hosts.json` of the run has them. If `busy_hosts_unknown` is true, the rows were not read: a batch counts its own,
    and the names are suffixes of names (`host_limits.limit_of`).

    `waits_in_passes` is true if other batches wait for a place of the Map: then rows that must wait go on to a pass.
    """

    id: str
    manifest: NotRequired[str]
    options: OptionValues
    keep_items: NotRequired[bool]
    lambda_concurrency: NotRequired[int]
    busy_hosts: NotRequired[Mapping[str, list[float]]]
    busy_hosts_file: NotRequired[bool]
    busy_hosts_unknown: NotRequired[bool]
    waits_in_passes: NotRequired[bool]


class PreparedState(TypedDict):
    """The state of the workflow after PrepareRun and after PlanPass; `status` is ready, empty or repeated.

    `passes` is the option; `map_prefix` is that of the files of the next ResultWriter.
    """

    run: BatchRun
    status: str
    reader: str
    manifest: ManifestReference
    rows: int | None
    batch_size: int
    max_concurrency: int
    map_prefix: str
    passes: int
    planned_pass: NotRequired[PlannedPass]
    failure: CaughtError | None


class RunReference(TypedDict):
    id: str


class RepeatedRun(TypedDict):
    """The state after PrepareRun if the run belongs to another execution already."""

    run: RunReference
    status: str
    reader: str
    failure: CaughtError | None


class CheckingRun(TypedDict):
    """The state after PrepareRun if the manifest is checked by ranges, of which `ranges` are the numbers. `status` is
    checking."""

    run: RunReference
    status: str
    ranges: list[int]
    failure: CaughtError | None


class RangePlan(TypedDict):
    """What the check of a range needs to know of the first rows: the `names` in the header, the URL column, and where
    the ranges begin, in bytes. `tally` is what was counted in the first rows."""

    names: list[str]
    url_column: str
    offsets: list[int]
    tally: Mapping[str, object]


class BatchItem(TypedDict):
    """An item of the manifest. `row` counts from 0, as in Step Functions; `tried` is the number of its attempts.

    `host` is in one item of each host that limits requests, and short, since the state has 256 KiB: the time of its
    next request, in seconds since the start of the child execution, the waits since its last answer, its rate, and
    what each answer adds to that (`HostState`). `host_name` is its name if it is not in the URL, after a redirect.

    A row of a pass has `failed_passes`, the number of passes to which it was deferred because it or its host failed,
    and in the first round of the pass `not_before`, in seconds since the epoch, and its last `error`.
    """

    row: int
    item: object
    tried: NotRequired[int]
    host: NotRequired[list[float]]
    host_name: NotRequired[str]
    failed_passes: NotRequired[int]
    not_before: NotRequired[float]
    error: NotRequired[RecordedError]


class BatchInput(TypedDict):
    """`pass_number` is missing in the Map over the manifest, which is pass 0."""

    run: BatchRun
    pass_number: NotRequired[int]


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
