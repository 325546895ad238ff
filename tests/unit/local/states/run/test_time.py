"""Retries, waits and time limits: what they ask of the clock."""

from typing import Any

import pytest

from tests.unit.local.states.harness import LambdaError, World, one, task


def retrying(*retriers: dict[str, Any]) -> dict[str, Any]:
    return one(task(Retry=list(retriers)))


def fails(*errors: str) -> Any:
    """A function that fails so, call by call, and then answers."""
    left = list(errors)

    def function(_: Any) -> str:
        if left:
            raise LambdaError(left.pop(0))
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
def test_retries_wait_longer_and_longer(world: World, retrier: dict[str, Any], waits: list[float]) -> None:
    world.functions["f"] = fails(*["E"] * 9)
    assert world.output(retrying(retrier)) == "E"
    assert world.clock.waits == waits


def test_jitter_waits_anything_up_to_the_delay(world: World) -> None:
    world.functions["f"] = fails(*["E"] * 9)
    world.run(retrying({**ALL, "IntervalSeconds": 100, "JitterStrategy": "FULL"}))
    assert all(0 <= wait <= most for wait, most in zip(world.clock.waits, [100, 200, 400], strict=True))
    assert world.clock.waits != [100, 200, 400]


def test_each_retrier_counts_its_own_attempts(world: World) -> None:
    world.functions["f"] = fails("A", "B", "A")
    named = {"ErrorEquals": ["A"], "IntervalSeconds": 10, "MaxAttempts": 2}
    assert world.output(retrying(named, {**ALL, "MaxAttempts": 1})) == "done"
    assert world.clock.waits == [10, 1, 20]


def test_a_retried_state_knows_how_often(world: World) -> None:
    world.functions["f"] = fails("A", "A")
    seen: list[int] = []
    world.functions["count"] = lambda payload: seen.append(payload) or world.functions["f"](payload)
    definition = one(task("count", Retry=[ALL]))
    definition["States"]["S"]["Parameters"]["Payload.$"] = "$$.State.RetryCount"
    assert world.output(definition) == "done"
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
def test_a_wait_waits(world: World, fields: dict[str, Any], waited: float) -> None:
    data = {"s": 9, "t": "2026-01-31T14:00:00+01:00"}
    assert world.output(one({"Type": "Wait", **fields}), data) == data
    assert world.clock.waits == [waited]


@pytest.mark.parametrize("value", [-1, 1.5, "3", None, True])
def test_a_wait_for_no_number_of_seconds_fails(world: World, value: Any) -> None:
    assert world.output(one({"Type": "Wait", "SecondsPath": "$.s"}), {"s": value}) == "States.Runtime"


def test_a_machine_over_its_time_is_timed_out_in_the_middle_of_a_wait(world: World) -> None:
    execution = world.run({**one({"Type": "Wait", "Seconds": 100}), "TimeoutSeconds": 30})
    assert (execution.status, execution.error) == ("TIMED_OUT", "States.Timeout")
    assert world.clock.waits == [30]


def test_nothing_catches_the_end_of_a_machines_time(world: World) -> None:
    branch = {"StartAt": "B", "States": {"B": {"Type": "Wait", "Seconds": 100, "End": True}}}
    state = {"Type": "Parallel", "Branches": [branch], "Catch": [{**ALL, "Next": "C"}]}
    definition = one(state, C={"Type": "Pass", "End": True})
    assert world.run({**definition, "TimeoutSeconds": 30}).status == "TIMED_OUT"


def test_an_express_machine_has_five_minutes(world: World) -> None:
    definition = {**one({"Type": "Wait", "Seconds": 301}), "TimeoutSeconds": 10_000}
    assert world.run(definition, kind="EXPRESS").status == "TIMED_OUT"


def test_a_task_that_times_out_can_be_caught(world: World) -> None:
    world.functions["slow"] = lambda _: world.clock.pass_time(60)
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "C"}]
    definition = one(task("slow", TimeoutSeconds=5, Catch=catch), C={"Type": "Pass", "End": True})
    assert world.output(definition)["Error"] == "States.Timeout"
