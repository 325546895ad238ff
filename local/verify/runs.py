"""Runs of the check: their executions, found by the key of the manifest and followed to their end."""

import csv
import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from botocore.exceptions import ClientError

from functions.core.model.runs import run_id_of
from functions.core.model.types import ResultLine, RunSummary
from functions.core.report.formatting import plural
from local.verify.created import Created
from local.verify.lines import CheckFailedError, StoppedError
from local.verify.samples.manifests import Row
from local.verify.stack import DeployedStack

OUTCOMES = ("stored", "unchanged", "skipped", "duplicate", "failed")
RUN_SECONDS = 600
"""Maximum time for a run of a few rows: a new account may throttle its functions for some minutes."""

LATE_START_SECONDS = 20
"""Minimum wait for the run of an upload, also if the runs of other uploads have not started in time."""

UPLOAD_AGAIN_SECONDS = 45
CLOCK_SKEW = timedelta(minutes=2)
EVENTBRIDGE_DELAY = (
    "S3 sends no events to EventBridge for around five minutes after a bucket was created. If the stack is older, see"
    " the rule that starts runs and its dead-letter queue."
)


@dataclass(frozen=True)
class Run:
    """A run that has ended with a summary. `rows` are those of its manifest, in order."""

    name: str
    run_id: str
    rows: Sequence[Row] = field(repr=False)
    summary: RunSummary = field(repr=False)


class Waiting:
    """Waits of all checks. `timeout` is the time, in seconds, for what AWS delivers later."""

    def __init__(self, timeout: float, interval: float) -> None:
        self.timeout = timeout
        self.interval = interval
        self.stopped = threading.Event()
        self.started_at = time.monotonic()

    def polls(self, seconds: float | None = None) -> Iterator[float]:
        """Yields at once and after each interval, with the seconds that have passed. Raises StoppedError."""
        start, limit = time.monotonic(), self.timeout if seconds is None else seconds
        while True:
            if self.stopped.is_set():
                raise StoppedError
            passed = time.monotonic() - start
            yield passed
            if passed >= limit:
                return
            self.stopped.wait(min(self.interval, limit - passed))


class Runs:
    """Thread-safe. It remembers the executions that were listed. `say` shows a sentence to the user."""

    def __init__(
        self, stack: DeployedStack, created: Created, waiting: Waiting, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._stack = stack
        self._created = created
        self._waiting = waiting
        self._say = say
        self._has_said = False
        self._states = stack.clients("stepfunctions")
        self._since = datetime.now(UTC) - CLOCK_SKEW
        self._lock = threading.Lock()
        self._arns_by_manifest: dict[str, str] = {}
        self._known: set[str] = set()

    def upload(self, key: str, content: bytes, options: Mapping[str, str]) -> str:
        """Upload a manifest and wait for its run. Returns the ARN of the execution."""
        self._put(key, content, options)
        uploaded_at = 0.0
        limit = max(LATE_START_SECONDS, self._waiting.timeout - (time.monotonic() - self._waiting.started_at))
        for passed in self._waiting.polls(min(limit, self._waiting.timeout)):
            if arn := self.execution_of(key):
                return arn
            if passed - uploaded_at >= UPLOAD_AGAIN_SECONDS:
                self._say_once(f"No run has started yet, waiting up to {limit / 60:.0f} minutes. {EVENTBRIDGE_DELAY}")
                self._put(key, content, options)
                uploaded_at = passed
        raise CheckFailedError(f"No run has started {passed:.0f} seconds after the upload. {EVENTBRIDGE_DELAY}")

    def _say_once(self, sentence: str) -> None:
        with self._lock:
            if not self._has_said:
                self._has_said = True
                self._say(sentence)

    def _put(self, key: str, content: bytes, options: Mapping[str, str]) -> None:
        self._created.add_upload(key)
        self._stack.clients("s3").put_object(
            Bucket=self._stack.outputs["InputBucket"], Key=key, Body=content, Metadata=dict(options)
        )

    def execution_of(self, key: str) -> str | None:
        """The execution that the upload of a manifest has started."""
        with self._lock:
            if key not in self._arns_by_manifest:
                self._list()
            return self._arns_by_manifest.get(key)

    def _list(self) -> None:
        """Read the inputs of the executions that are new, the oldest first: a manifest may be uploaded again."""
        machine = self._stack.outputs["StateMachineArn"]
        pages = self._states.get_paginator("list_executions").paginate(stateMachineArn=machine)
        newest_first = (execution for page in pages for execution in page["executions"])
        recent = takewhile(lambda execution: execution["startDate"] >= self._since, newest_first)
        for arn in reversed([each["executionArn"] for each in recent if each["executionArn"] not in self._known]):
            self._add(arn)

    def _add(self, arn: str) -> None:
        self._known.add(arn)
        event = json.loads(self._states.describe_execution(executionArn=arn)["input"])
        try:
            key = event["detail"]["object"]["key"]
            run_id = run_id_of(event)
        except (KeyError, TypeError):
            return  # an execution that was started by hand
        if key in self._created.uploads:
            self._arns_by_manifest.setdefault(key, arn)
            self._created.add_run(run_id, arn)

    def refresh(self) -> None:
        """Look for runs of the manifests once more."""
        with self._lock:
            self._list()

    def finish(self, name: str, arn: str, rows: Sequence[Row]) -> Run:
        """Wait for the end of a run. Raises CheckFailedError unless the run has succeeded and has a summary."""
        execution = self.wait_for(arn)
        run_id = run_id_of(json.loads(execution["input"]))
        self._created.add_run(run_id, arn)
        summary = self.summary(run_id)
        if execution["status"] != "SUCCEEDED":
            first = "" if summary is None else self._first_failure(summary)
            raise CheckFailedError(
                f"The run {run_id} ended as {execution['status']}: {cause(execution)} {first}".strip()
            )
        if summary is None:
            raise CheckFailedError(f"The run {run_id} has succeeded without a summary.json.")
        return Run(name, run_id, rows, summary)

    def wait_for(self, arn: str) -> Mapping[str, Any]:
        """The description of an execution that has ended. Any: the response of Step Functions."""
        for _ in self._waiting.polls(RUN_SECONDS):
            execution: Mapping[str, Any] = self._states.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
        raise CheckFailedError(f"The run has not ended after {RUN_SECONDS} seconds: {arn}.")

    def wait_for_index(self, run_id: str) -> Mapping[str, Any]:
        """The description of the execution that has made the index of a run. Any: the response of Step Functions."""
        for _ in self._waiting.polls(RUN_SECONDS):
            execution = self.index(run_id)
            if execution is not None and execution["status"] != "RUNNING":
                return execution
        state = "been started" if execution is None else "ended"
        raise CheckFailedError(f"The index of the run {run_id} has not {state} after {RUN_SECONDS} seconds.")

    def index(self, run_id: str) -> Mapping[str, Any] | None:
        """The description of the execution that makes the index of a run, None if none was started. Any: the response
        of Step Functions."""
        machine = self._stack.outputs["IndexMachineArn"].replace(":stateMachine:", ":execution:")
        try:
            execution: Mapping[str, Any] = self._states.describe_execution(executionArn=f"{machine}:{run_id}")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise
        return execution

    def summary(self, run_id: str) -> RunSummary | None:
        """None where SummarizeRun has not written one."""
        try:
            found: RunSummary = json.loads(self.read(f"runs/{run_id}/summary.json"))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        return found

    def results(self, run_id: str) -> Iterator[ResultLine]:
        """The outcomes of the rows, as the batches have written them."""
        for key in self._keys(f"runs/{run_id}/results/"):
            yield from map(json.loads, self.read(key).splitlines())

    def _keys(self, prefix: str) -> list[str]:
        """The keys of the objects in the input bucket."""
        bucket = self._stack.outputs["InputBucket"]
        pages = self._stack.clients("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        """An object in the input bucket."""
        response = self._stack.clients("s3").get_object(Bucket=self._stack.outputs["InputBucket"], Key=key)
        return bytes(response["Body"].read())

    def check_counts(self, run: Run) -> str:
        """Compare the summary with the rows. Returns the counts. Raises CheckFailedError."""
        expected = {
            "stored": sum(row.picture is not None and not row.repeated for row in run.rows),
            "duplicate": sum(row.repeated for row in run.rows),
            "failed": sum(row.picture is None for row in run.rows),
        }
        counts: Mapping[str, object] = run.summary
        found = {outcome: int(str(counts[outcome])) for outcome in OUTCOMES}
        total = run.summary["rows"]
        if total != sum(found.values()) or total != len(run.rows):
            raise CheckFailedError(f"The manifest has {len(run.rows)} rows, the summary {total}: {listed(found)}.")
        if found != {outcome: expected.get(outcome, 0) for outcome in OUTCOMES}:
            raise CheckFailedError(
                f"{listed(found)}; expected {listed(expected)}. {self._first_failure(run.summary)}".strip()
            )
        return f"{plural(total, 'row')}: {listed(found)}."

    def _first_failure(self, summary: RunSummary) -> str:
        """Of failures.csv, with its reason."""
        if not summary["failures_report"]:
            return ""
        text = self.read(summary["failures_report"]).decode()
        first = next(csv.DictReader(io.StringIO(text)), {})
        return f"The first failure is {first.get('reason')}: {first.get('message')} {self._crash(summary)}".strip()

    def _crash(self, summary: RunSummary) -> str:
        """The error of a batch that crashed, by the result files of the Distributed Map."""
        for key in self._keys(f"runs/{summary['run_id']}/map/"):
            if key.rpartition("/")[2].startswith("FAILED_"):
                return f"A batch ended with {cause(json.loads(self.read(key))[0], 'Error', 'Cause')}"
        return ""


def listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count) or "no row"


def cause(execution: Mapping[str, Any], error: str = "error", cause: str = "cause") -> str:
    """The error and the message of its cause; `error` and `cause` are their names. Any: from Step Functions."""
    text = execution.get(cause, "")
    with suppress(ValueError, KeyError, TypeError):
        text = json.loads(text)["errorMessage"]
    return f"{execution.get(error, '')}. {text}"
