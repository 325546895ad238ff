"""Runs: the manifest object that starts one, the run ID and the run record."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from functions.core.model.types import CreatedObject, ExecutionInput, RunFields, RunRecord

NULL_VERSION = "null"
"""Version ID of an object that was written while its bucket had no versioning
(docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html)."""


@dataclass(frozen=True, slots=True)
class ManifestObject:
    """The manifest object of an event. `key` is raw, as in EventBridge events, never percent-encoded.

    `version_id` is empty until it is known: an event has none if the bucket has no versioning.
    """

    bucket: str
    key: str
    etag: str = ""
    size: int = 0
    sequencer: str = ""
    version_id: str = ""

    @classmethod
    def from_event(cls, event: ExecutionInput) -> "ManifestObject":
        """From an S3 "Object Created" event. Raises KeyError for any other event."""
        detail = event["detail"]
        created = detail["object"]
        return cls(
            bucket=detail["bucket"]["name"],
            key=created["key"],
            etag=str(created.get("etag", "")).strip('"'),
            size=int(created.get("size", 0)),
            sequencer=str(created.get("sequencer", "")),
            version_id=str(created.get("version-id") or ""),
        )

    def as_event(self) -> ExecutionInput:
        """The part of an "Object Created" event that identifies the object."""
        created: CreatedObject = {"key": self.key, "etag": self.etag, "size": self.size}
        if self.version_id:
            created["version-id"] = self.version_id
        return {"detail": {"bucket": {"name": self.bucket}, "object": created}}

    @property
    def upload(self) -> str:
        """What distinguishes this upload from another one of the same bytes. Each overwrites the null version."""
        return self.sequencer if self.version_id in ("", NULL_VERSION) else self.version_id


def run_id(manifest: ManifestObject) -> str:
    """The run ID, such as `demo-0f3a…`: name of the manifest and 12 hex digits of a hash of the upload.

    A repeated event has the same ID, and another upload has another one.
    """
    identity = "\n".join((manifest.bucket, manifest.key, manifest.etag, manifest.upload))
    stem = manifest.key.rpartition("/")[2].split(".", 1)[0].lower()
    slug = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40] or "run"
    return f"{slug}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def run_id_of(event: ExecutionInput) -> str:
    """The run ID that the API has chosen, or else the one that follows from the event."""
    requested_id = (event.get("run") or {}).get("id")
    return str(requested_id) if requested_id else run_id(ManifestObject.from_event(event))


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRun:
    """How a run was started on this machine, for the commands in its report; None in AWS.

    `command` is run or up, `out` and `allow` are its arguments; `demo` is true if it serves the web site of the demo.
    `program` is the path of image-mirror from the folder in which it was started.
    """

    command: str
    out: str
    program: str = "./image-mirror"
    allow: str = ""
    demo: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """From JSON. Raises ValueError."""
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(str(error)) from error

    def as_text(self) -> str:
        return json.dumps(asdict(self))


INTERRUPTED = "Interrupted"
"""Error of a local run that was stopped with its process. Its status is cancelled."""

RUN_KIND = "run"
"""Value of `kind` in every run record: the partition key of the index that lists runs, newest first."""

RECORD_RETENTION_DAYS = 90
"""Days until a run record expires. Step Functions keeps the name of an execution for as long
(docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)."""


PLAN_FILES = "passes/plan-"
"""Start of the names of the files of PassPlan, in the folder of a run."""


KNOWN_BAD_FILE = "known_bad.json"
"""Name of the file of a run with the digests of the option `known_bad`."""

SAMPLE_FILE = "sample.json"
"""Name of the file of a probe that says how its sample was drawn, in the folder of the run."""


def pass_folder(number: int) -> str:
    """The folder of the files of the rows of a pass, in the folder of its run."""
    return f"passes/{number}"


def part_name(first_row: int, round_number: int, pass_number: int = 0, last_row: int = 0) -> str:
    """The name of the file of a round in `results/` and other folders.

    In a later pass, it has the last row: the batches of a pass may have any rows between the first and the last one.
    """
    if not pass_number:
        return f"part-{first_row:010d}-{round_number:02d}.jsonl"
    return f"part-{pass_number:04d}-{first_row:010d}-{last_row:010d}-{round_number:02d}.jsonl"


class Status(StrEnum):
    """Status of a run. `starting` and `cancelling` are set by the API until the state machine has reacted.

    A run that is over has `ended_at`.
    """

    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


def new_record(
    run_id: str, manifest: ManifestObject, execution_arn: str, started_at: str, status: Status = Status.RUNNING
) -> RunRecord:
    """The record of a run that belongs to the execution `execution_arn`."""
    record: RunRecord = {
        "run_id": run_id,
        "kind": RUN_KIND,
        "status": status.value,
        "execution_arn": execution_arn,
        "started_at": started_at,
        "bucket": manifest.bucket,
        "manifest_key": manifest.key,
        "etag": manifest.etag,
        "size": manifest.size,
        "expires_at": int(datetime.now(UTC).timestamp()) + RECORD_RETENTION_DAYS * 86_400,
    }
    if manifest.version_id:
        record["version_id"] = manifest.version_id
    return record


def notes_of(record: RunFields) -> list[str]:
    """Sentences about the manifest, the concurrency and the passes of a run."""
    return [note for note in (record.get("note"), record.get("concurrency_note"), record.get("pass_note")) if note]


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`, as Step Functions writes it: `2026-07-25T12:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
