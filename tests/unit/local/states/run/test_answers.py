"""What the service itself answers, one by one: outputs, errors with their causes, and event histories.

The expectations are those of executions in AWS.
"""

import json
from typing import Any

import pytest

from tests.unit.local.states.harness import INVOKE, Harness, LambdaError, single_state, task
from tests.unit.local.states.run.test_distributed_map import WRITER, Gate, distributed, reader
from tests.unit.local.states.run.test_rules import caught, choosing, mapping, parallel, passing

FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"
PLACE = "An error occurred while executing the state 'S' (entered at the event id #2). "
TOO_LARGE = "returned a result with a size exceeding the maximum number of bytes service limit."
END = {"Type": "Pass", "End": True}
BOOM = {"errorMessage": "why", "errorType": "Boom"}


OTHER_PARTITION = "The resource belongs to a different partition from the running execution."


def _elsewhere(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "Resource": part["Resource"].replace("arn:aws:", "arn:aws-us-gov:")}


def waiting(**fields: Any) -> dict[str, Any]:
    return single_state({"Type": "Wait", **fields})


def sending(payload: Any) -> dict[str, Any]:
    """A Task whose result is what its function received."""
    parameters = {"FunctionName": "echo", "Payload.$": payload}
    return single_state({"Type": "Task", "Resource": INVOKE, "Parameters": parameters, "OutputPath": "$.Payload"})


def caught_with(definition: dict[str, Any]) -> dict[str, Any]:
    return {**definition, "States": {**definition["States"], "Caught": END}}


OUTPUTS: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("a wildcard that finds nothing", passing(Parameters={"a.$": "$.x[*]"}), {}, {"a": []}),
    ("a wildcard below the root", passing(Parameters={"a.$": "$[*]"}), {}, {"a": []}),
    ("a slice that finds nothing", passing(Parameters={"a.$": "$.x.y[1:5].z"}), {}, {"a": []}),
    ("a text with JSON is sent as JSON", sending("$.p"), {"p": '{"a": [1]}'}, {"a": [1]}),
    ("a text with a number is sent as a number", sending("$.p"), {"p": "0.5"}, 0.5),
    ("a text that is not JSON is sent as a text", sending("$.p"), {"p": "{a"}, "{a"),
    ("null is sent as an empty object", sending("$.p"), {"p": None}, {}),
    ("an object is sent as it is", sending("$.p"), {"p": {"a": "1"}}, {"a": "1"}),
    (
        "a task has a retry count",
        single_state(task("echo", Parameters={"FunctionName": "echo", "Payload.$": "$$.State"})),
        {},
        {"EnteredTime": "2026-01-31T12:00:00.000Z", "Name": "S", "RetryCount": 0},
    ),
    (
        "the context object is a copy",
        {
            "StartAt": "S",
            "States": {
                "S": {"Type": "Pass", "Parameters": {"c.$": "$$"}, "Next": "T"},
                "T": {"Type": "Pass", "Parameters": {"was.$": "$.c.State.Name", "is.$": "$$.State.Name"}, "End": True},
            },
        },
        {},
        {"was": "S", "is": "T"},
    ),
    (
        "States.ALL catches a result that is too large",
        caught_with(single_state(task("huge", **caught("States.ALL")))),
        {},
        {"Error": "States.DataLimitExceeded", "Cause": f"The state/task 'lambda' {TOO_LARGE}"},
    ),
]


def setup_functions(harness: Harness) -> None:
    def fails(_: Any) -> None:
        raise LambdaError("Boom", "why")

    def slow(_: Any) -> str:
        harness.clock.pass_time(30)
        return "late"

    harness.functions.update(echo=lambda payload: payload, fails=fails, slow=slow, huge=lambda _: "x" * 262_144)


@pytest.mark.parametrize(("definition", "data", "output"), [o[1:] for o in OUTPUTS], ids=[o[0] for o in OUTPUTS])
def test_the_output_is_that_of_the_service(harness: Harness, definition: Any, data: Any, output: Any) -> None:
    setup_functions(harness)
    assert harness.output(definition, data) == output


ERRORS: list[tuple[str, dict[str, Any], Any, str, str]] = [
    ("a missing InputPath", passing(InputPath="$.x"), {}, "Runtime",
     f"{PLACE}Invalid path '$.x' : No results for path: $['x']"),
    ("a missing member on the way", passing(InputPath="$.x.y[0]"), {}, "Runtime",
     f"{PLACE}Invalid path '$.x.y[0]' : Missing property in path $['x']"),
    ("a missing path in Parameters", passing(Parameters={"a.$": "$.x"}), {"b": 1}, "Runtime",
     f"{PLACE}The JSONPath '$.x' specified for the field 'a.$' could not be found in the input '{{\"b\":1}}'"),
    ("a missing CausePath", single_state({"Type": "Fail", "CausePath": "$.x"}), {}, "Runtime",
     f"{PLACE}The JSONPath '$.x' specified for the field 'CausePath' could not be found in the input '{{}}'"),
    ("a missing Variable", choosing({"Variable": "$.x", "IsNull": True}), {}, "Runtime",
     f"{PLACE}Invalid path '$.x': The choice state's condition path references an invalid value."),
    ("SecondsPath to nothing", waiting(SecondsPath="$.x"), {}, "Runtime",
     f"{PLACE}The SecondsPath parameter does not reference an input value: $.x"),
    ("SecondsPath to a fraction", waiting(SecondsPath="$.x"), {"x": 1.5}, "Runtime",
     f"{PLACE}The SecondsPath parameter cannot be parsed as a long value: $.x == 1.5"),
    ("SecondsPath below 0", waiting(SecondsPath="$.x"), {"x": -1}, "Runtime",
     f"{PLACE}The SecondsPath parameter references a negative value: $.x == -1"),
    ("a timestamp without Z", waiting(TimestampPath="$.x"), {"x": "2026-01-31T12:00:00"}, "Runtime",
     f"{PLACE}The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string:"
     " $.x == 2026-01-31T12:00:00"),
    ("a timestamp in 24,856 days", waiting(TimestampPath="$.x"), {"x": "2094-02-19T12:00:00Z"}, "Runtime",
     f"{PLACE}Wait state delay is too long."),
    ("MaxConcurrencyPath to a text", mapping(END, ItemsPath="$.a", MaxConcurrencyPath="$.c"), {"a": [1], "c": "no"},
     "Runtime", f'{PLACE}The MaxConcurrencyPath field refers to value "no" which is not a valid integer: $.c'),
    ("a negative failure count", distributed(ToleratedFailureCountPath="$.c", ItemsPath="$.a"), {"a": [], "c": -1},
     "Runtime", f"{PLACE}ToleratedFailureCount cannot be negative."),
    ("a failure percentage that is an object", distributed(ToleratedFailurePercentagePath="$.c", ItemsPath="$.a"),
     {"a": [], "c": {}}, "Runtime",
     f'{PLACE}The ToleratedFailurePercentagePath field refers to value "{{}}" which is not a valid float: $.c'),
    ("a failure percentage over 100", distributed(ToleratedFailurePercentagePath="$.c", ItemsPath="$.a"),
     {"a": [], "c": 100.1}, "Runtime", f"{PLACE}ToleratedFailurePercentage must be between 0 and 100."),
    ("MaxItemsPath to a fraction",
     distributed(ItemReader={**reader(), "ReaderConfig": {"InputType": "JSON", "MaxItemsPath": "$.n"}}), {"n": 1.5},
     "Runtime", f'{PLACE}The MaxItemsPath field refers to value "1.5" which is not a valid integer: $.n'),
    ("a result that is too large", single_state({"Type": "Task", "Resource": f"{FUNCTION_ARN}huge"}), {},
     "DataLimitExceeded", f"The state/task '{FUNCTION_ARN}huge' {TOO_LARGE}"),
    ("a task of another partition", single_state(task("echo", Resource=INVOKE.replace("aws", "aws-cn", 1))), {},
     "Runtime", PLACE + OTHER_PARTITION),
    ("a reader of another partition", distributed(ItemReader=_elsewhere(reader())), {}, "Runtime",
     PLACE + OTHER_PARTITION),
    ("a writer of another partition", distributed(ResultWriter=_elsewhere(WRITER), ItemsPath="$.a"), {"a": [1]},
     "Runtime", PLACE + OTHER_PARTITION),
    ("an output that is too large", passing(Result="x" * 262_143), {}, "DataLimitExceeded",
     f"The state/task 'S' {TOO_LARGE}"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "data", "error", "cause"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_the_error_is_that_of_the_service(harness: Harness, definition: Any, data: Any, error: str, cause: str) -> None:
    setup_functions(harness)
    execution = harness.run(definition, data)
    assert (execution.error, execution.cause) == (f"States.{error}", cause)


def entered(name: str, data: Any) -> dict[str, Any]:
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return {"name": name, "input": text, "inputDetails": {"truncated": False}}


def exited(name: str, data: Any) -> dict[str, Any]:
    text = json.dumps(data, separators=(",", ":"))
    return {"name": name, "output": text, "outputDetails": {"truncated": False}}


Event = tuple[int, str, dict[str, Any] | None]
"""The ID of the previous event, the type and the details of an event; None if the event has no field for them."""

LAMBDA = {"resourceType": "lambda", "resource": "invoke"}
SENT = {**LAMBDA, "region": "eu-west-1"}
FAILED_BOOM = {"error": "Boom", "cause": json.dumps({"errorType": "Boom", "errorMessage": "why"})}

HISTORIES: list[tuple[str, dict[str, Any], Any, list[Event]]] = [
    ("a Pass", passing(), {"a": 1}, [
        (0, "PassStateEntered", entered("S", {"a": 1})),
        (2, "PassStateExited", exited("S", {"a": 1})),
        (3, "ExecutionSucceeded", {"output": '{"a":1}', "outputDetails": {"truncated": False}}),
    ]),
    ("a Fail without error and cause", single_state({"Type": "Fail"}), {}, [
        (0, "FailStateEntered", entered("S", {})),
        (2, "ExecutionFailed", {}),
    ]),
    ("a task that times out", single_state(task("slow", TimeoutSeconds=5)), {}, [
        (0, "TaskStateEntered", entered("S", {})),
        (2, "TaskScheduled", {**SENT, "parameters": '{"FunctionName":"slow","Payload":{}}', "timeoutInSeconds": 5}),
        (3, "TaskStarted", LAMBDA),
        (4, "TaskTimedOut", {**LAMBDA, "error": "States.Timeout"}),
        (5, "ExecutionFailed", {"error": "States.Timeout"}),
    ]),
    ("a function that is retried", single_state({
        "Type": "Task", "Resource": f"{FUNCTION_ARN}fails",
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}],
    }), {}, [
        (0, "TaskStateEntered", entered("S", {})),
        (2, "LambdaFunctionScheduled",
         {"resource": f"{FUNCTION_ARN}fails", "input": "{}", "inputDetails": {"truncated": False}}),
        (3, "LambdaFunctionStarted", None),
        (4, "LambdaFunctionFailed", FAILED_BOOM),
        (5, "LambdaFunctionScheduled",
         {"resource": f"{FUNCTION_ARN}fails", "input": "{}", "inputDetails": {"truncated": False}}),
        (6, "LambdaFunctionStarted", None),
        (7, "LambdaFunctionFailed", FAILED_BOOM),
        (8, "ExecutionFailed", FAILED_BOOM),
    ]),
    ("a Map, one item after the other", mapping(END, MaxConcurrency=1), [7, 8], [
        (0, "MapStateEntered", entered("S", [7, 8])),
        (2, "MapStateStarted", {"length": 2}),
        (3, "MapIterationStarted", {"name": "S", "index": 0}),
        (4, "PassStateEntered", entered("I", 7)),
        (5, "PassStateExited", exited("I", 7)),
        (6, "MapIterationSucceeded", {"name": "S", "index": 0}),
        (6, "MapIterationStarted", {"name": "S", "index": 1}),
        (8, "PassStateEntered", entered("I", 8)),
        (9, "PassStateExited", exited("I", 8)),
        (10, "MapIterationSucceeded", {"name": "S", "index": 1}),
        (11, "MapStateSucceeded", None),
        (11, "MapStateExited", exited("S", [7, 8])),
        (13, "ExecutionSucceeded", {"output": "[7,8]", "outputDetails": {"truncated": False}}),
    ]),
    ("a Map that is retried", mapping(
        {"Type": "Fail"}, Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    ), [7], [
        (0, "MapStateEntered", entered("S", [7])),
        (2, "MapStateStarted", {"length": 1}),
        (3, "MapIterationStarted", {"name": "S", "index": 0}),
        (4, "FailStateEntered", entered("I", 7)),
        (5, "MapIterationFailed", {"name": "S", "index": 0}),
        (5, "MapStateStarted", {"length": 1}),
        (7, "MapIterationStarted", {"name": "S", "index": 0}),
        (8, "FailStateEntered", entered("I", 7)),
        (9, "MapIterationFailed", {"name": "S", "index": 0}),
        (9, "MapStateFailed", None),
        (11, "ExecutionFailed", {}),
    ]),
    ("a Parallel that is caught", caught_with(parallel({"Type": "Fail", "Error": "E"}, **caught("E"))), {}, [
        (0, "ParallelStateEntered", entered("S", {})),
        (2, "ParallelStateStarted", None),
        (3, "FailStateEntered", entered("B0", {})),
        (4, "ParallelStateFailed", None),
        (5, "ParallelStateExited", exited("S", {"Error": "E", "Cause": ""})),
        (6, "PassStateEntered", entered("Caught", {"Error": "E", "Cause": ""})),
        (7, "PassStateExited", exited("Caught", {"Error": "E", "Cause": ""})),
        (8, "ExecutionSucceeded", {"output": '{"Error":"E","Cause":""}', "outputDetails": {"truncated": False}}),
    ]),
    ("a concurrency that is wrong", mapping(END, ItemsPath="$.a", MaxConcurrencyPath="$.c"), {"a": [1], "c": -1}, [
        (0, "MapStateEntered", entered("S", {"a": [1], "c": -1})),
        (2, "ExecutionFailed", {"error": "States.Runtime", "cause": f"{PLACE}MaxConcurrency cannot be negative."}),
    ]),
    ("a setting of a Map that is wrong", distributed(ToleratedFailureCountPath="$.c", ItemsPath="$.a"),
     {"a": [1], "c": -1}, [
        (0, "MapStateEntered", entered("S", {"a": [1], "c": -1})),
        (2, "MapStateStarted", {"length": 1}),
        (3, "ExecutionFailed",
         {"error": "States.Runtime", "cause": f"{PLACE}ToleratedFailureCount cannot be negative."}),
    ]),
]  # fmt: skip


def events(harness: Harness, definition: Any, data: Any) -> list[Event]:
    """All events but the first."""
    recorded: Any = harness.run(definition, data).history.events()
    assert [event["id"] for event in recorded] == list(range(1, len(recorded) + 1))
    assert (recorded[0]["previousEventId"], recorded[0]["type"]) == (0, "ExecutionStarted")
    return [
        (
            event["previousEventId"],
            event["type"],
            next((details for name, details in event.items() if name.endswith("EventDetails")), None),
        )
        for event in recorded[1:]
    ]


@pytest.mark.parametrize(("definition", "data", "history"), [h[1:] for h in HISTORIES], ids=[h[0] for h in HISTORIES])
def test_the_history_is_that_of_the_service(harness: Harness, definition: Any, data: Any, history: list[Event]) -> None:
    setup_functions(harness)
    assert events(harness, definition, data) == history


def aborted(harness: Harness, definition: Any) -> list[Event]:
    """The events after the first failure, of executions in which another branch waits in a function meanwhile."""
    gate = Gate()

    def fails(_: Any) -> None:
        gate.await_arrivals(1)
        raise LambdaError("Boom", "why")

    harness.functions.update(gate=gate, fails=fails)
    recorded = events(harness, definition, ["fails", "gate"])
    gate.open(1)
    types = [event[1] for event in recorded]
    failed = types.index("TaskFailed")
    assert {event[0] for event in recorded[failed + 1 : -1]} == {failed + 2}
    return [(0, *event[1:]) for event in recorded[failed + 1 : -1]]


def test_iterations_that_another_one_stopped_are_aborted(harness: Harness) -> None:
    child = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName.$": "$"}, "End": True}
    assert aborted(harness, mapping(child)) == [
        (0, "MapIterationFailed", {"name": "S", "index": 0}),
        (0, "TaskStateAborted", None),
        (0, "MapIterationAborted", {"name": "S", "index": 1}),
        (0, "TaskStateAborted", None),
        (0, "MapStateFailed", None),
    ]


def test_a_branch_that_another_one_stopped_is_aborted(harness: Harness) -> None:
    tasks = [{"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": name}} for name in ("fails", "gate")]
    assert aborted(harness, parallel(*({**each, "End": True} for each in tasks))) == [
        (0, "TaskStateAborted", None),
        (0, "TaskStateAborted", None),
        (0, "ParallelStateFailed", None),
    ]
