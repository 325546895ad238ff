"""The limit for rows in flight."""

import pytest

from functions.core.download import concurrency as concurrency_module
from functions.core.download.concurrency import (
    COOLDOWN_SECONDS,
    INCREASE_PER_SECOND,
    INITIAL_LIMIT,
    INTERVAL_AT_MAX_SECONDS,
    INTERVAL_SECONDS,
    AdaptiveConcurrency,
)


class Machine:
    """A clock, a CPU that is busy for a share of each interval, and the number of times that S3 has throttled."""

    def __init__(self) -> None:
        self.now = self.used = 0.0
        self.throttle_count = 0

    def tick(self, busy: float) -> None:
        self.now += INTERVAL_SECONDS
        self.used += busy * INTERVAL_SECONDS


def adaptive(max_limit: int) -> tuple[AdaptiveConcurrency, Machine]:
    machine = Machine()
    concurrency = AdaptiveConcurrency(
        max_limit, clock=lambda: machine.now, cpu=lambda: machine.used, throttle_count=lambda: machine.throttle_count
    )
    return concurrency, machine


def adjustments(concurrency: AdaptiveConcurrency, machine: Machine, busy: float, times: int) -> list[int]:
    limits = []
    for _ in range(times):
        machine.tick(busy)
        limits.append(concurrency.adjust())
    return limits


def test_while_the_cpu_waits_the_limit_grows_up_to_that_of_the_options() -> None:
    assert adjustments(*adaptive(24), busy=0.1, times=3) == [8, 24, 24]


def test_while_few_rows_keep_the_cpu_busy_the_limit_stays_low() -> None:
    assert adjustments(*adaptive(24), busy=1.0, times=3) == [INITIAL_LIMIT] * 3


@pytest.mark.parametrize(
    ("limit", "busy", "expected"),
    [
        (8, 0.70, 24),  # 32, but for the maximum
        (8, 0.80, 8),
        (8, 0.90, 8),
        (8, 1.00, 6),
        (24, 1.00, 18),
        (24, 0.96, 18),
        (24, 0.94, 24),
    ],
)
def test_the_share_of_the_cpu_decides(limit: int, busy: float, expected: int) -> None:
    concurrency, machine = adaptive(24)
    concurrency.limit = limit

    assert adjustments(concurrency, machine, busy, times=1) == [expected]


def test_a_busy_cpu_takes_a_quarter_of_the_rows_and_at_least_one() -> None:
    concurrency, machine = adaptive(24)
    adjustments(concurrency, machine, busy=0.1, times=3)

    assert adjustments(concurrency, machine, busy=1.0, times=11) == [18, 14, 11, 9, 7, 6, 5, 4, 3, 2, 2]


@pytest.mark.parametrize("used", [0.5, 1.0])
def test_the_shares_themselves_change_nothing(used: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """With shares and times that are exact as binary fractions."""
    monkeypatch.setattr(concurrency_module, "LOW_CPU", 0.5)
    monkeypatch.setattr(concurrency_module, "HIGH_CPU", 1.0)
    concurrency, machine = adaptive(24)
    concurrency.limit = 8
    machine.now, machine.used = 1.0, used

    assert concurrency.adjust() == 8


@pytest.mark.parametrize(("limit", "seconds"), [(2, 0.01), (23, 0.01), (24, 0.1)])
def test_the_interval_is_a_hundredth_or_a_tenth_of_a_second(limit: int, seconds: float) -> None:
    concurrency, _ = adaptive(24)
    concurrency.limit = limit

    assert concurrency.interval == seconds


def test_the_ceiling_rises_by_two_rows_a_second_from_the_half() -> None:
    concurrency, machine = adaptive(40)
    adjustments(concurrency, machine, busy=0.1, times=3)
    machine.throttle_count += 1
    adjustments(concurrency, machine, busy=0.1, times=1)
    limits = []
    for _ in range(4):
        machine.now += 0.25
        limits.append(concurrency.adjust())

    assert limits == [20, 21, 21, 22]


@pytest.mark.parametrize(("seconds", "expected"), [(0.4375, 20), (0.5, 10), (0.5625, 10)])
def test_half_a_second_after_a_decrease_throttling_counts_again(seconds: float, expected: int) -> None:
    concurrency, machine = adaptive(40)
    concurrency.limit = 40
    machine.now, machine.throttle_count = 1.0, 1
    assert concurrency.adjust() == 20

    machine.now, machine.throttle_count = 1.0 + seconds, 2

    assert concurrency.adjust() == expected


def test_between_the_two_nothing_changes() -> None:
    concurrency, machine = adaptive(24)
    adjustments(concurrency, machine, busy=0.2, times=1)

    assert adjustments(concurrency, machine, busy=0.85, times=3) == [8, 8, 8]


def test_when_servers_become_fast_the_limit_falls() -> None:
    concurrency, machine = adaptive(24)
    adjustments(concurrency, machine, busy=0.1, times=3)

    assert adjustments(concurrency, machine, busy=1.0, times=20)[-1] == INITIAL_LIMIT


def test_at_the_maximum_the_interval_is_longer() -> None:
    concurrency, machine = adaptive(24)
    assert concurrency.interval == INTERVAL_SECONDS

    adjustments(concurrency, machine, busy=0.1, times=2)

    assert concurrency.interval == INTERVAL_AT_MAX_SECONDS


@pytest.mark.parametrize("max_limit", [1, INITIAL_LIMIT])
def test_the_options_limit_holds_from_the_first_row(max_limit: int) -> None:
    concurrency, machine = adaptive(max_limit)

    assert concurrency.limit == max_limit
    assert set(adjustments(concurrency, machine, busy=0.0, times=3)) == {max_limit}
    assert set(adjustments(concurrency, machine, busy=1.0, times=3)) == {max_limit}


def test_a_clock_that_does_not_advance_changes_nothing() -> None:
    concurrency, _ = adaptive(24)

    assert concurrency.adjust() == INITIAL_LIMIT


def test_when_s3_throttles_the_limit_is_halved() -> None:
    concurrency, machine = adaptive(40)
    adjustments(concurrency, machine, busy=0.1, times=3)
    machine.throttle_count += 7

    assert adjustments(concurrency, machine, busy=0.1, times=3) == [20, 20, 20]


def test_throttling_shortly_after_a_decrease_causes_no_other_one() -> None:
    concurrency, machine = adaptive(40)
    adjustments(concurrency, machine, busy=0.1, times=3)
    for _ in range(round(COOLDOWN_SECONDS / INTERVAL_SECONDS)):
        machine.throttle_count += 1
        assert adjustments(concurrency, machine, busy=0.1, times=1) == [20]

    machine.throttle_count += 1
    assert adjustments(concurrency, machine, busy=0.1, times=1) == [10]


def test_the_limit_is_at_least_one_however_often_s3_throttles() -> None:
    concurrency, machine = adaptive(40)
    for _ in range(1000):
        machine.throttle_count += 1
        adjustments(concurrency, machine, busy=0.1, times=1)

    assert concurrency.limit == 1


def test_while_s3_does_not_throttle_the_limit_grows_one_by_one_up_to_that_of_the_options() -> None:
    concurrency, machine = adaptive(8)
    adjustments(concurrency, machine, busy=0.1, times=3)
    machine.throttle_count += 1
    adjustments(concurrency, machine, busy=0.1, times=1)

    limits = adjustments(concurrency, machine, busy=0.1, times=round(5 / INCREASE_PER_SECOND / INTERVAL_SECONDS))

    assert sorted(set(limits)) == [4, 5, 6, 7, 8]
    assert limits == sorted(limits)


def test_throttling_of_an_earlier_batch_is_ignored() -> None:
    machine = Machine()
    machine.throttle_count = 100
    concurrency = AdaptiveConcurrency(
        24, clock=lambda: machine.now, cpu=lambda: machine.used, throttle_count=lambda: machine.throttle_count
    )

    assert adjustments(concurrency, machine, busy=0.1, times=3) == [8, 24, 24]
