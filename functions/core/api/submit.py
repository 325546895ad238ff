"""Ask for a run: record it, write its list down, start its execution.

Each step may be taken again, and by twenty at once: the run's id follows from the Idempotency-Key, the list and the
execution are named by the id. Whoever records the run first has it; the others take the same steps until it has
started.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.core.api.problems import conflict, invalid, not_found
from functions.core.api.requests import RetryRequest, RunRequest, StoredManifest
from functions.core.api.responses import Accepted
from functions.core.model.errors import InfrastructureError
from functions.core.model.limits import MAX_KEY_BYTES
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import Executions, RunRegistry, SubmittedManifests
from functions.core.model.runs import ManifestObject, Status, new_record, timestamp

MANIFEST_PREFIXES = ("manifests/", "submitted/")
ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What a run is to be made of: a manifest that is there, or the content of one. `what` tells requests apart."""

    kind: str
    what: str
    source: ManifestObject | bytes
    options: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.kind}\n{self.what}".encode("utf-8", "backslashreplace")).hexdigest()

    def run_id(self, key: str | None) -> str:
        """The same for the same key, whoever sends it; without one, always another."""
        if key is None:
            return f"{self.kind}-{secrets.token_hex(ID_DIGITS // 2)}"
        return f"{self.kind}-{hashlib.sha256(key.encode()).hexdigest()[:ID_DIGITS]}"


class RunSubmission:
    """`now` is when it was asked."""

    def __init__(self, *, runs: RunRegistry, lists: SubmittedManifests, executions: Executions, now: datetime) -> None:
        self._runs = runs
        self._lists = lists
        self._executions = executions
        self._now = now

    def submit(self, request: RunRequest, key: str | None) -> Accepted:
        """Raises Problem(422), InfrastructureError."""
        options = request.root.asked_options()
        source: ManifestObject | bytes
        if isinstance(request.root, StoredManifest):
            source = self._stored(request.root.manifest)
        else:
            source = json.dumps(request.root.rows()).encode()
        return self._begin(StartRequest("api", request.fingerprint(), source, options), key)

    def retry(self, run_id: str, request: RetryRequest | None, key: str | None) -> Accepted:
        """A run of what is left over of another one, by its options. Raises Problem(404 | 409 | 422), InfrastructureError."""
        asked = request or RetryRequest()
        record = self._runs.get(run_id)
        if record is None:
            raise not_found(f"There is no run {run_id}.")
        options = {**(record.get("options") or {}), **asked.asked_options()}
        what = f"{run_id} {asked.fingerprint()}"
        return self._begin(StartRequest("retry", what, self._left_over(record), options), key)

    def _stored(self, uri: str) -> ManifestObject:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if bucket != self._lists.bucket or not key.startswith(MANIFEST_PREFIXES):
            places = " or ".join(f"s3://{self._lists.bucket}/{prefix}" for prefix in MANIFEST_PREFIXES)
            raise invalid("manifest", f"It must be an object under {places}.")
        found = self._lists.find(key) if len(key.encode()) <= MAX_KEY_BYTES else None
        if found is None:
            raise invalid("manifest", "There is no such object.")
        return found

    def _left_over(self, record: Mapping[str, Any]) -> ManifestObject:
        run_id = record["run_id"]
        if "ended_at" not in record:
            raise conflict(f"The run {run_id} is not over yet: it is {record['status']}.")
        key = record.get("retry_manifest")
        if key is None and _was_never_read(record):
            key = record["manifest_key"]
        if key is None:
            raise conflict(f"There is nothing to retry: no row of the run {run_id} failed in a way that may pass.")
        found = self._lists.find(key)
        if found is None:
            raise conflict(f"What is left of the run {run_id} cannot be had any more: {key} is gone.")
        return found

    def _begin(self, asked: StartRequest, key: str | None) -> Accepted:
        run_id = asked.run_id(key)
        arn = self._executions.arn_of(run_id)
        status = self._recorded(asked, run_id, arn)
        if status is Status.STARTING:
            try:
                self._start(asked, run_id)
            except InfrastructureError:
                if key is None:  # nobody can ask for the same run again
                    ended = {"status": Status.FAILED.value, "ended_at": timestamp(self._now), "error": "NotStarted"}
                    self._runs.update_unless_over(run_id, ended)
                raise
        return Accepted(run_id=run_id, execution_arn=arn, status=status)

    def _recorded(self, asked: StartRequest, run_id: str, arn: str) -> Status:
        """How far the run is, which may be another request's. Raises Problem(422)."""
        source = asked.source
        if isinstance(source, bytes):
            source = ManifestObject(self._lists.bucket, _list_key(run_id), size=len(source))
        record = new_record(run_id, source, arn, timestamp(self._now), Status.STARTING)
        record |= {"request": asked.fingerprint, "options": dict(asked.options)}
        if self._runs.create(record):
            return Status.STARTING
        known = self._runs.get(run_id) or record
        if known.get("request") != asked.fingerprint:
            raise invalid("Idempotency-Key", "It came before, with another request: a new request takes a new key.")
        return Status(known["status"])

    def _start(self, asked: StartRequest, run_id: str) -> None:
        manifest = asked.source
        if isinstance(manifest, bytes):
            manifest = self._lists.put(_list_key(run_id), manifest)
        self._executions.start(run_id, manifest.as_event() | {"run": {"id": run_id, "options": asked.options}})


def _list_key(run_id: str) -> str:
    return f"submitted/{run_id}.json"


def _was_never_read(record: Mapping[str, Any]) -> bool:
    """Cancelled before PrepareRun had done its work."""
    return record["status"] == Status.CANCELLED and not any(record.get(kind.value) for kind in OutcomeKind)
