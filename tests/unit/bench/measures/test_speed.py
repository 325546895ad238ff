"""The ratios and statistics of a race."""

from dataclasses import replace

import pytest

from bench.measures.speed import Speed
from bench.rig.race import IMG2DATASET, OURS, POOL, SCRAPY, Run

RUN = Run(1000, 980, 1.0, 1.0, 80.0, (0.1, 0.1), 1000, {})


def runs(*seconds: float) -> list[Run]:
    """Runs whose CPU time is proportional to their duration."""
    return [replace(RUN, seconds=each, cpu_ms_per_image=each) for each in seconds]


def test_ratios_compare_runs_of_the_same_round() -> None:
    speed = Speed({OURS.name: runs(1, 9, 1), POOL.name: runs(2, 18, 3), IMG2DATASET.name: runs(4, 40, 4)}, {}, 0, 0)

    ratios = speed.ratios()

    assert ratios["rate_vs_pool"] == 2
    assert ratios["cpu_vs_pool"] == 0.5
    assert ratios["rate_vs_img2dataset"] == 4


def test_a_missing_contender_has_no_ratio() -> None:
    assert (
        Speed({OURS.name: runs(1), POOL.name: runs(2)}, {SCRAPY.name: "why"}, 0, 0).ratios()["rate_vs_scrapy"] is None
    )


def test_statistics_are_medians_with_ranges() -> None:
    speed = Speed({OURS.name: runs(1, 2, 4)}, {}, 0, 0)

    rate = speed.rate(OURS)

    assert rate is not None
    assert (rate.low, rate.median, rate.high) == pytest.approx((250, 500, 1000))
    assert speed.rate(POOL) is None
