"""Records of runs: their items in the runs table, and their summary."""

from collections.abc import Mapping
from typing import TypedDict

from functions.core.model.types.passes import PassSummary
from functions.core.model.types.probe import ProbeResult
from functions.core.model.types.values import OptionValues
from functions.core.model.types.workflow import ManifestReference


class OutcomeCounts(TypedDict):
    """rows = stored + unchanged + skipped + duplicate + failed"""

    stored: int
    unchanged: int
    skipped: int
    duplicate: int
    failed: int


class RunSummary(OutcomeCounts):
    """`summary.json`, and the message at the end of a run. Times are RFC 3339 in UTC, `bytes` is the total stored.

    `retryable_by_reason` are the failed rows that may succeed later.
    `retry_manifest`, `failures_report`, `suspects_report` and `report` are keys in the bucket of the manifest. The
    retry manifest has `retry_rows` rows; `retry_options` are the options of the run that a retry needs, as text.
    `probe` is the result of a probe, whose rows are those of its sample and whose images were not kept; None for a run.
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
    retryable_by_reason: dict[str, int]
    failures_by_host: dict[str, int]
    images_per_second: float
    passes: list[PassSummary]
    retry_manifest: str | None
    retry_rows: int
    retry_options: Mapping[str, str]
    failures_report: str | None
    suspects_report: str | None
    note: str | None
    report: str
    probe: ProbeResult | None


class RunEnd(TypedDict):
    """Output of SummarizeRun. `lost` is the number of failed rows, by reason, that no batch has counted: its batch
    crashed or was stopped, or the row still waited for a pass."""

    run_id: str
    status: str
    error: str
    cause: str
    counts: OutcomeCounts
    lost: dict[str, int]


class RunFields(TypedDict, total=False):
    """Attributes of a run record, which are added when they become known.

    `sampled` replaces `rows` if only a part of the manifest was checked. `request` is a hash of
    the API request, to detect another request with the same Idempotency-Key. `local_run` is a LocalRun as JSON; AWS has
    none. `expires_at` is the TTL, in seconds since the epoch.
    `option_sources` has where the value of an option comes from: stack, manifest (its metadata) or request.
    `copy_key` and `copy_version_id` are those of the copy of the rows, if the run needed one.
    `max_concurrency` is the maximum number of concurrent batches now, `requested_concurrency` that of the options, or
    fewer if its hosts cannot use them, or that of the last change through the API. `concurrency_note` says why the run
    got fewer.
    `pass_number`, `pass_rows` and `pass_starts_at` are those of the last planned pass, `pass_note` says why rows that
    wait were not tried again.
    """

    kind: str
    status: str
    execution_arn: str
    started_at: str
    ended_at: str
    bucket: str
    manifest_key: str
    version_id: str
    etag: str
    size: int
    copy_key: str
    copy_version_id: str
    expires_at: int
    request: str
    local_run: str
    options: OptionValues
    option_sources: dict[str, str]
    format: str
    columns: list[str]
    sampled: bool
    note: str | None
    max_concurrency: int
    requested_concurrency: int
    concurrency_note: str | None
    pass_number: int
    pass_rows: int
    pass_starts_at: str
    pass_note: str
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
    probe: ProbeResult


class RunRecord(RunFields):
    """An item of the runs table. It exists from the request of a run until `expires_at`."""

    run_id: str
