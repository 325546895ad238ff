"""Submission of a run: record it, store its manifest, start its execution.

Every step is idempotent and may run concurrently: the run ID follows from the Idempotency-Key, and the manifest and the
execution are named after the run ID. The first request to create the record owns the run; the others repeat the
same steps until the run has started.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime

from functions.core.api.problems import conflict, invalid, not_found
from functions.core.api.requests import RetryRequest, RunRequest, StoredManifest
from functions.core.api.responses import Accepted, requested_probe
from functions.core.model.errors import InfrastructureError
from functions.core.model.headers import recorded_options, unrecorded_headers
from functions.core.model.limits import MAX_KEY_BYTES
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import Executions, RunRegistry, SubmittedManifests
from functions.core.model.runs import ManifestObject, Status, new_record, timestamp
from functions.core.model.types import ExecutionInput, OptionValues, RunFields, RunRecord

MANIFEST_PREFIXES = ("manifests/", "submitted/")
"""Prefixes of the input bucket under which a stored manifest may be."""

ID_DIGITS = 16
"""Hexadecimal digits of a run ID."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A request to start a run. `kind` is api or retry; `source` is a stored manifest, or the content of a new one.

    `identity` distinguishes requests with the same Idempotency-Key.
    """

    kind: str
    identity: str
    source: ManifestObject | bytes
    options: OptionValues

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.kind}\n{self.identity}".encode("utf-8", "backslashreplace")).hexdigest()

    def run_id(self, key: str | None) -> str:
        """The same ID for the same Idempotency-Key; a random one without a key."""
        if key is None:
            return f"{self.kind}-{secrets.token_hex(ID_DIGITS // 2)}"
        return f"{self.kind}-{hashlib.sha256(key.encode()).hexdigest()[:ID_DIGITS]}"


class RunSubmission:
    """`now` is the time of the request."""

    def __init__(self, *, runs: RunRegistry, lists: SubmittedManifests, executions: Executions, now: datetime) -> None:
        self._runs = runs
        self._lists = lists
        self._executions = executions
        self._now = now

    def submit(self, request: RunRequest, key: str | None) -> Accepted:
        """Raises Problem(422), InfrastructureError."""
        shape = request.root
        options = shape.explicit_options()
        source: ManifestObject | bytes
        if isinstance(shape, StoredManifest):
            source = self._stored_manifest(shape.manifest)
        else:
            source = json.dumps(shape.rows()).encode()
        return self._begin(StartRequest("api", shape.fingerprint(), source, options), key)

    def retry(self, run_id: str, request: RetryRequest | None, key: str | None) -> Accepted:
        """A run of the retry manifest of `run_id`, with the options of that run.

        The values of its headers must be in the request. Raises Problem(404 | 409 | 422), InfrastructureError.
        """
        request = request or RetryRequest()
        record = self._runs.get(run_id)
        if record is None:
            raise not_found(f"Run {run_id} does not exist.")
        options = {**(record.get("options") or {}), **request.explicit_options()}
        source = self._manifest_to_retry(record)
        if missing := unrecorded_headers(options):
            raise invalid(
                "options.headers",
                f"The values of the headers of run {run_id} are not recorded: {', '.join(missing)}. Set them again, or "
                "set {} to send none.",
            )
        identity = f"{run_id} {request.fingerprint()}"
        return self._begin(StartRequest("retry", identity, source, options), key)

    def _stored_manifest(self, uri: str) -> ManifestObject:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if bucket != self._lists.bucket or not key.startswith(MANIFEST_PREFIXES):
            places = " or ".join(f"s3://{self._lists.bucket}/{prefix}" for prefix in MANIFEST_PREFIXES)
            raise invalid("manifest", f"Must be the URI of an object under {places}.")
        manifest = self._lists.find(key) if len(key.encode()) <= MAX_KEY_BYTES else None
        if manifest is None:
            raise invalid("manifest", "The object does not exist.")
        return manifest

    def _manifest_to_retry(self, record: RunRecord) -> ManifestObject:
        run_id = record["run_id"]
        if "ended_at" not in record:
            raise conflict(f"Run {run_id} has not ended yet. Its status is {record['status']}.")
        key, version_id = record.get("retry_manifest"), ""
        if key is None and _ended_before_reading(record):
            key, version_id = record["manifest_key"], record.get("version_id", "")
        if key is None:
            raise conflict(f"Run {run_id} has no retryable failures.")
        manifest = self._lists.find(key, version_id)
        if manifest is None:
            raise conflict(f"The manifest to retry run {run_id} no longer exists: s3://{self._lists.bucket}/{key}.")
        return manifest

    def _begin(self, request: StartRequest, key: str | None) -> Accepted:
        run_id = request.run_id(key)
        arn = self._executions.arn_of(run_id)
        status = self._create_record(request, run_id, arn)
        if status is Status.STARTING:
            try:
                self._start(request, run_id)
            except InfrastructureError:
                if key is None:  # no later request can complete this run
                    end: RunFields = {
                        "status": Status.FAILED.value,
                        "ended_at": timestamp(self._now),
                        "error": "NotStarted",
                    }
                    self._runs.update_unless_over(run_id, end)
                raise
        return Accepted(run_id=run_id, execution_arn=arn, status=status, probe=requested_probe(request.options))

    def _create_record(self, request: StartRequest, run_id: str, arn: str) -> Status:
        """The status of the run, which another request may have started. Raises Problem(422)."""
        source = request.source
        if isinstance(source, bytes):
            source = ManifestObject(self._lists.bucket, _manifest_key(run_id), size=len(source))
        record = new_record(run_id, source, arn, timestamp(self._now), Status.STARTING)
        record["request"] = request.fingerprint
        record["options"] = recorded_options(request.options)
        if self._runs.create(record):
            return Status.STARTING
        existing = self._runs.get(run_id) or record
        if existing.get("request") != request.fingerprint:
            raise invalid("Idempotency-Key", "This Idempotency-Key was already used with a different request body.")
        return Status(existing["status"])

    def _start(self, request: StartRequest, run_id: str) -> None:
        manifest = request.source
        if isinstance(manifest, bytes):
            manifest = self._lists.put(_manifest_key(run_id), manifest)
        event: ExecutionInput = manifest.as_event()
        event["run"] = {"id": run_id, "options": request.options}
        self._executions.start(run_id, event)


def _manifest_key(run_id: str) -> str:
    return f"submitted/{run_id}.json"


def _ended_before_reading(record: RunRecord) -> bool:
    """The run was cancelled before its manifest was read."""
    return record["status"] == Status.CANCELLED and not any(record.get(kind.value) for kind in OutcomeKind)
