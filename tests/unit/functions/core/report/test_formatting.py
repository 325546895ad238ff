"""Figures as text for people."""

import pytest

from functions.core.report.formatting import dollars, plural, rate, seconds, share, size, utc_time


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (99_900, "99.9 kB"),
        (100_000, "100 kB"),
        (123_456, "123 kB"),
        (999_000, "999 kB"),
        (2_500_000, "2.5 MB"),
        (11_700_000_000, "11.7 GB"),
        (987_000_000_000_000, "987 TB"),
        (1e15, "1.0 PB"),
        (5e18, "5000 PB"),
    ],
)
def test_sizes(count: int, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (0.999, "999 ms"),
        (0.9995, "1.0 s"),
        (8.88, "8.9 s"),
        (59.94, "59.9 s"),
        (59.95, "1 min 0 s"),
        (412, "6 min 52 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h 0 min"),
        (7_260, "2 h 1 min"),
        (172_799, "47 h 59 min"),
        (172_800, "2 days 0 h"),
        (200_000, "2 days 7 h"),
    ],
)
def test_lengths_of_time(value: float, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (0, "0%"),
        (1, "0.1%"),
        (50, "0.5%"),
        (100, "1%"),
        (199, "2%"),
        (3_333, "33%"),
        (9_899, "99%"),
        (9_900, "99%"),
        (9_901, "99.0%"),
        (9_999, "99.9%"),
        (10_000, "100%"),
    ],
)
def test_a_share_is_nothing_or_all_only_where_it_is(part: int, shown: str) -> None:
    assert share(part, 10_000) == shown


@pytest.mark.parametrize(
    ("per_second", "shown"),
    [
        (1234.5, "1,234 images/s"),
        (10, "10 images/s"),
        (9.94, "9.9 images/s"),
        (3.04, "3.0 images/s"),
        (1, "1.0 images/s"),
        (0.99, "59.4 images/min"),
        (0.05, "3.0 images/min"),
    ],
)
def test_rates(per_second: float, shown: str) -> None:
    assert rate(per_second) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1_234_567, "1,234,567 rows")]
)
def test_counts(count: int, shown: str) -> None:
    assert plural(count, "row") == shown


def test_a_share_of_nothing_is_zero() -> None:
    assert share(0, 0) == share(1, 0) == "0%"


def test_a_time_is_shown_in_utc_whatever_its_zone() -> None:
    assert utc_time("2026-11-23T05:54:42+01:00") == "23 November 2026, 04:54:42 UTC"


@pytest.mark.parametrize(("value", "shown"), [(0, "$0.0000"), (0.0712, "$0.0712"), (1, "$1.00"), (1234.5, "$1,234.50")])
def test_dollars(value: float, shown: str) -> None:
    assert dollars(value) == shown
