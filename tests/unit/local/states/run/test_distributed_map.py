"""A Map Run: batches, child executions and their concurrency, tolerated failures, results."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from local.states import StatesApi
from local.states.records.executions import Execution
from tests.unit.local.states.harness import TIMEOUT_SECONDS, Harness, LambdaError, single_state, task

WRITER = {
    "Resource": "arn:aws:states:::s3:putObject",
    "Parameters": {"Bucket": "out", "Prefix": "runs/1/map"},
}


def reader(key: str = "list.csv", input_type: str = "CSV", **config: Any) -> dict[str, Any]:
    if input_type == "CSV":
        config = {"CSVHeaderLocation": "FIRST_ROW", **config}
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": input_type, **config},
        "Parameters": {"Bucket": "in", "Key": key},
    }


def distributed(child: dict[str, Any] | None = None, kind: str = "EXPRESS", **fields: Any) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
        "StartAt": "I",
        "States": {"I": {**(child or {"Type": "Pass"}), "End": True}},
    }
    return single_state({"Type": "Map", "Label": "L", "ItemProcessor": processor, **fields})


def write_config(transformation: str, output: str = "JSON") -> dict[str, Any]:
    return {**WRITER, "WriterConfig": {"Transformation": transformation, "OutputType": output}}


def map_run(harness: Harness, execution: Execution | str) -> dict[str, Any]:
    api = StatesApi(harness.engine)
    arn = execution if isinstance(execution, str) else execution.arn
    [run] = api.call("ListMapRuns", {"executionArn": arn})["mapRuns"]
    return api.call("DescribeMapRun", {"mapRunArn": run["mapRunArn"]})


def result_file(harness: Harness, run: dict[str, Any], status: str) -> Any:
    folder = f"runs/1/map/{run['mapRunArn'].rpartition(':')[2]}"
    return harness.bucket.json(f"{folder}/{status}_0.json")


def nonzero(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


class Gate:
    """A function whose calls block until the gate is opened for them."""

    def __init__(self) -> None:
        self.arrived: threading.Semaphore = threading.Semaphore(0)
        self.opened = threading.Semaphore(0)
        self.inside = 0
        self.max_inside = 0
        self._lock = threading.Lock()

    def __call__(self, payload: Any) -> Any:
        with self._lock:
            self.inside += 1
            self.max_inside = max(self.max_inside, self.inside)
        self.arrived.release()
        assert self.opened.acquire(timeout=TIMEOUT_SECONDS)
        with self._lock:
            self.inside -= 1
        return payload

    def await_arrivals(self, number: int) -> None:
        for _ in range(number):
            assert self.arrived.acquire(timeout=TIMEOUT_SECONDS)

    def open(self, number: int) -> None:
        self.opened.release(number)


@pytest.fixture
def gate(harness: Harness) -> Gate:
    gate = Gate()
    harness.functions["gate"] = gate
    return gate


def fails_on(*bad: Any) -> Callable[[Any], Any]:
    def function(payload: Any) -> Any:
        if payload in bad:
            raise LambdaError("Bad", "no")
        return payload

    return function


# ---- items, selectors, batches ----


def test_an_array_of_the_input_gives_its_outputs_in_order(harness: Harness) -> None:
    assert harness.output(distributed(ItemsPath="$.a"), {"a": [3, 1, 2]}) == [3, 1, 2]


def test_each_row_of_a_csv_file_becomes_an_item(harness: Harness) -> None:
    harness.bucket.objects["list.csv"] = b"url,n\nhttp://a/,1\nhttp://b/,2\n"
    rows = [{"url": "http://a/", "n": "1"}, {"url": "http://b/", "n": "2"}]
    assert harness.output(distributed(ItemReader=reader())) == rows


def test_the_selector_numbers_the_rows_and_sees_the_states_input(harness: Harness) -> None:
    harness.bucket.objects["list.csv"] = b"url\nx\ny\n"
    selector = {"row.$": "$$.Map.Item.Index", "item.$": "$$.Map.Item.Value", "run.$": "$.run"}
    output = harness.output(distributed(ItemReader=reader(), ItemSelector=selector), {"run": 7})
    assert output == [{"row": 0, "item": {"url": "x"}, "run": 7}, {"row": 1, "item": {"url": "y"}, "run": 7}]


def test_a_batch_holds_its_items_and_the_batch_input(harness: Harness) -> None:
    batcher = {"MaxItemsPerBatchPath": "$.size", "BatchInput": {"run.$": "$.run"}}
    output = harness.output(distributed(ItemsPath="$.a", ItemBatcher=batcher), {"a": [1, 2, 3], "size": 2, "run": "r"})
    assert output == [{"BatchInput": {"run": "r"}, "Items": [1, 2]}, {"BatchInput": {"run": "r"}, "Items": [3]}]


def test_an_item_that_fits_into_no_batch_fails_the_state(harness: Harness) -> None:
    batcher = {"MaxInputBytesPerBatch": 100}
    execution = harness.run(distributed(ItemBatcher=batcher), ["x", "y" * 100])
    assert execution.error == "States.DataLimitExceeded"
    assert "item 1 makes" in str(execution.cause)


def test_nothing_to_do_is_a_success(harness: Harness) -> None:
    execution = harness.run(distributed(ResultWriter=WRITER), [])
    assert map_run(harness, execution)["status"] == "SUCCEEDED"


def test_a_missing_object_fails_the_reader(harness: Harness) -> None:
    assert harness.output(distributed(ItemReader=reader())) == "States.ItemReaderFailed"


def test_no_more_is_read_than_the_children_need(harness: Harness, gate: Gate) -> None:
    harness.bucket.objects["list.csv"] = b"url\n" + b"http://example.com/some/image.jpeg\n" * 100_000
    arn = harness.start(distributed(task("gate"), ItemReader=reader(), MaxConcurrency=2))
    gate.await_arrivals(2)
    harness.engine.stop_execution(arn)
    gate.open(2)
    assert harness.bucket.bytes_read < 1_000_000 < len(harness.bucket.objects["list.csv"])


# ---- children ----


def test_a_child_sees_its_execution_and_its_machine(harness: Harness) -> None:
    seen = {"id.$": "$$.Execution.Id", "in.$": "$$.Execution.Input", "m.$": "$$.StateMachine.Name"}
    [output] = harness.output(distributed({"Type": "Pass", "Parameters": seen}), ["x"])
    assert output["id"].startswith("arn:aws:states:eu-west-1:123456789012:execution:machine-0/L:")
    assert (output["in"], output["m"]) == ("x", "machine-0/L")


def test_an_express_child_has_five_minutes(harness: Harness) -> None:
    child = {"Type": "Wait", "Seconds": 301}
    execution = harness.run(distributed(child, ResultWriter=WRITER), [1])
    run = map_run(harness, execution)
    [failure] = result_file(harness, run, "FAILED")
    assert (failure["Status"], "Error" in failure) == ("TIMED_OUT", False)
    assert nonzero(run["itemCounts"]) == {"timedOut": 1, "total": 1, "resultsWritten": 1}


def test_a_standard_child_has_no_time_limit_and_a_history(harness: Harness) -> None:
    execution = harness.run(distributed({"Type": "Wait", "Seconds": 3_000}, kind="STANDARD"), [1])
    api = StatesApi(harness.engine)
    run = map_run(harness, execution)
    [child] = api.call("ListExecutions", {"mapRunArn": run["mapRunArn"]})["executions"]
    events = api.call("GetExecutionHistory", {"executionArn": child["executionArn"]})["events"]
    assert [event["type"] for event in events] == [
        "ExecutionStarted", "WaitStateEntered", "WaitStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert child["itemCount"] == 1


def test_children_run_at_most_max_concurrency_at_once(harness: Harness, gate: Gate) -> None:
    arn = harness.start(distributed(task("gate"), MaxConcurrency=3), list(range(9)))
    gate.await_arrivals(3)
    gate.open(9)
    harness.engine.wait_for(arn, TIMEOUT_SECONDS)
    assert gate.max_inside == 3


def test_the_engine_caps_the_children_whatever_the_state_says(harness: Harness, gate: Gate) -> None:
    arn = harness.start(distributed(task("gate")), list(range(20)))
    gate.await_arrivals(8)
    gate.open(20)
    harness.engine.wait_for(arn, TIMEOUT_SECONDS)
    assert gate.max_inside == 8


def test_more_concurrency_takes_effect_at_once(harness: Harness, gate: Gate) -> None:
    arn = harness.start(distributed(task("gate"), MaxConcurrency=1), [1, 2, 3])
    gate.await_arrivals(1)
    run = map_run(harness, arn)
    assert run["itemCounts"]["running"] == 1
    StatesApi(harness.engine).call("UpdateMapRun", {"mapRunArn": run["mapRunArn"], "maxConcurrency": 3})
    gate.await_arrivals(2)
    gate.open(3)
    assert harness.engine.wait_for(arn, TIMEOUT_SECONDS).status == "SUCCEEDED"


# ---- failures ----


def test_one_failure_fails_the_state_by_default(harness: Harness) -> None:
    harness.functions["f"] = fails_on(2)
    assert harness.output(distributed(task()), [1, 2, 3]) == "States.ExceedToleratedFailureThreshold"


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        ({"ToleratedFailurePercentage": 100}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 49}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2, "ToleratedFailurePercentage": 49}, "FAILED"),
        ({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 50}, "FAILED"),
    ],
)
def test_failed_items_are_compared_with_count_and_percentage(
    harness: Harness, tolerance: dict[str, Any], status: str
) -> None:
    harness.functions["f"] = fails_on({"Items": [1, 2]})
    batcher = {"MaxItemsPerBatch": 2}
    execution = harness.run(distributed(task(), ItemBatcher=batcher, **tolerance), [1, 2, 3, 4])
    assert execution.status == status
    assert map_run(harness, execution)["status"] == status


def test_the_tolerance_comes_from_the_input(harness: Harness) -> None:
    harness.functions["f"] = fails_on(1)
    fields = {"ItemsPath": "$.a", "ToleratedFailurePercentagePath": "$.p"}
    assert harness.run(distributed(task(), **fields), {"a": [1, 2], "p": 50}).status == "SUCCEEDED"


def test_a_failed_child_without_a_writer_is_a_full_entry_among_the_outputs(harness: Harness) -> None:
    harness.functions["f"] = fails_on(2)
    first, second = harness.output(distributed(task(), ToleratedFailurePercentage=100), [1, 2])
    assert first == 1
    assert (second["Status"], second["Error"], second["Input"]) == ("FAILED", "Bad", "2")


def test_the_rest_is_aborted_and_listed_as_pending_when_too_many_failed(harness: Harness, gate: Gate) -> None:
    def function(payload: int) -> Any:
        if payload == 1:
            raise LambdaError("Bad")
        return gate(payload)

    harness.functions["f"] = function
    arn = harness.start(distributed(task(), MaxConcurrency=2, ResultWriter=WRITER), [0, 1, 2, 3])
    execution = harness.engine.wait_for(arn, TIMEOUT_SECONDS)
    run = map_run(harness, arn)
    gate.open(2)
    assert (execution.status, run["status"]) == ("FAILED", "FAILED")
    assert nonzero(run["itemCounts"]) == {"aborted": 3, "failed": 1, "total": 4, "resultsWritten": 4}
    entries = [*result_file(harness, run, "FAILED"), *result_file(harness, run, "PENDING")]
    assert sorted((entry["Input"], entry["Status"]) for entry in entries) == [
        ("0", "ABORTED"), ("1", "FAILED"), ("2", "PENDING"), ("3", "PENDING"),
    ]  # fmt: skip


def test_an_object_that_is_invalid_half_way_fails_the_state(harness: Harness) -> None:
    harness.bucket.objects["list.jsonl"] = b'{"a": 1}\n{"a": '
    execution = harness.run(distributed(ItemReader=reader("list.jsonl", "JSONL"), ResultWriter=WRITER))
    run = map_run(harness, execution)
    assert (execution.error, run["status"]) == ("States.ItemReaderFailed", "FAILED")
    assert "line 2 is not JSON" in str(execution.cause)


# ---- results ----


def manifest(harness: Harness, definition: dict[str, Any], data: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    output = harness.output(definition, data)
    return output, harness.bucket.json(output["ResultWriterDetails"]["Key"])


def test_the_manifest_names_the_files_and_their_sizes(harness: Harness) -> None:
    output, content = manifest(harness, distributed(ResultWriter=WRITER), [1])
    folder = output["ResultWriterDetails"]["Key"].removesuffix("/manifest.json")
    key = f"{folder}/SUCCEEDED_0.json"
    assert folder == f"runs/1/map/{output['MapRunArn'].rpartition(':')[2]}"
    assert content == {
        "DestinationBucket": "out",
        "MapRunArn": output["MapRunArn"],
        "ResultFiles": {
            "FAILED": [],
            "PENDING": [],
            "SUCCEEDED": [{"Key": key, "Size": len(harness.bucket.objects[key])}],
        },
    }


def test_an_entry_is_complete_by_default(harness: Harness) -> None:
    execution = harness.run(distributed(ResultWriter=WRITER), [{"a": 1}])
    [entry] = result_file(harness, map_run(harness, execution), "SUCCEEDED")
    name = entry["Name"]
    assert entry == {
        "ExecutionArn": f"arn:aws:states:eu-west-1:123456789012:execution:machine-0/L:{name}",
        "Input": '{"a":1}',
        "InputDetails": {"Included": True},
        "Name": name,
        "Output": '{"a":1}',
        "OutputDetails": {"Included": True},
        "StartDate": "2026-01-31T12:00:00.000Z",
        "StateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:machine-0/L",
        "Status": "SUCCEEDED",
        "StopDate": "2026-01-31T12:00:00.000Z",
    }


def test_compact_keeps_outputs_and_flatten_their_elements(harness: Harness) -> None:
    data, files = [[1, 2], [3]], []
    for transformation in ("COMPACT", "FLATTEN"):
        execution = harness.run(distributed(ResultWriter=write_config(transformation), MaxConcurrency=1), data)
        files.append(result_file(harness, map_run(harness, execution), "SUCCEEDED"))
    assert files == [[[1, 2], [3]], [1, 2, 3]]


def test_json_lines_have_a_line_each(harness: Harness) -> None:
    writer = write_config("COMPACT", "JSONL")
    _, content = manifest(harness, distributed(ResultWriter=writer, MaxConcurrency=1), ["ä", 2])
    [file] = content["ResultFiles"]["SUCCEEDED"]
    assert harness.bucket.objects[file["Key"]] == '"ä"\n2\n'.encode()
    assert file["Key"].endswith("SUCCEEDED_0.jsonl")


def test_failures_are_complete_even_when_compact(harness: Harness) -> None:
    harness.functions["f"] = fails_on(2)
    definition = distributed(task(), ResultWriter=write_config("COMPACT"), ToleratedFailurePercentage=100)
    execution = harness.run(definition, [1, 2])
    run = map_run(harness, execution)
    [entry] = result_file(harness, run, "FAILED")
    assert (entry["Status"], entry["Error"], entry["Input"]) == ("FAILED", "Bad", "2")
    assert json.loads(entry["Cause"])["errorMessage"] == "no"
    assert result_file(harness, run, "SUCCEEDED") == [1]


def test_a_full_file_is_followed_by_another(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.states.items.results.MAX_FILE_BYTES", 20)
    definition = distributed(ResultWriter=write_config("COMPACT"), MaxConcurrency=1)
    _, content = manifest(harness, definition, ["a" * 10, "b" * 10])
    keys = [file["Key"] for file in content["ResultFiles"]["SUCCEEDED"]]
    assert [harness.bucket.json(key) for key in keys] == [["a" * 10], ["b" * 10]]


def test_a_write_that_fails_fails_the_state(harness: Harness) -> None:
    harness.bucket.rejects_writes = True
    assert harness.output(distributed(ResultWriter=WRITER), [1]) == "States.ResultWriterFailed"


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"Bucket.$": "$.missing"}, "States.Runtime"),
        ({"Bucket.$": "$.number"}, "States.ResultWriterFailed"),
        ({"Bucket": "out", "Prefix.$": "$.number"}, "States.ResultWriterFailed"),
    ],
)
def test_an_invalid_destination_fails_the_state_before_a_map_run(
    harness: Harness, parameters: dict[str, Any], error: str
) -> None:
    writer = {**WRITER, "Parameters": parameters}
    execution = harness.run(distributed(ItemsPath="$.a", ResultWriter=writer), {"a": [1], "number": 7})
    assert execution.error == error
    assert StatesApi(harness.engine).call("ListMapRuns", {"executionArn": execution.arn})["mapRuns"] == []


def test_outputs_too_large_for_a_payload_need_a_writer(harness: Harness) -> None:
    assert harness.output(distributed({"Type": "Pass", "Result": "x" * 200_000}), [1, 2]) == "States.DataLimitExceeded"


# ---- stopping ----


def test_stopping_ends_children_at_once_and_starts_no_more(harness: Harness, gate: Gate) -> None:
    arn = harness.start(distributed(task("gate"), MaxConcurrency=2, ResultWriter=WRITER), [0, 1, 2, 3])
    gate.await_arrivals(2)
    stopped = harness.engine.stop_execution(arn, "Cancelled", "by hand")
    assert (stopped.status, stopped.error, stopped.cause) == ("ABORTED", "Cancelled", "by hand")
    harness.engine.join(arn)
    run = map_run(harness, arn)
    assert (run["status"], nonzero(run["itemCounts"])) == (
        "ABORTED",
        {"aborted": 4, "total": 4, "resultsWritten": 4},
    )
    assert len(result_file(harness, run, "PENDING")) == 2
    gate.open(2)
