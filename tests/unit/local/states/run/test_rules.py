"""The rules of the language, one by one: a small machine, an input, and the output or the error's name."""

from typing import Any

import pytest

from tests.unit.local.states.harness import INVOKE, Harness, LambdaError, single_state, task

FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:echo"


def passing(**fields: Any) -> dict[str, Any]:
    return single_state({"Type": "Pass", **fields})


def choosing(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return single_state(
        {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"} for rule in rules], **more},
        Yes={"Type": "Pass", "Result": "yes", "End": True},
    )


def mapping(child: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return single_state({"Type": "Map", "ItemProcessor": {"StartAt": "I", "States": {"I": child}}, **fields})


def parallel(*branches: dict[str, Any], **fields: Any) -> dict[str, Any]:
    each = [{"StartAt": f"B{n}", "States": {f"B{n}": state}} for n, state in enumerate(branches)]
    return single_state({"Type": "Parallel", "Branches": each, **fields})


def failing(error: str, **fields: Any) -> dict[str, Any]:
    """A Parallel whose branch fails: the shortest state with Retry and Catch."""
    definition = parallel({"Type": "Fail", "Error": error, "Cause": "why"}, **fields)
    if "Catch" in fields:
        definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    return definition


def caught(*errors: str, **fields: Any) -> dict[str, Any]:
    return {"Catch": [{"ErrorEquals": list(errors), "Next": "Caught", **fields}]}


END = {"Type": "Pass", "End": True}
WHY = {"Error": "E", "Cause": "why"}

RULES: list[tuple[str, dict[str, Any], Any, Any]] = [
    # -- the data flow of a state
    ("a Pass passes its input on", passing(), {"a": 1}, {"a": 1}),
    ("Result replaces the input", passing(Result={"b": 2}), {"a": 1}, {"b": 2}),
    ("Result may be null", passing(Result=None), {"a": 1}, None),
    ("Result is not a template", passing(Result={"b.$": "$.a"}), {"a": 1}, {"b.$": "$.a"}),
    ("InputPath selects", passing(InputPath="$.a"), {"a": {"b": 1}}, {"b": 1}),
    ("InputPath null is an empty object", passing(InputPath=None, ResultPath="$"), {"a": 1}, {}),
    ("InputPath reads the context", passing(InputPath="$$.Execution.Name"), {}, "run"),
    ("InputPath without a match fails", passing(InputPath="$.x"), {"a": 1}, "States.Runtime"),
    ("OutputPath selects", passing(OutputPath="$.a"), {"a": 1}, 1),
    ("OutputPath null is an empty object", passing(OutputPath=None), {"a": 1}, {}),
    ("ResultPath adds to the input", passing(Result=1, ResultPath="$.r"), {"a": 0}, {"a": 0, "r": 1}),
    ("ResultPath creates missing objects", passing(Result=1, ResultPath="$.r.s"), {}, {"r": {"s": 1}}),
    ("ResultPath null drops the result", passing(Result=1, ResultPath=None), {"a": 0}, {"a": 0}),
    ("ResultPath adds to the raw input", passing(InputPath="$.a", ResultPath="$.r"), {"a": 1}, {"a": 1, "r": 1}),
    ("ResultPath into an array", passing(Result=9, ResultPath="$.a[1]"), {"a": [1, 2]}, {"a": [1, 9]}),
    ("ResultPath through a text", passing(Result=1, ResultPath="$.a.b"), {"a": "t"}, "States.ResultPathMatchFailure"),
    ("Parameters are evaluated", passing(Parameters={"b.$": "$.a", "c": 2}), {"a": 1}, {"b": 1, "c": 2}),
    ("nested Parameters are evaluated", passing(Parameters={"b": [{"c.$": "$.a"}]}), {"a": 1}, {"b": [{"c": 1}]}),
    ("Parameters read the context", passing(Parameters={"n.$": "$$.State.Name"}), {}, {"n": "S"}),
    ("Parameters without a match fail", passing(Parameters={"b.$": "$.x"}), {}, "States.Runtime"),
    (
        "Parameters see what InputPath selects",
        passing(InputPath="$.a", Parameters={"c.$": "$.b"}),
        {"a": {"b": 1}},
        {"c": 1},
    ),
    ("Parameters take intrinsics", passing(Parameters={"b.$": "States.MathAdd($.a, 1)"}), {"a": 1}, {"b": 2}),
    # -- paths
    ("a path to an array gives it", passing(InputPath="$.a"), {"a": [1]}, [1]),
    ("a path by index gives the element", passing(InputPath="$.a[0]"), {"a": [1]}, 1),
    ("a wildcard gives a list", passing(InputPath="$.a[*].b"), {"a": [{"b": 1}, {"b": 2}]}, [1, 2]),
    ("a slice gives a list", passing(InputPath="$.a[1:]"), {"a": [1, 2, 3]}, [2, 3]),
    ("a filter gives a list", passing(InputPath="$.a[?(@.b > 1)]"), {"a": [{"b": 1}, {"b": 2}]}, [{"b": 2}]),
    ("a filter without a match gives an empty list", passing(InputPath="$.a[?(@ > 9)]"), {"a": [1]}, []),
    ("a wildcard below a missing field gives an empty list", passing(InputPath="$.x[*]"), {"a": 1}, []),
    ("a slice below a missing field gives an empty list", passing(InputPath="$.x[1:].y"), {"a": 1}, []),
    ("a descent gives a list", passing(InputPath="$..b"), {"a": {"b": 1}}, [1]),
    ("a quoted name", passing(InputPath="$['a b']"), {"a b": 1}, 1),
    ("a name with a hyphen", passing(InputPath="$.a-b"), {"a-b": 1}, 1),
    ("null exists", passing(InputPath="$.a"), {"a": None}, None),
    # -- the context object
    (
        "the context object has the execution",
        passing(Parameters={"i.$": "$$.Execution.Id", "t.$": "$$.Execution.StartTime", "in.$": "$$.Execution.Input"}),
        {"a": 1},
        {
            "i": "arn:aws:states:eu-west-1:123456789012:execution:machine-0:run",
            "t": "2026-01-31T12:00:00.000Z",
            "in": {"a": 1},
        },
    ),
    (
        "the context object has the state and the machine",
        passing(Parameters={"s.$": "$$.State", "m.$": "$$.StateMachine", "r.$": "$$.Execution.RedriveCount"}),
        {},
        {
            "s": {"EnteredTime": "2026-01-31T12:00:00.000Z", "Name": "S"},
            "m": {"Id": "arn:aws:states:eu-west-1:123456789012:stateMachine:machine-0", "Name": "machine-0"},
            "r": 0,
        },
    ),
    # -- Choice
    ("a rule that matches", choosing({"Variable": "$.a", "NumericEquals": 1}), {"a": 1}, "yes"),
    (
        "no rule matches and no Default",
        choosing({"Variable": "$.a", "NumericEquals": 1}),
        {"a": 2},
        "States.NoChoiceMatched",
    ),
    ("Default", choosing({"Variable": "$.a", "NumericEquals": 1}, Default="Yes"), {"a": 2}, "yes"),
    ("a variable that is missing", choosing({"Variable": "$.x", "NumericEquals": 1}), {}, "States.Runtime"),
    (
        "And stops at the first rule that is false",
        choosing(
            {"And": [{"Variable": "$.x", "IsPresent": True}, {"Variable": "$.x", "IsNull": False}]}, Default="Yes"
        ),
        {},
        "yes",
    ),
    # -- Succeed and Fail
    ("Succeed passes its input on", single_state({"Type": "Succeed", "InputPath": "$.a"}), {"a": 1}, 1),
    ("Fail names its error", single_state({"Type": "Fail", "Error": "Bad", "Cause": "why"}), {}, "Bad"),
    ("Fail without an error", single_state({"Type": "Fail"}), {}, None),
    ("ErrorPath", single_state({"Type": "Fail", "ErrorPath": "$.e"}), {"e": "Worse"}, "Worse"),
    (
        "ErrorPath takes intrinsics",
        single_state({"Type": "Fail", "ErrorPath": "States.Format('E{}', $.n)"}),
        {"n": 7},
        "E7",
    ),
    ("ErrorPath to a number", single_state({"Type": "Fail", "ErrorPath": "$.e"}), {"e": 1}, "States.Runtime"),
    # -- Task
    ("lambda:invoke gives the payload", single_state(task("echo")), {"a": 1}, {"a": 1}),
    ("lambda:invoke returns the status", single_state(task("echo", OutputPath="$.StatusCode")), {}, 200),
    ("lambda:invoke returns the version", single_state(task("echo", OutputPath="$.ExecutedVersion")), {}, "$LATEST"),
    ("a function by its ARN alone", single_state({"Type": "Task", "Resource": FUNCTION_ARN}), {"a": 1}, {"a": 1}),
    (
        "the function's name from the input",
        single_state(
            {
                "Type": "Task",
                "Resource": INVOKE,
                "Parameters": {"FunctionName.$": "$.f", "Payload": 1},
                "OutputPath": "$.Payload",
            }
        ),
        {"f": "echo"},
        1,
    ),
    (
        "ResultSelector sees the result",
        single_state(task("echo", ResultSelector={"r.$": "$.Payload.a"}, OutputPath="$")),
        {"a": 1},
        {"r": 1},
    ),
    ("a function's error has its name", single_state(task("fails")), {}, "ValueError"),
    ("a function that does not exist", single_state(task("missing")), {}, "Lambda.ResourceNotFoundException"),
    ("a call that fails before Lambda answers", single_state(task("breaks")), {}, "Lambda.SdkClientException"),
    ("a result over 256 KiB", single_state(task("huge")), {}, "States.DataLimitExceeded"),
    ("a task over TimeoutSeconds", single_state(task("slow", TimeoutSeconds=5)), {}, "States.Timeout"),
    ("a task within TimeoutSeconds", single_state(task("slow", TimeoutSecondsPath="$.t")), {"t": 60}, "late"),
    # -- Parallel
    ("Parallel gives a list", parallel(END, {**END, "Result": 2}), 1, [1, 2]),
    ("Parallel fails with its branch", failing("E"), {}, "E"),
    ("Parallel has a ResultSelector", parallel(END, ResultSelector={"f.$": "$[0]"}), 1, {"f": 1}),
    # -- Retry and Catch
    ("Catch passes error and cause on", failing("E", **caught("E")), {"a": 1}, WHY),
    (
        "Catch keeps the input by ResultPath",
        failing("E", **caught("E", ResultPath="$.e")),
        {"a": 1},
        {"a": 1, "e": WHY},
    ),
    (
        "Catch adds to the raw input",
        failing("E", InputPath="$.a", **caught("E", ResultPath="$.e")),
        {"a": 1},
        {"a": 1, "e": WHY},
    ),
    ("Catch of another error", failing("E", **caught("F")), {}, "E"),
    ("States.ALL", failing("E", **caught("States.ALL")), {}, WHY),
    ("States.TaskFailed", failing("E", **caught("States.TaskFailed")), {}, WHY),
    (
        "States.TaskFailed does not match a timeout",
        failing("States.Timeout", **caught("States.TaskFailed")),
        {},
        "States.Timeout",
    ),
    (
        "States.ALL matches a timeout",
        failing("States.Timeout", **caught("States.ALL")),
        {},
        {**WHY, "Error": "States.Timeout"},
    ),
    ("States.Runtime cannot be caught", failing("States.Runtime", **caught("States.ALL")), {}, "States.Runtime"),
    ("States.Runtime cannot be named", failing("States.Runtime", **caught("States.Runtime")), {}, "States.Runtime"),
    (
        "States.ALL matches States.DataLimitExceeded",
        failing("States.DataLimitExceeded", **caught("States.ALL")),
        {},
        {**WHY, "Error": "States.DataLimitExceeded"},
    ),
    (
        "States.TaskFailed does not match States.DataLimitExceeded",
        failing("States.DataLimitExceeded", **caught("States.TaskFailed")),
        {},
        "States.DataLimitExceeded",
    ),
    (
        "States.DataLimitExceeded can be named",
        failing("States.DataLimitExceeded", **caught("States.DataLimitExceeded")),
        {},
        {**WHY, "Error": "States.DataLimitExceeded"},
    ),
    ("Retry, then Catch", failing("E", Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}], **caught("E")), {}, WHY),
    # -- Map inline
    ("Map over its input", mapping(END), [1, 2], [1, 2]),
    ("Map over an empty array", mapping(END), [], []),
    ("Map by ItemsPath", mapping(END, ItemsPath="$.a"), {"a": [1]}, [1]),
    ("Map over an object", mapping(END), {"a": 1}, "States.Runtime"),
    (
        "ItemSelector",
        mapping(
            END, ItemsPath="$.a", ItemSelector={"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "b.$": "$.b"}
        ),
        {"a": ["x"], "b": 2},
        [{"i": 0, "v": "x", "b": 2}],
    ),
    (
        "an iteration sees its item",
        mapping({**END, "Parameters": {"i.$": "$$.Map.Item.Index"}}),
        ["x", "y"],
        [{"i": 0}, {"i": 1}],
    ),
    ("an iteration fails the Map", mapping({"Type": "Fail", "Error": "E"}), [1], "E"),
    (
        "the output of a tolerated failure is its error",
        mapping(task("odd", End=True), ToleratedFailureCount=1),
        [2, 3],
        [2, {"Error": "Odd", "Cause": '{"errorType":"Odd","errorMessage":""}'}],
    ),
    (
        "one failure too many",
        mapping(task("odd", End=True), ToleratedFailurePercentage=50),
        [1, 3, 2],
        "States.ExceedToleratedFailureThreshold",
    ),
    ("MaxConcurrencyPath", mapping(END, ItemsPath="$.a", MaxConcurrencyPath="$.c"), {"a": [1, 2], "c": 1}, [1, 2]),
    (
        "MaxConcurrencyPath to a text",
        mapping(END, ItemsPath="$.a", MaxConcurrencyPath="$.c"),
        {"a": [1], "c": "1"},
        "States.Runtime",
    ),
    # -- limits
    ("an output over 256 KiB", passing(Result="x" * 262_143), {}, "States.DataLimitExceeded"),
    ("an output of 256 KiB", passing(Result="x" * 262_142, OutputPath="$"), {}, "x" * 262_142),
]


def odd(number: int) -> int:
    if number % 2:
        raise LambdaError("Odd")
    return number


@pytest.mark.parametrize(("definition", "data", "expected"), [rule[1:] for rule in RULES], ids=[r[0] for r in RULES])
def test_the_rule_holds(harness: Harness, definition: dict[str, Any], data: Any, expected: Any) -> None:
    def fails(_: Any) -> None:
        raise LambdaError("ValueError", "no")

    def slow(_: Any) -> str:
        harness.clock.pass_time(30)
        return "late"

    harness.functions.update(
        echo=lambda payload: payload, fails=fails, slow=slow, odd=odd, huge=lambda _: "x" * 262_144,
        breaks=lambda _: {}["x"],
    )  # fmt: skip
    assert harness.output(definition, data) == expected
