"""What a race comes to."""

from dataclasses import replace

import pytest

from bench.measures.speed import Speed
from bench.rig.race import IMG2DATASET, OURS, POOL, SCRAPY, Run

RUN = Run(1000, 980, 1.0, 1.0, 80.0, (0.1, 0.1), 1000, {})


def runs(*seconds: float) -> list[Run]:
    """CPU time goes with the time they took."""
    return [replace(RUN, seconds=each, cpu_ms_per_image=each) for each in seconds]


def test_ratios_are_of_the_same_round_so_that_a_slow_one_is_slow_for_all() -> None:
    raced = Speed({OURS.name: runs(1, 9, 1), POOL.name: runs(2, 18, 3), IMG2DATASET.name: runs(4, 40, 4)}, {}, 0, 0)

    found = raced.ratios()

    assert found["rate_vs_pool"] == 2
    assert found["cpu_vs_pool"] == 0.5
    assert found["rate_vs_img2dataset"] == 4


def test_who_is_missing_has_no_ratio() -> None:
    assert (
        Speed({OURS.name: runs(1), POOL.name: runs(2)}, {SCRAPY.name: "why"}, 0, 0).ratios()["rate_vs_scrapy"] is None
    )


def test_figures_are_medians_with_their_ranges() -> None:
    raced = Speed({OURS.name: runs(1, 2, 4)}, {}, 0, 0)

    rate = raced.rate(OURS)

    assert rate is not None
    assert (rate.low, rate.median, rate.high) == pytest.approx((250, 500, 1000))
    assert raced.rate(POOL) is None
