"""Figures as text for people."""

import pytest

from functions.core.report.formatting import rate, seconds, share, size, utc_time


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (123_456, "123 kB"), (11_700_000_000, "11.7 GB")],
)
def test_sizes(count: int, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (0.9999, "1.0 s"),
        (8.88, "8.9 s"),
        (59.99, "1 min 0 s"),
        (412, "6 min 52 s"),
        (7_260, "2 h 1 min"),
        (200_000, "2 days 7 h"),
    ],
)
def test_lengths_of_time(value: float, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(
    ("part", "shown"), [(0, "0%"), (1, "0.1%"), (9_999, "99.9%"), (10_000, "100%"), (3_333, "33%"), (50, "0.5%")]
)
def test_a_share_is_nothing_or_all_only_where_it_is(part: int, shown: str) -> None:
    assert share(part, 10_000) == shown


@pytest.mark.parametrize(
    ("per_second", "shown"), [(1234.5, "1,234 images/s"), (3.04, "3.0 images/s"), (0.05, "3.0 images/min")]
)
def test_rates(per_second: float, shown: str) -> None:
    assert rate(per_second) == shown


def test_a_time_is_shown_in_utc_whatever_its_zone() -> None:
    assert utc_time("2026-11-23T05:54:42+01:00") == "23 November 2026, 04:54:42 UTC"
