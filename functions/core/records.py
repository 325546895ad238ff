"""The record of a run in the runs table, from the moment it is asked for."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from functions.core.runs import ManifestObject

KIND = "run"
"""In every record: the partition of the index by which past runs are listed, newest first."""

RECORD_DAYS = 90
"""As long as Step Functions remembers an execution's name."""


class Status(StrEnum):
    """`starting` and `cancelling` are the API's: asked for, and not there yet. A run that is over has `ended_at`."""

    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNDER_WAY = (Status.STARTING, Status.RUNNING)


def new_record(
    run_id: str, manifest: ManifestObject, execution_arn: str, started_at: str, status: Status = Status.RUNNING
) -> dict[str, Any]:
    """Of the execution that has the run; another one may not touch it."""
    return {
        "run_id": run_id,
        "kind": KIND,
        "status": status.value,
        "execution_arn": execution_arn,
        "started_at": started_at,
        "bucket": manifest.bucket,
        "manifest_key": manifest.key,
        "etag": manifest.etag,
        "size": manifest.size,
        "expires_at": int(datetime.now(UTC).timestamp()) + RECORD_DAYS * 86_400,
    }


def timestamp(moment: datetime) -> str:
    """As Step Functions writes it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
