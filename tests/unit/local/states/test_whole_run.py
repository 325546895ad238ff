"""A state machine with the shape of the product's own, from the event of an uploaded manifest to its end."""

import json
from typing import Any

import pytest

from tests.unit.local.states.harness import INVOKE, Harness, LambdaError
from tests.unit.local.states.run.test_distributed_map import map_run, result_file

EXECUTION = {
    "input.$": "$$.Execution.Input",
    "execution_arn.$": "$$.Execution.Id",
    "started_at.$": "$$.Execution.StartTime",
}
READERS: dict[str, dict[str, Any]] = {
    "csv": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "COMMA"},
    "tsv": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "TAB"},
    "txt": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["url"], "CSVDelimiter": "TAB"},
    "json": {"InputType": "JSON"},
    "jsonl": {"InputType": "JSONL"},
}
RETRY = [
    {"ErrorEquals": ["InvalidManifest"], "MaxAttempts": 0},
    {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 2, "JitterStrategy": "FULL"},
]
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "SummarizeRun"}]


def invoke(function: str, payload: dict[str, Any], **fields: Any) -> dict[str, Any]:
    parameters = {"FunctionName": function, "Payload": payload}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, "OutputPath": "$.Payload", **fields}


def child(kind: str) -> dict[str, Any]:
    download, deferred, wait, done = (f"{n} {kind}" for n in ("Download", "Deferred", "Wait", "Done"))
    payload = {"batch.$": "$", "started_at.$": "$$.Execution.StartTime"}
    present = {"Variable": "$.Items[0]", "IsPresent": True, "Next": wait}
    return {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": download,
        "States": {
            download: invoke("download", payload, Retry=RETRY[1:], Next=deferred),
            deferred: {"Type": "Choice", "Choices": [present], "Default": done},
            wait: {"Type": "Wait", "SecondsPath": "$.wait_seconds", "Next": download},
            done: {"Type": "Pass", "Parameters": {"counts.$": "$.counts"}, "End": True},
        },
    }


def map_state(kind: str) -> dict[str, Any]:
    return {
        "Type": "Map",
        "Label": kind,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": READERS[kind],
            "Parameters": {"Bucket.$": "$.manifest.bucket", "Key.$": "$.manifest.key"},
        },
        "ItemSelector": {"row.$": "$$.Map.Item.Index", "item.$": "$$.Map.Item.Value"},
        "ItemBatcher": {
            "MaxItemsPerBatchPath": "$.batch_size",
            "MaxInputBytesPerBatch": 196_608,
            "BatchInput": {"run.$": "$.run"},
        },
        "MaxConcurrencyPath": "$.max_concurrency",
        "ToleratedFailurePercentage": 100,
        "ItemProcessor": child(kind),
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket.$": "$.manifest.bucket", "Prefix.$": "$.map_prefix"},
            "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"},
        },
        "ResultPath": "$.map",
        "Catch": CATCH,
        "Next": "SummarizeRun",
    }


def route() -> dict[str, Any]:
    rules = [
        {"Variable": "$.status", "StringEquals": "repeated", "Next": "AlreadyMirrored"},
        {"Variable": "$.status", "StringEquals": "empty", "Next": "SummarizeRun"},
        *({"Variable": "$.reader", "StringEquals": kind, "Next": f"Map {kind}"} for kind in READERS),
    ]
    return {"Type": "Choice", "Choices": rules, "Default": "UnknownReader"}


MACHINE = {
    "StartAt": "PrepareRun",
    "States": {
        "PrepareRun": invoke("prepare", EXECUTION, Retry=RETRY, Catch=CATCH, Next="Route"),
        "Route": route(),
        **{f"Map {kind}": map_state(kind) for kind in READERS},
        "SummarizeRun": invoke("summarize", {**EXECUTION, "failure.$": "$.failure"}, Next="Outcome"),
        "Outcome": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.status", "StringEquals": "succeeded", "Next": "RunSucceeded"}],
            "Default": "RunFailed",
        },
        "AlreadyMirrored": {"Type": "Succeed"},
        "UnknownReader": {"Type": "Fail", "Error": "UnknownReader"},
        "RunSucceeded": {"Type": "Succeed"},
        "RunFailed": {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "$.cause"},
    },
}
EVENT = {"detail": {"bucket": {"name": "in"}, "object": {"key": "manifests/list"}}}


class Product:
    """Fakes of the three functions."""

    def __init__(self, harness: Harness, kind: str, content: bytes, **prepared: Any) -> None:
        harness.bucket.objects["manifests/list"] = content
        self._prepared = {
            "run": {"id": "r1", "options": {}},
            "status": "ready",
            "reader": kind,
            "manifest": {"bucket": "in", "key": "manifests/list"},
            "batch_size": 2,
            "max_concurrency": 3,
            "map_prefix": "runs/1/map",
            "failure": None,
            **prepared,
        }
        self.batches: list[Any] = []
        self.summarized: Any = None
        harness.functions.update(prepare=self.prepare, download=self.download, summarize=self.summarize)

    def prepare(self, payload: Any) -> Any:
        assert payload["input"] == EVENT
        if self._prepared["status"] == "wrong":
            raise LambdaError("InvalidManifest", "no url column")
        return self._prepared

    def download(self, payload: Any) -> Any:
        """Defers rows with the URL "busy" for one round; fails for a batch with the URL "crash"."""
        batch = payload["batch"]
        self.batches.append(batch)
        urls = [row["item"]["url"] for row in batch["Items"]]
        if "crash" in urls:
            raise LambdaError("Sandbox.Timedout")
        first = "round" not in batch
        busy = [row for row in batch["Items"] if row["item"]["url"] == "busy" and first]
        done = batch.get("counts", {"stored": 0})["stored"] + len(urls) - len(busy)
        return {**batch, "Items": busy, "round": 1, "wait_seconds": 20, "counts": {"stored": done}}

    def summarize(self, payload: Any) -> Any:
        self.summarized = payload
        if payload["failure"]:
            return {"status": "failed", "error": payload["failure"]["Error"], "cause": "see the report"}
        return {"status": "succeeded", "counts": {}}


MANIFESTS = {
    "csv": b"url,key\na,1\nbusy,2\nc,3\n",
    "tsv": b"url\tkey\na\t1\nbusy\t2\nc\t3\n",
    "txt": b"a\nbusy\nc\n",
    "json": b'[{"url": "a"}, {"url": "busy"}, {"url": "c"}]',
    "jsonl": b'{"url": "a"}\n{"url": "busy"}\n{"url": "c"}\n',
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_every_kind_of_manifest_is_mirrored(harness: Harness, kind: str) -> None:
    product = Product(harness, kind, MANIFESTS[kind])
    execution = harness.run(MACHINE, EVENT)
    run = map_run(harness, execution)
    assert execution.status == "SUCCEEDED"
    assert run["itemCounts"]["succeeded"] == run["itemCounts"]["total"] == 3
    stored = [output["counts"]["stored"] for output in result_file(harness, run, "SUCCEEDED")]
    assert sorted(stored) == [1, 2]
    assert product.summarized["execution_arn"] == execution.arn


def test_deferred_rows_come_back_after_the_wait(harness: Harness) -> None:
    product = Product(harness, "csv", b"url\nbusy\nb\n")
    harness.run(MACHINE, EVENT)
    assert [[row["row"] for row in batch["Items"]] for batch in product.batches] == [[0, 1], [0]]
    assert product.batches[1]["BatchInput"] == {"run": {"id": "r1", "options": {}}}
    assert harness.clock.waits == [20]


def test_a_crashed_batch_stops_no_other_and_has_a_complete_entry(harness: Harness) -> None:
    Product(harness, "csv", b"url\na\nb\ncrash\nd\ne\n")
    execution = harness.run(MACHINE, EVENT)
    run = map_run(harness, execution)
    assert (execution.status, run["itemCounts"]["failed"], run["itemCounts"]["succeeded"]) == ("SUCCEEDED", 2, 3)
    [failure] = result_file(harness, run, "FAILED")
    assert failure["Error"] == "Sandbox.Timedout"
    assert [row["row"] for row in json.loads(failure["Input"])["Items"]] == [2, 3]


def test_a_wrong_manifest_is_summarized_and_fails_the_run(harness: Harness) -> None:
    product = Product(harness, "csv", b"", status="wrong")
    execution = harness.run(MACHINE, EVENT)
    assert (execution.error, execution.cause) == ("InvalidManifest", "see the report")
    assert product.summarized["failure"]["Error"] == "InvalidManifest"
    assert harness.clock.waits == []


def test_a_manifest_that_no_longer_exists_is_summarized_too(harness: Harness) -> None:
    Product(harness, "csv", b"", manifest={"bucket": "in", "key": "gone"})
    assert harness.run(MACHINE, EVENT).error == "States.ItemReaderFailed"


@pytest.mark.parametrize(
    ("prepared", "error"),
    [({"status": "repeated"}, None), ({"status": "empty"}, None), ({"reader": "x"}, "UnknownReader")],
)
def test_there_are_runs_without_a_map(harness: Harness, prepared: dict[str, Any], error: str | None) -> None:
    Product(harness, "csv", b"", **prepared)
    assert harness.run(MACHINE, EVENT).error == error
