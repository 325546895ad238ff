from __future__ import annotations

import pytest

from local.commands.progress import WINDOW_SECONDS, Throughput


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def throughput(*samples: tuple[float, int]) -> Throughput:
    clock = Clock()
    result = Throughput(clock)
    for seconds, finished in samples:
        clock.now = 100.0 + seconds
        result.update(finished)
    return result


def test_rows_finished_before_the_first_poll_do_not_count_towards_the_rate() -> None:
    rate = throughput((0, 50_000))

    assert (rate.rate, rate.seconds_left(60_000)) == (0.0, None)


def test_the_rate_and_the_time_left_follow_from_the_rows_finished_since() -> None:
    rate = throughput((0, 1000), (5, 1100))

    assert (rate.rate, rate.seconds_left(1300)) == (20.0, 10.0)


def test_old_samples_are_dropped() -> None:
    rate = throughput((0, 0), (10, 1000), (20, 1010), (20 + WINDOW_SECONDS, 1040))

    assert rate.rate == pytest.approx(1.0)


def test_a_run_whose_rows_are_not_counted_yet_has_no_time_left() -> None:
    assert throughput((0, 0), (1, 5)).seconds_left(None) is None


def test_without_a_finished_row_there_is_no_time_left() -> None:
    assert throughput((0, 5), (1, 5)).seconds_left(10) is None
