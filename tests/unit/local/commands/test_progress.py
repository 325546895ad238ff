from __future__ import annotations

import pytest

from local.commands.progress import WINDOW, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def paced(*told: tuple[float, int]) -> Pace:
    clock = Clock()
    pace = Pace(clock)
    for seconds, finished in told:
        clock.now = 100.0 + seconds
        pace.update(finished)
    return pace


def test_what_was_done_before_one_began_to_watch_is_no_rate() -> None:
    pace = paced((0, 50_000))

    assert (pace.rate, pace.seconds_left(60_000)) == (0.0, None)


def test_the_rate_and_the_time_left_follow_from_what_was_done_since() -> None:
    pace = paced((0, 1000), (5, 1100))

    assert (pace.rate, pace.seconds_left(1300)) == (20.0, 10.0)


def test_what_is_long_past_is_forgotten() -> None:
    pace = paced((0, 0), (10, 1000), (20, 1010), (20 + WINDOW, 1040))

    assert pace.rate == pytest.approx(1.0)


def test_a_run_whose_rows_are_not_counted_yet_has_no_time_left() -> None:
    assert paced((0, 0), (1, 5)).seconds_left(None) is None


def test_where_nothing_moves_no_time_is_told() -> None:
    assert paced((0, 5), (1, 5)).seconds_left(10) is None
