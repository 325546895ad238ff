"""What the API of the service itself answers: errors with their messages, and members of descriptions.

The expectations are those of requests to AWS.
"""

import json
from typing import Any

import pytest

from local.states import ApiError, StatesApi
from tests.unit.local.states.harness import ROLE, TIMEOUT_SECONDS, Harness, single_state, task

PASS = json.dumps(single_state({"Type": "Pass"}))
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:m"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:m:e"
LOG_GROUP = {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:eu-west-1:123456789012:log-group:g:*"}}
CREATE = {"name": "m", "definition": PASS, "roleArn": ROLE}
OFF = {"level": "OFF", "includeExecutionData": False}
ONE_DESTINATION = "Invalid Logging Configuration: Must specify exactly one Log Destination."


@pytest.fixture
def api(harness: Harness) -> StatesApi:
    api = StatesApi(harness.engine)
    api.call("CreateStateMachine", CREATE)
    return api


def violated(member: str, value: object, constraint: str) -> str:
    failed = f"Value '{value}' at '{member}' failed to satisfy constraint"
    return f"1 validation error detected: {failed}: Member must {constraint}"


ERRORS: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("a log level without a destination", "CreateStateMachine",
     {**CREATE, "name": "n", "loggingConfiguration": {"level": "ALL"}}, "InvalidLoggingConfiguration", ONE_DESTINATION),
    ("two log destinations", "UpdateStateMachine",
     {"stateMachineArn": MACHINE, "loggingConfiguration": {"destinations": [LOG_GROUP, LOG_GROUP]}},
     "InvalidLoggingConfiguration", ONE_DESTINATION),
    ("an update of nothing", "UpdateStateMachine", {"stateMachineArn": MACHINE}, "MissingRequiredParameter",
     "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"),
    ("another format of the same definition", "CreateStateMachine",
     {**CREATE, "definition": json.dumps(json.loads(PASS), indent=1)}, "StateMachineAlreadyExists",
     f"State Machine Already Exists: '{MACHINE}'"),
    ("a description of a version that is not published", "CreateStateMachine",
     {**CREATE, "name": "n", "versionDescription": "v"}, "ValidationException",
     "Version description can only be set when publish is true"),
    ("StartSyncExecution of a Standard state machine", "StartSyncExecution", {"stateMachineArn": MACHINE},
     "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"),
    ("text instead of an ARN", "DescribeStateMachine", {"stateMachineArn": "m"}, "InvalidArn",
     "Invalid Arn: 'Invalid ARN prefix: m'"),
    ("an empty input", "StartExecution", {"stateMachineArn": MACHINE, "input": ""}, "InvalidExecutionInput",
     "Invalid State Machine Execution Input: 'Invalid execution input.'"),
    ("too many results", "ListStateMachines", {"maxResults": 1001}, "ValidationException",
     violated("maxResults", 1001, "have value less than or equal to 1000")),
    ("an empty token", "ListStateMachines", {"nextToken": ""}, "ValidationException",
     violated("nextToken", "", "have length greater than or equal to 1")),
    ("a long token", "ListStateMachines", {"nextToken": "x" * 1025}, "ValidationException",
     violated("nextToken", "x" * 1025, "have length less than or equal to 1024")),
    ("a long token of executions", "ListExecutions", {"stateMachineArn": MACHINE, "nextToken": "x" * 3097},
     "ValidationException", violated("nextToken", "x" * 3097, "have length less than or equal to 3096")),
    ("a token that was not issued", "ListExecutions", {"stateMachineArn": MACHINE, "nextToken": "x" * 3096},
     "InvalidToken", "Invalid Token"),
    ("an unknown status", "ListExecutions", {"stateMachineArn": MACHINE, "statusFilter": "done"},
     "ValidationException", violated("statusFilter", "done", "satisfy enum value set: "
     "[SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]")),
]  # fmt: skip


@pytest.mark.parametrize(("action", "request_", "code", "message"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_the_request_is_refused_as_by_the_service(
    api: StatesApi, action: str, request_: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        api.call(action, request_)
    assert (caught.value.code, caught.value.message) == (code, message)


def revision(api: StatesApi) -> Any:
    return api.call("DescribeStateMachine", {"stateMachineArn": MACHINE}).get("revisionId")


def test_a_state_machine_has_a_revision_from_its_first_change_on(api: StatesApi) -> None:
    assert revision(api) is None
    same = api.call("UpdateStateMachine", {"stateMachineArn": MACHINE, "definition": PASS})
    assert ("revisionId" in same, revision(api)) == (False, None)
    changed = api.call("UpdateStateMachine", {"stateMachineArn": MACHINE, "roleArn": f"{ROLE}2"})
    assert changed["revisionId"] == revision(api)
    assert api.call("UpdateStateMachine", {"stateMachineArn": MACHINE, "roleArn": f"{ROLE}2"})[
        "revisionId"
    ] == revision(api)
    logging = {"level": "ALL", "destinations": [LOG_GROUP]}
    api.call("UpdateStateMachine", {"stateMachineArn": MACHINE, "loggingConfiguration": logging})
    assert revision(api) != changed["revisionId"]


CONFIGURATIONS = [({}, OFF), ({"destinations": []}, {**OFF, "destinations": []})]


@pytest.mark.parametrize(("given", "described"), CONFIGURATIONS)
def test_an_incomplete_logging_configuration_is_completed(api: StatesApi, given: Any, described: Any) -> None:
    api.call("CreateStateMachine", {**CREATE, "name": "n", "loggingConfiguration": given})
    answer = api.call("DescribeStateMachine", {"stateMachineArn": f"{MACHINE[:-1]}n"})
    assert answer["loggingConfiguration"] == described


def run(harness: Harness, api: StatesApi, definition: str) -> dict[str, Any]:
    if definition != PASS:
        api.call("UpdateStateMachine", {"stateMachineArn": MACHINE, "definition": definition})
    api.call("StartExecution", {"stateMachineArn": MACHINE, "name": "e"})
    harness.engine.wait_for(EXECUTION, TIMEOUT_SECONDS)
    return api.call("DescribeExecution", {"executionArn": EXECUTION})


def test_a_successful_execution_cannot_be_redriven(harness: Harness, api: StatesApi) -> None:
    described = run(harness, api, PASS)
    assert described["redriveStatus"] == "NOT_REDRIVABLE"
    assert described["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"


def test_a_failed_execution_could_be_redriven(harness: Harness, api: StatesApi) -> None:
    described = run(harness, api, json.dumps(single_state({"Type": "Fail"})))
    assert described["redriveStatus"] == "REDRIVABLE"
    assert described.keys().isdisjoint({"redriveStatusReason", "error", "cause"})


def test_an_execution_that_timed_out_has_no_error(harness: Harness, api: StatesApi) -> None:
    machine = {**single_state({"Type": "Wait", "Seconds": 9}), "TimeoutSeconds": 1}
    described = run(harness, api, json.dumps(machine))
    assert (described["status"], "error" in described) == ("TIMED_OUT", False)


def test_the_state_machine_of_an_execution_has_its_configuration(harness: Harness, api: StatesApi) -> None:
    run(harness, api, PASS)
    described = api.call("DescribeStateMachineForExecution", {"executionArn": EXECUTION})
    assert (described["loggingConfiguration"], described["tracingConfiguration"]) == (OFF, {"enabled": False})
    assert "revisionId" not in described


def test_a_synchronous_execution_says_what_is_billed(harness: Harness, api: StatesApi) -> None:
    def slow(_: Any) -> None:
        harness.clock.pass_time(0.101)

    harness.functions["slow"] = slow
    definition = json.dumps(single_state(task("slow")))
    api.call("CreateStateMachine", {**CREATE, "name": "x", "definition": definition, "type": "EXPRESS"})
    answer = api.call("StartSyncExecution", {"stateMachineArn": f"{MACHINE[:-1]}x"})
    assert answer["billingDetails"] == {"billedDurationInMilliseconds": 200, "billedMemoryUsedInMB": 64}
