"""The interval of Clopper and Pearson."""

import math

import pytest

from functions.core.summary.probe.interval import clopper_pearson


@pytest.mark.parametrize(
    ("hits", "rows", "low", "high"),
    [  # R 4: binom.test(hits, rows)$conf.int
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (5, 10, 0.1870860, 0.8129140),
        (10, 100, 0.0490047, 0.1762226),
        (95, 100, 0.8871651, 0.9835681),
        (1, 1000, 0.0000253, 0.0055589),
    ],
)
def test_it_is_that_of_the_literature(hits: int, rows: int, low: float, high: float) -> None:
    assert clopper_pearson(hits / rows, rows) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize("rows", [1, 3, 20, 150])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.97])
def test_it_covers_the_true_share_in_95_of_100_samples(share: float, rows: int) -> None:
    """Exactly: by the probability of every possible sample."""
    covered = sum(
        math.comb(rows, hits) * share**hits * (1 - share) ** (rows - hits)
        for hits in range(rows + 1)
        if clopper_pearson(hits / rows, rows)[0] <= share <= clopper_pearson(hits / rows, rows)[1]
    )

    assert covered >= 0.95


def test_the_number_of_rows_need_not_be_whole() -> None:
    narrow, between, wide = (clopper_pearson(0.8, rows) for rows in (61, 60.5, 60))

    assert wide[0] < between[0] < narrow[0] < 0.8 < narrow[1] < between[1] < wide[1]


def test_with_infinitely_many_rows_it_has_no_width() -> None:
    assert clopper_pearson(0.25, math.inf) == (0.25, 0.25)
    low, high = clopper_pearson(0.25, 1e9)
    assert high - low < 1e-4
