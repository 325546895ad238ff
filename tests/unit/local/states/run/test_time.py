"""Retries, waits and time limits, with a clock that does not wait."""

from typing import Any

import pytest

from tests.unit.local.states.harness import Harness, LambdaError, single_state, task


def retrying(*retriers: dict[str, Any]) -> dict[str, Any]:
    return single_state(task(Retry=list(retriers)))


def fails(*errors: str) -> Any:
    """A function that fails with these errors, one a call, and then succeeds."""
    pending = list(errors)

    def function(_: Any) -> str:
        if pending:
            raise LambdaError(pending.pop(0))
        return "done"

    return function


ALL = {"ErrorEquals": ["States.ALL"]}


@pytest.mark.parametrize(
    ("retrier", "waits"),
    [
        (ALL, [1, 2, 4]),
        ({**ALL, "IntervalSeconds": 3, "BackoffRate": 1}, [3, 3, 3]),
        ({**ALL, "IntervalSeconds": 2, "BackoffRate": 1.5}, [2, 3, 4.5]),
        ({**ALL, "IntervalSeconds": 3, "MaxDelaySeconds": 5}, [3, 5, 5]),
        ({**ALL, "MaxAttempts": 1}, [1]),
        ({**ALL, "MaxAttempts": 0}, []),
        ({"ErrorEquals": ["Other"]}, []),
    ],
)
def test_retries_wait_longer_and_longer(harness: Harness, retrier: dict[str, Any], waits: list[float]) -> None:
    harness.functions["f"] = fails(*["E"] * 9)
    assert harness.output(retrying(retrier)) == "E"
    assert harness.clock.waits == waits


def test_jitter_waits_anything_up_to_the_delay(harness: Harness) -> None:
    harness.functions["f"] = fails(*["E"] * 9)
    harness.run(retrying({**ALL, "IntervalSeconds": 100, "JitterStrategy": "FULL"}))
    assert all(0 <= wait <= delay for wait, delay in zip(harness.clock.waits, [100, 200, 400], strict=True))
    assert harness.clock.waits != [100, 200, 400]


def test_each_retrier_counts_its_own_attempts(harness: Harness) -> None:
    harness.functions["f"] = fails("A", "B", "A")
    named = {"ErrorEquals": ["A"], "IntervalSeconds": 10, "MaxAttempts": 2}
    assert harness.output(retrying(named, {**ALL, "MaxAttempts": 1})) == "done"
    assert harness.clock.waits == [10, 1, 20]


def test_a_retried_state_has_its_retry_count(harness: Harness) -> None:
    harness.functions["f"] = fails("A", "A")
    seen: list[int] = []
    harness.functions["count"] = lambda payload: seen.append(payload) or harness.functions["f"](payload)
    definition = single_state(task("count", Retry=[ALL]))
    definition["States"]["S"]["Parameters"]["Payload.$"] = "$$.State.RetryCount"
    assert harness.output(definition) == "done"
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("fields", "waited"),
    [
        ({"Seconds": 7}, 7),
        ({"SecondsPath": "$.s"}, 9),
        ({"Timestamp": "2026-01-31T12:01:00Z"}, 60),
        ({"TimestampPath": "$.t"}, 3_600),
        ({"Timestamp": "2020-01-01T00:00:00Z"}, 0),
    ],
)
def test_a_wait_waits(harness: Harness, fields: dict[str, Any], waited: float) -> None:
    data = {"s": 9, "t": "2026-01-31T14:00:00+01:00"}
    assert harness.output(single_state({"Type": "Wait", **fields}), data) == data
    assert harness.clock.waits == [waited]


@pytest.mark.parametrize("value", [-1, 1.5, "3", None, True])
def test_a_wait_without_a_number_of_seconds_fails(harness: Harness, value: Any) -> None:
    assert harness.output(single_state({"Type": "Wait", "SecondsPath": "$.s"}), {"s": value}) == "States.Runtime"


def test_a_machine_over_its_time_is_timed_out_in_the_middle_of_a_wait(harness: Harness) -> None:
    execution = harness.run({**single_state({"Type": "Wait", "Seconds": 100}), "TimeoutSeconds": 30})
    assert (execution.status, execution.error) == ("TIMED_OUT", None)
    assert harness.clock.waits == [30]


def test_nothing_catches_the_end_of_a_machines_time(harness: Harness) -> None:
    branch = {"StartAt": "B", "States": {"B": {"Type": "Wait", "Seconds": 100, "End": True}}}
    state = {"Type": "Parallel", "Branches": [branch], "Catch": [{**ALL, "Next": "C"}]}
    definition = single_state(state, C={"Type": "Pass", "End": True})
    assert harness.run({**definition, "TimeoutSeconds": 30}).status == "TIMED_OUT"


def test_an_express_machine_has_five_minutes(harness: Harness) -> None:
    definition = {**single_state({"Type": "Wait", "Seconds": 301}), "TimeoutSeconds": 10_000}
    assert harness.run(definition, kind="EXPRESS").status == "TIMED_OUT"


def test_a_task_that_times_out_can_be_caught(harness: Harness) -> None:
    harness.functions["slow"] = lambda _: harness.clock.pass_time(60)
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "C"}]
    definition = single_state(task("slow", TimeoutSeconds=5, Catch=catch), C={"Type": "Pass", "End": True})
    assert harness.output(definition)["Error"] == "States.Timeout"
