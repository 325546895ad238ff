"""Polls one execution of the state machine through AWS APIs only."""

import csv
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from functions.core.model.runs import run_id_of
from functions.core.model.types import RunSummary

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

FAILURES_BYTES = 256 * 1024
"""Maximum size of what is read of a failures report."""

Clients = Callable[[str], Any]
"""Returns the boto3 client of a service. Any: the type of a client depends on the name of its service."""

MAX_PARTS = 500
"""Maximum number of results parts that are read during a run. For a larger run only its finished rows are counted."""


@dataclass(frozen=True)
class StackOutputs:
    """The outputs of the stack that a command needs."""

    state_machine_arn: str
    runs_table: str
    input_bucket: str

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> "StackOutputs":
        return cls(outputs["StateMachineArn"], outputs["RunsTable"], outputs["InputBucket"])


@dataclass(frozen=True)
class ExecutionStatus:
    """`status` is that of Step Functions; `error` and `cause` are empty unless the execution failed."""

    status: str
    error: str = ""
    cause: str = ""

    @classmethod
    def from_description(cls, description: "DescribeExecutionOutputTypeDef") -> "ExecutionStatus":
        return cls(description["status"], description.get("error", ""), description.get("cause", ""))

    @property
    def running(self) -> bool:
        return self.status == "RUNNING"

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCEEDED"


@dataclass(frozen=True)
class RunProgress:
    """The state of a run at one poll.

    `rows` is None until PrepareRun has counted them, `finished` is the number of rows with an outcome, `counts` are the
    rows by outcome as far as they are known. `note` says why fewer batches run at once than requested.
    """

    execution: ExecutionStatus
    rows: int | None
    finished: int
    counts: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    @property
    def running(self) -> bool:
        return self.execution.running


class Watcher:
    """Polls one execution. `count_stored` returns the number of images stored so far, for an environment in which it is
    known before the batches have written their results. `wait` waits for a number of seconds, or less where the end of
    the execution ends it.

    A poll makes three requests: DescribeExecution, DescribeMapRun, and a listing of the parts, of which it then reads
    those that are new. The number of rows and the Map Run are requested until they are known. When the Map over the
    manifest is over and the run is not, the record of the run says whether rows wait for a pass.
    """

    def __init__(
        self,
        clients: Clients,
        outputs: StackOutputs,
        execution_arn: str,
        count_stored: Callable[[], int] = lambda: 0,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._clients = clients
        self._outputs = outputs
        self._execution_arn = execution_arn
        self._count_stored = count_stored
        self._wait = wait
        self.run_id = run_id_of(json.loads(self._describe()["input"]))
        self._parts = ResultParts(clients("s3"), outputs.input_bucket, self.run_id)
        self._map_run_arn: str | None = None
        self._rows: int | None = None
        self._note = ""

    def watch(self, interval: float) -> Iterator[RunProgress]:
        """Poll every `interval` seconds; the last value is that of the end of the execution."""
        while (progress := self.poll()).running:
            yield progress
            self._wait(interval)
        yield progress

    def poll(self) -> RunProgress:
        execution = ExecutionStatus.from_description(self._describe())
        counts = self._parts.counts()
        if execution.running or not counts:
            counts["stored"] = max(counts["stored"], self._count_stored())
        finished, rows = max(self._finished_rows(), counts.total()), self._total_rows()
        if execution.running and rows and finished >= rows and (waiting := self._waiting_rows()):
            finished = counts.total() or rows - waiting
        return RunProgress(execution, rows, finished, counts, self._note)

    def summary(self) -> RunSummary | None:
        """The summary of the run; None where SummarizeRun has not written one."""
        s3: S3Client = self._clients("s3")
        key = f"runs/{self.run_id}/summary.json"
        try:
            body = s3.get_object(Bucket=self._outputs.input_bucket, Key=key)["Body"]
        except s3.exceptions.NoSuchKey:
            return None
        summary: RunSummary = json.loads(body.read())
        return summary

    def failures(self, summary: RunSummary) -> Iterator[dict[str, str]]:
        """The first rows of the failures report, as many as are in its first FAILURES_BYTES."""
        s3: S3Client = self._clients("s3")
        if key := summary["failures_report"]:
            wanted = f"bytes=0-{FAILURES_BYTES - 1}"
            content = s3.get_object(Bucket=self._outputs.input_bucket, Key=key, Range=wanted)["Body"].read()
            whole = content if len(content) < FAILURES_BYTES else content[: content.rfind(b"\n") + 1]
            yield from csv.DictReader(io.StringIO(whole.decode(errors="replace"), newline=""))

    def _describe(self) -> "DescribeExecutionOutputTypeDef":
        states: SFNClient = self._clients("stepfunctions")
        return states.describe_execution(executionArn=self._execution_arn)

    def _finished_rows(self) -> int:
        """Number of rows whose batch has ended."""
        states: SFNClient = self._clients("stepfunctions")
        if self._map_run_arn is None:
            map_runs = states.list_map_runs(executionArn=self._execution_arn)["mapRuns"]
            first = min(map_runs, key=lambda run: run["startDate"], default=None)  # later ones are those of passes
            self._map_run_arn = first["mapRunArn"] if first else None
        if self._map_run_arn is None:
            return 0
        counts = states.describe_map_run(mapRunArn=self._map_run_arn)["itemCounts"]
        return int(counts["succeeded"] + counts["failed"])

    def _total_rows(self) -> int | None:
        if self._rows is None:
            record = run_item(self._clients, self._outputs, self.run_id)
            self._rows = int(record["rows"]["N"]) if "rows" in record else None
            self._note = str(record.get("concurrency_note", {}).get("S", ""))
        return self._rows

    def _waiting_rows(self) -> int:
        """The rows of the last planned pass; 0 if there is none."""
        record = run_item(self._clients, self._outputs, self.run_id)
        if "pass_number" not in record:
            return 0
        number, rows = record["pass_number"]["N"], int(record["pass_rows"]["N"])
        self._note = f"Pass {number}: rows that wait ({rows:,}) are tried again at {record['pass_starts_at']['S']}."
        return rows


def run_item(clients: Clients, outputs: StackOutputs, run_id: str) -> dict[str, Any]:
    """The DynamoDB item of a run; empty where there is no such run. Any: DynamoDB's attribute values."""
    key = {"run_id": {"S": run_id}}
    item: dict[str, Any] = clients("dynamodb").get_item(TableName=outputs.runs_table, Key=key).get("Item", {})
    return item


class ResultParts:
    """The results parts of a run. Each is read once, and again where a repeated batch has replaced it."""

    def __init__(self, s3: "S3Client", bucket: str, run_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = f"runs/{run_id}/results/"
        self._counts_by_key: dict[str, tuple[str, Counter[str]]] = {}
        self._total: Counter[str] = Counter()
        self._too_many = False

    def counts(self) -> Counter[str]:
        """Rows by outcome; empty where there are more parts than MAX_PARTS."""
        etags = {} if self._too_many else self._list()
        self._too_many = self._too_many or len(etags) > MAX_PARTS
        if self._too_many:
            return Counter()
        for key, etag in etags.items():
            known_etag, known_counts = self._counts_by_key.get(key, ("", Counter[str]()))
            if known_etag != etag:
                counts = self._read(key)
                self._counts_by_key[key] = etag, counts
                self._total = self._total - known_counts + counts
        return self._total.copy()

    def _list(self) -> dict[str, str]:
        """The ETags of the parts by key."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, PaginationConfig={"MaxItems": MAX_PARTS + 1}
        )
        return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])}

    def _read(self, key: str) -> Counter[str]:
        body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return Counter(json.loads(line)["outcome"] for line in body.splitlines())
