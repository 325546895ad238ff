"""The API through boto3: its requests are answered in the process."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from local.states import ApiError, StatesApi
from tests.unit.local.states.harness import ROLE, TIMEOUT_SECONDS, Harness, single_state, task
from tests.unit.local.states.run.test_distributed_map import Gate, distributed

Client = Any
PASS = json.dumps(single_state({"Type": "Pass"}))
GONE = "arn:aws:states:eu-west-1:123456789012:execution:m:gone"
BLOCKED = single_state(task("gate"))


class Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._content


@pytest.fixture(scope="module")
def bare_client() -> Client:
    return boto3.client("stepfunctions", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def sfn(harness: Harness, bare_client: Client) -> Iterator[Client]:
    api = StatesApi(harness.engine)

    def respond(request: Any, **_: Any) -> AWSResponse:
        action = request.headers["X-Amz-Target"].decode().removeprefix("AWSStepFunctions.")
        try:
            status, content = 200, api.call(action, json.loads(request.body))
        except ApiError as error:
            status, content = error.status, {"__type": error.code, "message": error.message}
        return AWSResponse(request.url, status, {}, Raw(json.dumps(content).encode()))

    bare_client.meta.events.register("before-send.sfn.*", respond)
    yield bare_client
    bare_client.meta.events.unregister("before-send.sfn.*", respond)


@pytest.fixture
def gate(harness: Harness) -> Iterator[Gate]:
    gate = Gate()
    harness.functions["gate"] = gate
    yield gate
    gate.open(100)


def create(sfn: Client, definition: Any = PASS, name: str = "m", **more: Any) -> str:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return sfn.create_state_machine(name=name, definition=text, roleArn=ROLE, **more)["stateMachineArn"]


def error_code(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


# ---- state machines ----


def test_a_state_machine_is_described_as_it_was_created(sfn: Client) -> None:
    arn = create(sfn, type="EXPRESS", tracingConfiguration={"enabled": True})
    described = sfn.describe_state_machine(stateMachineArn=arn)
    assert arn == "arn:aws:states:eu-west-1:123456789012:stateMachine:m"
    assert (described["definition"], described["roleArn"]) == (PASS, ROLE)
    assert (described["type"], described["status"]) == ("EXPRESS", "ACTIVE")
    assert described["tracingConfiguration"] == {"enabled": True}
    assert described["creationDate"] == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_creating_the_same_again_returns_the_same(sfn: Client) -> None:
    assert create(sfn) == create(sfn)


def test_creating_another_of_that_name_is_rejected(sfn: Client) -> None:
    create(sfn)
    arguments = {"name": "m", "definition": json.dumps(single_state({"Type": "Succeed"})), "roleArn": ROLE}
    assert error_code(sfn.create_state_machine, **arguments) == "StateMachineAlreadyExists"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "a b"}, "InvalidName"),
        ({"definition": "{}"}, "InvalidDefinition"),
        ({"definition": PASS.replace("Pass", "Poem")}, "InvalidDefinition"),
        ({"publish": True}, "ValidationException"),
    ],
)
def test_an_invalid_state_machine_is_rejected(sfn: Client, fields: dict[str, Any], code: str) -> None:
    assert error_code(sfn.create_state_machine, **{"name": "m", "definition": PASS, "roleArn": ROLE, **fields}) == code


def test_an_update_changes_what_starts_later(sfn: Client, harness: Harness, gate: Gate) -> None:
    arn = create(sfn, BLOCKED)
    early = sfn.start_execution(stateMachineArn=arn, input='"early"')["executionArn"]
    gate.await_arrivals(1)
    sfn.update_state_machine(
        stateMachineArn=arn, definition=json.dumps(single_state({"Type": "Pass", "Result": "new"}))
    )
    late = sfn.start_execution(stateMachineArn=arn, input='"late"')["executionArn"]
    gate.open(1)
    outputs = [harness.engine.wait_for(each, TIMEOUT_SECONDS).output_text for each in (early, late)]
    assert outputs == ['"early"', '"new"']


def test_a_deleted_machine_starts_nothing(sfn: Client) -> None:
    arn = create(sfn)
    sfn.delete_state_machine(stateMachineArn=arn)
    assert error_code(sfn.start_execution, stateMachineArn=arn) == "StateMachineDoesNotExist"
    assert sfn.list_state_machines()["stateMachines"] == []


def test_tags_are_kept(sfn: Client) -> None:
    arn = create(sfn, tags=[{"key": "a", "value": "1"}])
    sfn.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    sfn.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]


# ---- executions ----


def test_an_execution_is_described(sfn: Client, harness: Harness) -> None:
    arn = sfn.start_execution(stateMachineArn=create(sfn), name="e", input='{"a": 1}')["executionArn"]
    harness.engine.wait_for(arn, TIMEOUT_SECONDS)
    described = sfn.describe_execution(executionArn=arn)
    assert arn == "arn:aws:states:eu-west-1:123456789012:execution:m:e"
    assert (described["status"], described["input"], described["output"]) == ("SUCCEEDED", '{"a": 1}', '{"a":1}')
    assert described["startDate"] == described["stopDate"] == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_the_same_start_again_is_the_same_execution_while_it_runs(sfn: Client, gate: Gate) -> None:
    start = {"stateMachineArn": create(sfn, BLOCKED), "name": "e", "input": '{"a": 1}'}
    assert sfn.start_execution(**start)["executionArn"] == sfn.start_execution(**start)["executionArn"]
    assert error_code(sfn.start_execution, **{**start, "input": "{}"}) == "ExecutionAlreadyExists"


def test_a_name_is_used_once(sfn: Client, harness: Harness) -> None:
    start = {"stateMachineArn": create(sfn), "name": "e"}
    harness.engine.wait_for(sfn.start_execution(**start)["executionArn"], TIMEOUT_SECONDS)
    assert error_code(sfn.start_execution, **start) == "ExecutionAlreadyExists"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "a/b"}, "InvalidName"),
        ({"input": "{"}, "InvalidExecutionInput"),
        ({"input": '"' + "ä" * 131_072 + '"'}, "ValidationException"),
        ({"stateMachineArn": "nonsense"}, "InvalidArn"),
        ({"stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:x"}, "StateMachineDoesNotExist"),
    ],
)
def test_an_invalid_start_is_rejected(sfn: Client, fields: dict[str, Any], code: str) -> None:
    assert error_code(sfn.start_execution, **{"stateMachineArn": create(sfn), **fields}) == code


@pytest.mark.parametrize("members", [{"name": 5}, {"input": {"a": 1}}, {"stateMachineArn": None}])
def test_a_member_of_the_wrong_type_is_rejected(harness: Harness, members: dict[str, Any]) -> None:
    api = StatesApi(harness.engine)
    machine = harness.engine.create_state_machine(name="m", definition=PASS, role_arn=ROLE)
    with pytest.raises(ApiError, match="has the wrong type") as caught:
        api.call("StartExecution", {"stateMachineArn": machine, **members})
    assert caught.value.code == "ValidationException"


def test_an_express_machine_can_be_run_synchronously(sfn: Client) -> None:
    arn = create(sfn, single_state({"Type": "Fail", "Error": "E", "Cause": "why"}), type="EXPRESS")
    response = sfn.start_sync_execution(stateMachineArn=arn, name="e")
    assert (response["status"], response["error"], response["cause"]) == ("FAILED", "E", "why")
    assert response["executionArn"].startswith("arn:aws:states:eu-west-1:123456789012:express:m:e:")


def test_a_standard_machine_cannot_be_run_synchronously(sfn: Client) -> None:
    assert error_code(sfn.start_sync_execution, stateMachineArn=create(sfn)) == "StateMachineTypeNotSupported"


def test_a_stopped_execution_is_aborted_at_once(sfn: Client, harness: Harness, gate: Gate) -> None:
    arn = sfn.start_execution(stateMachineArn=create(sfn, BLOCKED))["executionArn"]
    gate.await_arrivals(1)
    sfn.stop_execution(executionArn=arn, error="Cancelled", cause="by hand")
    described = sfn.describe_execution(executionArn=arn)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Cancelled", "by hand")
    harness.engine.join(arn)
    last = sfn.get_execution_history(executionArn=arn)["events"][-1]
    assert (last["type"], last["executionAbortedEventDetails"]["error"]) == ("ExecutionAborted", "Cancelled")


def test_executions_are_listed_by_status_the_newest_first(sfn: Client, harness: Harness, gate: Gate) -> None:
    machine = create(sfn, BLOCKED)
    arns = [sfn.start_execution(stateMachineArn=machine, name=name)["executionArn"] for name in "abc"]
    sfn.stop_execution(executionArn=arns[1])
    listed = sfn.get_paginator("list_executions").paginate(stateMachineArn=machine, PaginationConfig={"PageSize": 1})
    assert [each["name"] for page in listed for each in page["executions"]] == ["c", "b", "a"]
    running = sfn.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    assert [each["name"] for each in running] == ["c", "a"]


def test_the_history_can_be_read_in_pages_and_backwards(sfn: Client, harness: Harness) -> None:
    arn = sfn.start_execution(stateMachineArn=create(sfn), input="7")["executionArn"]
    harness.engine.wait_for(arn, TIMEOUT_SECONDS)
    pages = sfn.get_paginator("get_execution_history").paginate(
        executionArn=arn, reverseOrder=True, PaginationConfig={"PageSize": 3}
    )
    events = [event for page in pages for event in page["events"]]
    assert [(event["id"], event["previousEventId"], event["type"]) for event in events] == [
        (4, 3, "ExecutionSucceeded"), (3, 2, "PassStateExited"), (2, 0, "PassStateEntered"), (1, 0, "ExecutionStarted"),
    ]  # fmt: skip
    assert events[2]["stateEnteredEventDetails"] == {"name": "S", "input": "7", "inputDetails": {"truncated": False}}


def test_a_task_has_its_events_in_the_history(sfn: Client, harness: Harness) -> None:
    harness.functions["f"] = lambda payload: payload
    arn = sfn.start_execution(stateMachineArn=create(sfn, single_state(task())))["executionArn"]
    harness.engine.wait_for(arn, TIMEOUT_SECONDS)
    events = sfn.get_execution_history(executionArn=arn)["events"]
    assert [event["type"] for event in events[2:5]] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    assert events[2]["taskScheduledEventDetails"] == {
        "resourceType": "lambda",
        "resource": "invoke",
        "region": "eu-west-1",
        "parameters": '{"FunctionName":"f","Payload":{}}',
    }


def test_an_invented_token_is_rejected(sfn: Client) -> None:
    assert error_code(sfn.list_state_machines, nextToken="x") == "InvalidToken"


@pytest.mark.parametrize(
    ("call", "arguments", "code"),
    [
        ("describe_execution", {"executionArn": "x"}, "InvalidArn"),
        ("describe_execution", {"executionArn": GONE}, "ExecutionDoesNotExist"),
        ("stop_execution", {"executionArn": GONE}, "ExecutionDoesNotExist"),
        ("describe_map_run", {"mapRunArn": "arn:aws:states:r:123456789012:mapRun:m/l:u"}, "ResourceNotFound"),
        ("list_executions", {}, "ValidationException"),
        ("list_activities", {}, "UnknownOperationException"),
    ],
)  # fmt: skip
def test_a_request_for_something_missing_has_its_error_code(
    sfn: Client, call: str, arguments: dict[str, str], code: str
) -> None:
    assert error_code(getattr(sfn, call), **arguments) == code


# ---- Map Runs ----


def test_a_map_run_is_listed_described_and_changed(sfn: Client, harness: Harness, gate: Gate) -> None:
    machine = create(sfn, distributed(task("gate"), MaxConcurrency=1, ToleratedFailurePercentage=5))
    arn = sfn.start_execution(stateMachineArn=machine, input="[1, 2]")["executionArn"]
    gate.await_arrivals(1)
    [item] = sfn.list_map_runs(executionArn=arn)["mapRuns"]
    run = item["mapRunArn"]
    assert item["stateMachineArn"] == f"{machine}/L"
    described = sfn.describe_map_run(mapRunArn=run)
    assert (described["status"], described["maxConcurrency"]) == ("RUNNING", 1)
    assert described["executionCounts"]["running"] == described["itemCounts"]["running"] == 1
    sfn.update_map_run(mapRunArn=run, maxConcurrency=2, toleratedFailurePercentage=50)
    gate.await_arrivals(1)
    assert sfn.describe_map_run(mapRunArn=run)["toleratedFailurePercentage"] == 50
    gate.open(2)
    harness.engine.wait_for(arn, TIMEOUT_SECONDS)
    assert error_code(sfn.update_map_run, mapRunArn=run, maxConcurrency=1) == "ValidationException"


def test_a_standard_child_has_its_map_run_and_its_definition(sfn: Client, harness: Harness) -> None:
    machine = create(sfn, distributed(kind="STANDARD"))
    arn = sfn.start_execution(stateMachineArn=machine, input="[1]")["executionArn"]
    harness.engine.wait_for(arn, TIMEOUT_SECONDS)
    [run] = sfn.list_map_runs(executionArn=arn)["mapRuns"]
    [child] = sfn.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    described = sfn.describe_state_machine_for_execution(executionArn=child["executionArn"])
    assert (described["label"], described["mapRunArn"]) == ("L", run["mapRunArn"])
    assert json.loads(described["definition"])["StartAt"] == "I"


# ---- the engine itself ----


def test_every_change_of_status_is_published(harness: Harness) -> None:
    execution = harness.run(single_state({"Type": "Pass"}), {"a": 1})
    running, succeeded = harness.status_changes
    assert (running["status"], running["output"], running["stopDate"]) == ("RUNNING", None, None)
    assert succeeded == {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": "run",
        "status": "SUCCEEDED",
        "startDate": 1_769_860_800_000,
        "stopDate": 1_769_860_800_000,
        "input": '{"a":1}',
        "inputDetails": {"included": True},
        "output": '{"a":1}',
        "outputDetails": {"included": True},
        "error": None,
        "cause": None,
    }


def test_express_executions_publish_no_status_change(harness: Harness) -> None:
    harness.run(single_state({"Type": "Pass"}), kind="EXPRESS")
    assert harness.status_changes == []


def test_a_large_input_is_left_out_of_the_status_change(harness: Harness) -> None:
    harness.run(single_state({"Type": "Pass"}), "x" * 200_000)
    assert (harness.status_changes[1]["inputDetails"], harness.status_changes[1]["outputDetails"]) == (
        {"included": False},
        {"included": True},
    )


def test_closing_leaves_no_thread_behind(gate: Gate) -> None:
    before = set(threading.enumerate())
    harness = Harness()
    harness.functions["gate"] = gate
    arn = harness.start(distributed(task("gate")), [1, 2])
    gate.await_arrivals(2)
    harness.engine.close()
    assert harness.engine.execution(arn).status == "ABORTED"
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"invocation"}


def test_a_full_history_fails_the_execution(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.states.base.quotas.MAX_HISTORY_EVENTS", 20)
    execution = harness.run(
        {"StartAt": "S", "States": {"S": {"Type": "Pass", "Next": "T"}, "T": {"Type": "Pass", "Next": "S"}}}
    )
    assert execution.error == "States.Runtime"
    assert len(execution.history.events()) == 20
