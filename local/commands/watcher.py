"""Looks at one execution of the state machine through the APIs that AWS has, too."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.core.model.runs import run_id_of

Client = Callable[[str], Any]
"""Gives the boto3 client of a service."""

MOST_PARTS = 500
"""Batches whose results are read while the run goes on; of a larger run only rows are told until it has ended."""


@dataclass(frozen=True)
class Places:
    """The stack's names, as its outputs have them."""

    machine: str
    runs_table: str
    input_bucket: str

    @classmethod
    def of(cls, outputs: Mapping[str, str]) -> "Places":
        return cls(outputs["StateMachineArn"], outputs["RunsTable"], outputs["InputBucket"])


@dataclass(frozen=True)
class Seen:
    """One look. `rows` is None until PrepareRun has counted them; `counts` is by outcome, as far as they are known."""

    execution: Mapping[str, Any]
    rows: int | None
    finished: int
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return bool(self.execution["status"] == "RUNNING")


class Watcher:
    """One execution. `stored` tells how many images the run has stored so far where that can be told sooner than by
    the results of batches that have ended."""

    def __init__(self, client: Client, places: Places, execution: str, stored: Callable[[], int] = lambda: 0) -> None:
        self._client = client
        self._places = places
        self._arn = execution
        self._stored = stored
        description = client("stepfunctions").describe_execution(executionArn=execution)
        self.run_id = run_id_of(json.loads(description["input"]))
        self._parts = Parts(client("s3"), places.input_bucket, self.run_id)
        self._map_run: str | None = None
        self._rows: int | None = None

    def watch(self, every: float) -> Iterator[Seen]:
        """A look every so many seconds, the last one at the execution's end."""
        while (seen := self.look()).running:
            yield seen
            time.sleep(every)
        yield seen

    def look(self) -> Seen:
        execution = self._client("stepfunctions").describe_execution(executionArn=self._arn)
        counts, stored = self._parts.counts(), self._stored()
        if stored > counts["stored"]:
            counts["stored"] = stored
        finished = max(self._ended(), counts.total())
        return Seen(execution, self._counted(), finished, counts)

    def summary(self) -> dict[str, Any] | None:
        """What SummarizeRun wrote, if it came to that."""
        s3 = self._client("s3")
        try:
            body = s3.get_object(Bucket=self._places.input_bucket, Key=f"runs/{self.run_id}/summary.json")["Body"]
        except s3.exceptions.NoSuchKey:
            return None
        found: dict[str, Any] = json.loads(body.read())
        return found

    def _ended(self) -> int:
        """Rows whose batch has ended."""
        states = self._client("stepfunctions")
        if self._map_run is None:
            runs = states.list_map_runs(executionArn=self._arn)["mapRuns"]
            self._map_run = runs[0]["mapRunArn"] if runs else None
        if self._map_run is None:
            return 0
        counts = states.describe_map_run(mapRunArn=self._map_run)["itemCounts"]
        return int(counts["succeeded"] + counts["failed"])

    def _counted(self) -> int | None:
        if self._rows is None:
            key = {"run_id": {"S": self.run_id}}
            record = self._client("dynamodb").get_item(TableName=self._places.runs_table, Key=key).get("Item", {})
            self._rows = int(record["rows"]["N"]) if "rows" in record else None
        return self._rows


class Parts:
    """The results of batches, each read once, or again where a batch that was repeated has replaced it."""

    def __init__(self, s3: Any, bucket: str, run_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = f"runs/{run_id}/results/"
        self._read: dict[str, tuple[str, Counter[str]]] = {}
        self._too_many = False

    def counts(self) -> Counter[str]:
        """Rows by outcome; nothing where there are too many parts to read."""
        found = {} if self._too_many else self._found()
        self._too_many = self._too_many or len(found) > MOST_PARTS
        if self._too_many:
            return Counter()
        for key, etag in found.items():
            if self._read.get(key, ("",))[0] != etag:
                self._read[key] = etag, self._outcomes(key)
        return sum((counts for _, counts in self._read.values()), Counter())

    def _found(self) -> dict[str, str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, PaginationConfig={"MaxItems": MOST_PARTS + 1}
        )
        return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])}

    def _outcomes(self, key: str) -> Counter[str]:
        body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return Counter(json.loads(line)["outcome"] for line in body.splitlines())
