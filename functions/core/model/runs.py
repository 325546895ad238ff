"""A run: what started it, and the name that follows from that alone."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class ManifestObject:
    """The manifest as the event names it. `key` is raw, as EventBridge has it, never percent-encoded."""

    bucket: str
    key: str
    etag: str = ""
    size: int = 0
    sequencer: str = ""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "ManifestObject":
        """From an "Object Created" event. Raises KeyError where it is none."""
        detail = event["detail"]
        found = detail["object"]
        return cls(
            bucket=detail["bucket"]["name"],
            key=found["key"],
            etag=str(found.get("etag", "")).strip('"'),
            size=int(found.get("size", 0)),
            sequencer=str(found.get("version-id") or found.get("sequencer", "")),
        )

    def as_event(self) -> dict[str, Any]:
        """The part of the event that names it."""
        found = {"key": self.key, "etag": self.etag, "size": self.size}
        return {"detail": {"bucket": {"name": self.bucket}, "object": found}}


def run_id(manifest: ManifestObject) -> str:
    """The same for a repeated event, another for every upload: `demo-0f3a…`, 12 hex of what was uploaded where."""
    identity = "\n".join((manifest.bucket, manifest.key, manifest.etag, manifest.sequencer))
    stem = manifest.key.rpartition("/")[2].split(".", 1)[0].lower()
    slug = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40] or "run"
    return f"{slug}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def run_id_of(event: Mapping[str, Any]) -> str:
    """The API has chosen one, or it follows from the event."""
    chosen = (event.get("run") or {}).get("id")
    return str(chosen) if chosen else run_id(ManifestObject.from_event(event))


RUN_KIND = "run"
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


ACTIVE_STATUSES = (Status.STARTING, Status.RUNNING)


def new_record(
    run_id: str, manifest: ManifestObject, execution_arn: str, started_at: str, status: Status = Status.RUNNING
) -> dict[str, Any]:
    """Of the execution that has the run; another one may not touch it."""
    return {
        "run_id": run_id,
        "kind": RUN_KIND,
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
