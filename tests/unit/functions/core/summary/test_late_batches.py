"""The rounds of batches that a stopped run waits for."""

from datetime import UTC, datetime, timedelta

from functions.core.summary.late_batches import POLL_SECONDS, ROUND_TIME, wait_for_rounds
from tests.support.fakes import FakeResults

START = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)


class World:
    """A clock that moves when it is slept on. `ends` has the time when a round writes its results."""

    def __init__(self, **ends: float) -> None:
        self.results = FakeResults()
        self.ends = ends
        self.now = START
        for name in ends:
            self.results.start_round(name)
            self.results.started[name] = START

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for name, end in self.ends.items():
            if self.now >= START + timedelta(seconds=end):
                self.results.write(f"results/{name}", [])

    def wait(self) -> float:
        """The seconds that were waited."""
        wait_for_rounds(self.results, lambda: self.now, self.sleep)
        return (self.now - START).total_seconds()


def test_without_rounds_nothing_is_waited_for_and_no_round_can_start() -> None:
    world = World()

    assert world.wait() == 0
    assert not world.results.start_round("late")


def test_rounds_are_waited_for_until_the_last_has_written_its_results() -> None:
    assert 20 <= World(first=3, last=20).wait() <= 20 + POLL_SECONDS


def test_a_round_that_was_killed_is_waited_for_as_long_as_its_function_may_run() -> None:
    assert World(first=3, killed=10**6).wait() == ROUND_TIME.total_seconds() == 95


def test_a_round_that_was_killed_long_ago_is_not_waited_for() -> None:
    world = World(killed=10**6)
    world.now = START + timedelta(hours=1)

    wait_for_rounds(world.results, lambda: world.now, world.sleep)

    assert world.now == START + timedelta(hours=1)
