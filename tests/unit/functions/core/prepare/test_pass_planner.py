"""PlanPass: whether the rows that wait are tried again, and when."""

from typing import Any

import pytest

from functions.core.model.types import PreparedState
from functions.core.prepare.passes import END_SECONDS, IDLE_SECONDS, PassPlanner
from tests.support.fakes import FakeRecords, FakeRunFiles

STARTED, DAY = 1_800_000_000.0, 86_400
STARTED_AT = "2027-01-15T08:00:00.000Z"


class World:
    """`now` is a clock that tests advance, in seconds since the start of the run."""

    def __init__(self) -> None:
        self.files, self.records = FakeRunFiles(), FakeRecords()
        self.now = 100.0
        self.state: PreparedState = {
            "run": {"id": "r1", "options": {}},
            "status": "ready",
            "reader": "csv",
            "manifest": {"bucket": "in", "key": "k", "version_id": "v", "format": "csv", "etag": "e", "size": 1},
            "rows": 1000,
            "batch_size": 500,
            "max_concurrency": 40,
            "map_prefix": "runs/r1/map",
            "passes": 1000,
            "failure": None,
        }

    def wait(self, number: int, *files: tuple[int, float]) -> None:
        """Files of a pass: their rows, and the earliest time of one, in seconds since the start of the run."""
        for index, (rows, not_before) in enumerate(files):
            metadata = {"rows": str(rows), "not-before": f"{STARTED + not_before:.3f}"}
            self.files.write(f"passes/{number}/part-{index:010d}-00.jsonl", [], metadata)

    def plan(self, **changes: Any) -> Any:
        planner = PassPlanner(files=self.files, records=self.records, run_seconds=DAY, clock=lambda: STARTED + self.now)
        self.state = planner.plan({**self.state, **changes}, STARTED_AT)  # type: ignore[typeddict-item]
        return self.state["planned_pass"]

    @property
    def note(self) -> str:
        return str(self.records.records.get("r1", {}).get("pass_note", ""))


def test_without_rows_that_wait_there_is_no_pass() -> None:
    world = World()
    world.wait(1, (0, 0.0))

    assert world.plan()["status"] == "none"
    assert (world.state["map_prefix"], world.note) == ("runs/r1/map", "")


def test_a_pass_starts_at_the_earliest_time_of_a_row() -> None:
    world = World()
    world.wait(1, (3, 400.5), (0, 0.0), (2, 250.5))

    planned = world.plan()

    assert planned == {
        "number": 1,
        "status": "planned",
        "rows": 5,
        "prefix": "runs/r1/passes/1/part-",
        "wait_seconds": 151,
        "progress_at": STARTED + 100,
    }
    assert world.state["map_prefix"] == "runs/r1/map/pass-1"
    assert world.files.files["passes/plan-0001.jsonl"] == [
        {"number": 1, "rows": 5, "starts_at": "2027-01-15T08:04:11.000Z"}
    ]
    record = world.records.records["r1"]
    assert (record["pass_number"], record["pass_rows"]) == (1, 5)


def test_a_pass_starts_after_a_minute_at_least_or_soon_if_the_last_one_had_success() -> None:
    world = World()
    for number, rows in enumerate((5, 3, 3, 2), start=1):
        world.wait(number, (rows, 101.0))

    assert [world.plan()["wait_seconds"] for _ in range(4)] == [5, 5, 60, 5]


def test_the_concurrency_of_a_pass_is_that_which_the_run_has_now() -> None:
    world = World()
    world.wait(1, (3, 0.0))
    world.records.update("r1", {"max_concurrency": 7})

    world.plan()

    assert world.state["max_concurrency"] == 7


def test_the_passes_of_a_run_can_be_used_up() -> None:
    world = World()
    world.wait(1, (3, 0.0))
    world.wait(2, (2, 0.0))

    assert world.plan(passes=1)["status"] == "planned"
    assert world.plan()["status"] == "none"
    assert world.note == "2 rows were not tried again, because all passes of the run were used (passes=1)."


@pytest.mark.parametrize(
    ("not_before", "status"), [(DAY - END_SECONDS - 1, "planned"), (DAY - END_SECONDS + 1, "none")]
)
def test_no_pass_starts_when_the_time_of_the_run_is_nearly_over(not_before: float, status: str) -> None:
    world = World()
    world.wait(1, (1, not_before))

    assert world.plan()["status"] == status
    assert ("the time of the run" in world.note) is (status == "none")


def test_passes_end_after_four_hours_in_which_no_row_ended() -> None:
    """A wait that a host asked for may be longer: it is compared after the pass."""
    world = World()
    world.wait(1, (5, 100 + 5 * 3600.0))
    assert world.plan()["wait_seconds"] == 5 * 3600
    world.now += 5 * 3600
    world.wait(2, (4, 0.0))
    assert world.plan()["status"] == "planned"
    world.wait(3, (4, 0.0))
    world.now += IDLE_SECONDS - 1
    assert world.plan()["status"] == "planned"
    world.wait(4, (4, 0.0))
    world.now += 2

    assert world.plan()["status"] == "none"
    assert world.note == "4 rows were not tried again, because no row ended in the last 4 hours."
