"""A test harness: the engine with a fake clock, a bucket in memory, and Python functions instead of Lambda."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from local.states import Engine, Invocation, InvocationRefusedError
from local.states.records.executions import Execution

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/states"
INVOKE = "arn:aws:states:::lambda:invoke"
TIMEOUT_SECONDS = 10.0
"""Maximum wait of a test, in seconds. Only a failing test waits that long."""


class JumpingClock:
    """A clock whose waits return at once and advance it by their duration."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._now = START
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        with self._lock:
            self.waits.append(seconds)
        self.pass_time(seconds)
        return stop.is_set()

    def pass_time(self, seconds: float) -> None:
        with self._lock:
            self._now += timedelta(seconds=seconds)


class Bucket:
    """A fake of the S3 client, for all buckets. `rejects_writes` makes put_object fail."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.rejects_writes = False
        self.bytes_read = 0
        """Total bytes read from response bodies."""

    def get_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:  # noqa: N803 - as in boto3
        name = f"{Key}?versionId={VersionId}" if VersionId else Key
        if name not in self.objects:
            raise KeyError(f"no such key: {name}")
        return {"Body": _Body(self, self.objects[name])}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, ContinuationToken: str = "") -> dict[str, Any]:  # noqa: N803
        """Pages of two objects. The ETag is the size in quotation marks."""
        keys = sorted(key for key in self.objects if key.startswith(Prefix) and key > ContinuationToken)
        page, rest = keys[:2], keys[2:]
        entries = [
            {"Key": key, "ETag": f'"{len(self.objects[key])}"', "LastModified": START, "Size": len(self.objects[key])}
            for key in page
        ]
        return {"Contents": entries, "IsTruncated": bool(rest), **({"NextContinuationToken": page[-1]} if rest else {})}

    def put_object(self, *, Bucket: str, Key: str, Body: Any, ContentType: str) -> None:  # noqa: N803
        if self.rejects_writes:
            raise OSError("access denied")
        self.objects[Key] = Body if isinstance(Body, bytes) else Body.read()

    def json(self, key: str) -> Any:
        return json.loads(self.objects[key])


class _Body(io.BytesIO):
    def __init__(self, bucket: Bucket, content: bytes) -> None:
        super().__init__(content)
        self._bucket = bucket

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self._bucket.bytes_read += len(data)
        return data


class LambdaError(Exception):
    """Raised by a fake function: the function ran and failed."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(name)
        self.payload = {"errorType": name, "errorMessage": message}


Function = Callable[[Any], Any]


class Harness:
    """An engine. `functions` are called by name; `status_changes` collects the details of status change events."""

    def __init__(self, max_children: int = 8) -> None:
        self.clock = JumpingClock()
        self.bucket = Bucket()
        self.functions: dict[str, Function] = {}
        self.status_changes: list[dict[str, Any]] = []
        self.engine = Engine(
            region="eu-west-1",
            account="123456789012",
            s3_of=lambda role: self.bucket,
            invoke=self._invoke,
            clock=self.clock,
            max_children=max_children,
            on_status_change=self.status_changes.append,
        )

    def _invoke(self, function: str, payload: Any) -> Invocation:
        name = function.rpartition(":")[2]
        if name not in self.functions:
            raise InvocationRefusedError("Lambda.ResourceNotFoundException", f"no function {name}")
        try:
            return Invocation(self.functions[name](payload), None)
        except LambdaError as error:
            return Invocation(error.payload, "Unhandled")

    def start(self, definition: Mapping[str, Any], data: Any = None, *, kind: str = "STANDARD") -> str:
        arn = self.engine.create_state_machine(
            name=f"machine-{len(self.engine.machines)}", definition=definition, role_arn=ROLE, kind=kind
        )
        return self.engine.start_execution(arn, {} if data is None else data, name="run")

    def run(self, definition: Mapping[str, Any], data: Any = None, *, kind: str = "STANDARD") -> Execution:
        return self.engine.wait_for(self.start(definition, data, kind=kind), TIMEOUT_SECONDS)

    def output(self, definition: Mapping[str, Any], data: Any = None) -> Any:
        """Runs an execution. Returns its output, or the name of its error."""
        execution = self.run(definition, data)
        return execution.error if execution.output_text is None else json.loads(execution.output_text)


def single_state(state: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A state machine that starts with state S, which ends it; `more` are other states."""
    end = {} if state["Type"] in ("Succeed", "Fail", "Choice") else {"End": True}
    return {"StartAt": "S", "States": {"S": {**state, **end}, **more}}


def task(function: str = "f", **more: Any) -> dict[str, Any]:
    parameters = {"FunctionName": function, "Payload.$": "$"}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, "OutputPath": "$.Payload", **more}
