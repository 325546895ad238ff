"""startExecution.sync:2: a Task that runs another state machine to its end."""

import json
from typing import Any

import pytest

from tests.unit.local.states.harness import ROLE, TIMEOUT_SECONDS, Harness, single_state
from tests.unit.local.states.run.test_distributed_map import Gate

START_EXECUTION = "arn:aws:states:::states:startExecution.sync:2"
INNER = "arn:aws:states:eu-west-1:123456789012:stateMachine:inner"
INNER_RUN = "arn:aws:states:eu-west-1:123456789012:execution:inner:child"


def starting(inner_input: Any = "$.data", **fields: Any) -> dict[str, Any]:
    parameters = {"StateMachineArn": INNER, "Name": "child", "Input.$": inner_input}
    return single_state({"Type": "Task", "Resource": START_EXECUTION, "Parameters": parameters, **fields})


def create_inner(harness: Harness, state: dict[str, Any], kind: str = "STANDARD") -> None:
    harness.engine.create_state_machine(name="inner", definition=single_state(state), role_arn=ROLE, kind=kind)


def test_the_result_is_the_description_with_parsed_input_and_output(harness: Harness) -> None:
    create_inner(harness, {"Type": "Pass", "Result": {"done": 1}})
    assert harness.output(starting(), {"data": {"a": 1}}) == {
        "ExecutionArn": INNER_RUN,
        "Input": {"a": 1},
        "InputDetails": {"Included": True},
        "Name": "child",
        "Output": {"done": 1},
        "OutputDetails": {"Included": True},
        "RedriveCount": 0,
        "RedriveStatus": "NOT_REDRIVABLE",
        "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        "StartDate": 1_769_860_800_000,
        "StateMachineArn": INNER,
        "Status": "SUCCEEDED",
        "StopDate": 1_769_860_800_000,
    }


def test_no_input_is_an_empty_object(harness: Harness) -> None:
    create_inner(harness, {"Type": "Pass"})
    assert harness.output(starting(OutputPath="$.Output"), {"data": None}) == {}


def test_a_failure_is_a_failed_task_with_the_description_as_its_cause(harness: Harness) -> None:
    create_inner(harness, {"Type": "Fail", "Error": "E", "Cause": "why"})
    execution = harness.run(starting(), {"data": {}})
    cause = json.loads(execution.cause or "")
    assert (execution.error, cause["Status"]) == ("States.TaskFailed", "FAILED")
    assert (cause["Error"], cause["Cause"], "Output" in cause) == ("E", "why", False)


def test_the_history_says_what_was_submitted(harness: Harness) -> None:
    create_inner(harness, {"Type": "Pass"})
    events: Any = harness.run(starting(), {"data": {}}).history.events()
    assert [event["type"] for event in events][2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]
    submitted = events[4]["taskSubmittedEventDetails"]
    assert (submitted["resourceType"], submitted["resource"]) == ("states", "startExecution.sync:2")
    assert json.loads(submitted["output"])["ExecutionArn"] == INNER_RUN


REFUSED = [
    ("a state machine that does not exist", None, "StepFunctions.StateMachineDoesNotExistException"),
    ("an Express state machine", "EXPRESS", "StepFunctions.StateMachineTypeNotSupportedException"),
]


@pytest.mark.parametrize(("kind", "error"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_start_that_the_api_refuses_has_the_name_of_its_error(harness: Harness, kind: str | None, error: str) -> None:
    if kind:
        create_inner(harness, {"Type": "Pass"}, kind)
    assert harness.output(starting(), {"data": {}}) == error


def test_the_inner_execution_is_stopped_with_the_outer_one(harness: Harness) -> None:
    gate = Gate()
    harness.functions["gate"] = gate
    task = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:gate"}
    create_inner(harness, task)
    outer = harness.start(starting(), {"data": {}})
    gate.await_arrivals(1)
    harness.engine.stop_execution(outer)
    assert harness.engine.wait_for(INNER_RUN, TIMEOUT_SECONDS).status == "ABORTED"
    gate.open(1)
