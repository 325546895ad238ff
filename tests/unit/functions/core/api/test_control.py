from datetime import UTC, datetime

import pytest

from functions.core.api.control import RunControl
from functions.core.api.problems import Problem
from tests.support.api_fakes import FakeExecutions, FakeRuns

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class World:
    def __init__(self, **record: str) -> None:
        self.runs = FakeRuns({"run_id": "r", "status": "running", "execution_arn": "arn:execution:r", **record})
        self.executions = FakeExecutions()
        self.executions.started["r"] = {}
        self.control = RunControl(runs=self.runs, executions=self.executions, now=NOW)


def test_a_cancelled_run_is_stopped_and_ended_by_who_hears_of_it() -> None:
    world = World()

    world.control.cancel("r")

    assert world.executions.stopped == ["arn:execution:r"]
    assert world.runs.records["r"]["status"] == "cancelling"
    assert "ended_at" not in world.runs.records["r"]


def test_a_run_that_never_began_is_cancelled_at_once() -> None:
    world = World(status="starting")
    world.executions.started.clear()

    world.control.cancel("r")

    record = world.runs.records["r"]
    assert (record["status"], record["error"]) == ("cancelled", "Cancelled")
    assert record["ended_at"] == "2026-11-23T12:00:00.000Z"


def test_concurrency_is_set_on_the_execution_of_the_run() -> None:
    world = World()

    world.control.set_concurrency("r", 7)

    assert world.executions.concurrency == {"arn:execution:r": 7}


def test_a_concurrency_that_is_set_replaces_the_one_that_was_requested() -> None:
    world = World(concurrency_note="At most 3 batches run at once instead of 40.")

    world.control.set_concurrency("r", 7)

    record = world.runs.records["r"]
    assert (record["max_concurrency"], record["requested_concurrency"], record["concurrency_note"]) == (7, 7, None)


def test_concurrency_cannot_be_set_before_batches_are_under_way() -> None:
    world = World()
    world.executions.map_run = False

    with pytest.raises(Problem) as problem:
        world.control.set_concurrency("r", 7)

    assert problem.value.status == 409
    assert "max_concurrency" not in world.runs.records["r"]


@pytest.mark.parametrize(("run_id", "status"), [("r", 409), ("unknown", 404)])
def test_a_run_that_is_over_or_unknown_cannot_be_changed(run_id: str, status: int) -> None:
    world = World(status="succeeded", ended_at="2026-11-23T11:00:00.000Z")

    for change in (lambda: world.control.cancel(run_id), lambda: world.control.set_concurrency(run_id, 2)):
        with pytest.raises(Problem) as problem:
            change()
        assert problem.value.status == status
    assert not world.executions.stopped
