"""How long the records of executions are kept, and what is left of them."""

import json
from typing import Any

import pytest

from local.states import ApiError, StatesApi
from tests.unit.local.states.harness import ROLE, TIMEOUT_SECONDS, Harness, single_state, task
from tests.unit.local.states.run.test_distributed_map import Gate, distributed

KEPT = 3


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.states.records.recent.MAX_RECORDS", KEPT)


@pytest.fixture
def api(harness: Harness) -> StatesApi:
    return StatesApi(harness.engine)


def machine(harness: Harness, definition: dict[str, Any], name: str = "m") -> str:
    return harness.engine.create_state_machine(name=name, definition=definition, role_arn=ROLE)


def run(harness: Harness, arn: str, name: str, data: Any = None) -> str:
    execution = harness.engine.start_execution(arn, data, name)
    harness.engine.wait_for(execution, TIMEOUT_SECONDS)
    return execution


def names(api: StatesApi, arn: str) -> list[str]:
    """The executions that are listed, the newest first."""
    return [each["name"] for each in api.call("ListExecutions", {"stateMachineArn": arn})["executions"]]


def test_the_newest_executions_and_all_that_run_are_kept(harness: Harness, api: StatesApi) -> None:
    gate = Gate()
    harness.functions["gate"] = gate
    waiting, passing = (
        machine(harness, single_state(task("gate"))),
        machine(harness, single_state({"Type": "Pass"}), "p"),
    )
    running = [harness.engine.start_execution(waiting, {}, f"running-{number}") for number in range(2)]
    gate.await_arrivals(2)
    ended = [run(harness, passing, f"ended-{number}") for number in range(5)]

    assert names(api, waiting) == ["running-1", "running-0"]
    assert names(api, passing) == ["ended-4"]
    assert api.call("DescribeExecution", {"executionArn": ended[-1]})["status"] == "SUCCEEDED"
    with pytest.raises(ApiError) as caught:
        api.call("DescribeExecution", {"executionArn": ended[0]})
    assert caught.value.code == "ExecutionDoesNotExist"
    gate.open(2)
    assert [harness.engine.wait_for(arn, TIMEOUT_SECONDS).status for arn in running] == ["SUCCEEDED"] * 2


def test_map_runs_are_kept_as_long_as_their_executions(harness: Harness, api: StatesApi) -> None:
    arn = machine(harness, distributed())
    runs = [run(harness, arn, str(number), [number]) for number in range(KEPT + 2)]

    kept = [api.call("ListMapRuns", {"executionArn": execution})["mapRuns"] for execution in runs[-KEPT:]]
    assert [len(each) for each in kept] == [1] * KEPT
    assert len(harness.engine.services.map_runs.all()) == KEPT
    for [item] in kept:
        assert api.call("DescribeMapRun", {"mapRunArn": item["mapRunArn"]})["itemCounts"]["succeeded"] == 1


def test_the_history_of_an_execution_that_has_ended_is_complete_and_small(harness: Harness, api: StatesApi) -> None:
    states = {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(50)}
    definition = {"StartAt": "S0", "States": {**states, "S50": {"Type": "Pass", "End": True}}}
    execution = run(harness, machine(harness, definition), "long", {"text": "x" * 1000})

    events = api.call("GetExecutionHistory", {"executionArn": execution, "maxResults": 1000})["events"]
    history = harness.engine.execution(execution).history
    assert [event["type"] for event in events][:2] == ["ExecutionStarted", "PassStateEntered"]
    assert events[-1]["type"] == "ExecutionSucceeded"
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert json.loads(events[-1]["executionSucceededEventDetails"]["output"]) == {"text": "x" * 1000}
    kept = sum(len(value) for value in vars(history).values() if isinstance(value, bytes | list))
    assert kept < len(json.dumps(events)) / 10
