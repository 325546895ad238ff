"""How many rows are under way."""

import pytest

from functions.core.download.concurrency import (
    FIRST,
    LONG_TICK_SECONDS,
    MORE_A_SECOND,
    REST_SECONDS,
    TICK_SECONDS,
    AdaptiveConcurrency,
)


class Machine:
    """Its clock and its CPU time, which a busy share of every tick goes to; and how often S3 has asked for less."""

    def __init__(self) -> None:
        self.now = self.used = 0.0
        self.throttle_count = 0

    def tick(self, busy: float) -> None:
        self.now += TICK_SECONDS
        self.used += busy * TICK_SECONDS


def paced(most: int) -> tuple[AdaptiveConcurrency, Machine]:
    machine = Machine()
    pace = AdaptiveConcurrency(
        most, clock=lambda: machine.now, cpu=lambda: machine.used, throttle_count=lambda: machine.throttle_count
    )
    return pace, machine


def looks(pace: AdaptiveConcurrency, machine: Machine, busy: float, times: int) -> list[int]:
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


def test_when_s3_asks_for_less_half_as_many_are_under_way() -> None:
    pace, machine = paced(40)
    looks(pace, machine, busy=0.1, times=3)
    machine.throttle_count += 7

    assert looks(pace, machine, busy=0.1, times=3) == [20, 20, 20]


def test_what_s3_refuses_for_a_moment_after_that_was_sent_before() -> None:
    pace, machine = paced(40)
    looks(pace, machine, busy=0.1, times=3)
    for _ in range(round(REST_SECONDS / TICK_SECONDS)):
        machine.throttle_count += 1
        assert looks(pace, machine, busy=0.1, times=1) == [20]

    machine.throttle_count += 1
    assert looks(pace, machine, busy=0.1, times=1) == [10]


def test_one_at_least_is_under_way_however_often_s3_asks_for_less() -> None:
    pace, machine = paced(40)
    for _ in range(1000):
        machine.throttle_count += 1
        looks(pace, machine, busy=0.1, times=1)

    assert pace.at_once == 1


def test_while_s3_asks_for_nothing_rows_are_added_one_by_one_up_to_the_options_limit() -> None:
    pace, machine = paced(8)
    looks(pace, machine, busy=0.1, times=3)
    machine.throttle_count += 1
    looks(pace, machine, busy=0.1, times=1)

    found = looks(pace, machine, busy=0.1, times=round(5 / MORE_A_SECOND / TICK_SECONDS))

    assert sorted(set(found)) == [4, 5, 6, 7, 8]
    assert found == sorted(found)


def test_what_s3_said_to_an_earlier_batch_is_no_matter() -> None:
    machine = Machine()
    machine.throttle_count = 100
    pace = AdaptiveConcurrency(
        24, clock=lambda: machine.now, cpu=lambda: machine.used, throttle_count=lambda: machine.throttle_count
    )

    assert looks(pace, machine, busy=0.1, times=3) == [8, 24, 24]
