"""How many rows are under way."""

import pytest

from functions.core.pace import FIRST, LONG_TICK_SECONDS, TICK_SECONDS, Pace


class Machine:
    """Its clock and its CPU time, which a busy share of every tick goes to."""

    def __init__(self) -> None:
        self.now = self.used = 0.0

    def tick(self, busy: float) -> None:
        self.now += TICK_SECONDS
        self.used += busy * TICK_SECONDS


def paced(most: int) -> tuple[Pace, Machine]:
    machine = Machine()
    return Pace(most, clock=lambda: machine.now, cpu=lambda: machine.used), machine


def looks(pace: Pace, machine: Machine, busy: float, times: int) -> list[int]:
    found = []
    for _ in range(times):
        machine.tick(busy)
        found.append(pace.look())
    return found


def test_while_the_cpu_waits_rows_are_added_until_the_options_limit() -> None:
    assert looks(*paced(24), busy=0.1, times=3) == [8, 24, 24]


def test_while_few_keep_the_cpu_busy_they_stay_few() -> None:
    assert looks(*paced(24), busy=1.0, times=3) == [FIRST] * 3


def test_between_the_two_nothing_changes() -> None:
    pace, machine = paced(24)
    looks(pace, machine, busy=0.2, times=1)

    assert looks(pace, machine, busy=0.85, times=3) == [8, 8, 8]


def test_servers_that_become_quick_are_asked_by_fewer() -> None:
    pace, machine = paced(24)
    looks(pace, machine, busy=0.1, times=3)

    assert looks(pace, machine, busy=1.0, times=20)[-1] == FIRST


def test_there_is_no_hurry_once_there_are_as_many_as_there_may_be() -> None:
    pace, machine = paced(24)
    assert pace.tick == TICK_SECONDS

    looks(pace, machine, busy=0.1, times=2)

    assert pace.tick == LONG_TICK_SECONDS


@pytest.mark.parametrize("most", [1, FIRST])
def test_the_options_limit_holds_from_the_first_row(most: int) -> None:
    pace, machine = paced(most)

    assert pace.at_once == most
    assert set(looks(pace, machine, busy=0.0, times=3)) == {most}
    assert set(looks(pace, machine, busy=1.0, times=3)) == {most}


def test_a_clock_that_stands_still_changes_nothing() -> None:
    pace, _ = paced(24)

    assert pace.look() == FIRST
