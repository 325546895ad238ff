"""The limit of a host by the options of a run and the setting `host_limits`."""

import pytest

from functions.core.model.host_limits import (
    HostLimits,
    HostRule,
    binding,
    busy_in_batch,
    limit_of,
    limit_text,
    longest_suffix,
    option_limit,
    places,
    seconds_for,
)
from functions.core.model.options import Options
from functions.core.model.types import HostLimit

OPTION = HostLimit(16, 0.0)


@pytest.mark.parametrize(
    ("address", "suffix"),
    [
        ("example.org", "example.org"),
        ("images.example.org", "example.org"),
        ("a.b.example.org:8443", "example.org"),
        ("example.org.", "example.org"),
        ("big.example.org", "big.example.org"),
        ("www.big.example.org", "big.example.org"),
        ("notexample.org", None),
        ("example.org.evil.example", None),
        ("org", None),
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:80", "10.0.0.1"),
        ("9.10.0.0.1", None),
        ("20.0.0.1", None),
        ("[::1]:80", "[::1]"),
        ("", None),
    ],
)
def test_a_suffix_ends_at_a_dot_and_the_longest_counts(address: str, suffix: str | None) -> None:
    assert longest_suffix(address, {"example.org", "big.example.org", "10.0.0.1", "0.1", "[::1]"}) == suffix


@pytest.mark.parametrize(
    ("rule", "option", "limit"),
    [
        (HostRule(2), OPTION, HostLimit(2)),
        (HostRule(64), OPTION, OPTION),
        (HostRule(2), HostLimit(0), HostLimit(2)),
        (HostRule(rate=5.0), OPTION, HostLimit(16, 5.0)),
        (HostRule(rate=5.0), HostLimit(16, 2.0), HostLimit(16, 2.0)),
        (HostRule(64, override=True), OPTION, HostLimit(64)),
        (HostRule(64, override=True), HostLimit(16, 3.0), HostLimit(64, 3.0)),
        (HostRule(0, 0.0, override=True), HostLimit(16, 3.0), HostLimit(0)),
    ],
)
def test_the_stricter_limit_holds_unless_the_setting_overrides(
    rule: HostRule, option: HostLimit, limit: HostLimit
) -> None:
    limits = HostLimits({"example.org": rule})

    assert limits.limit("www.example.org", option) == limit
    assert limits.limit("www.example.net", option) == option
    assert limits.by_suffix(option) == {"example.org": limit}
    assert HostLimits.parse(limits.as_text()) == limits


def test_a_batch_finds_the_limit_of_a_host_by_its_suffix() -> None:
    assert limit_of("upload.example.org", {"example.org": [2, 0.5]}) == HostLimit(2, 0.5)
    assert limit_of("example.net", {"example.org": [2, 0.5]}) is None


def test_a_batch_of_a_manifest_that_was_not_read_counts_its_own_rows() -> None:
    rows = {"a.example": 17, "b.example": 16, "u.example.org": 3, "w.example.org": 2}

    busy = busy_in_batch(rows, {"example.org": [2, 0.0]}, Options())

    assert busy == {"a.example": HostLimit(16), "u.example.org": HostLimit(2)}
    assert busy_in_batch(rows, {}, Options(host_concurrency=0)) == {}


@pytest.mark.parametrize(
    ("limit", "number"),
    [
        (HostLimit(16), 16),
        (HostLimit(0), 0),
        (HostLimit(16, 20.0), 16),
        (HostLimit(16, 1.0), 2),
        (HostLimit(16, 0.1), 1),
        (HostLimit(0, 30.0), 60),
    ],
)
def test_a_rate_limits_the_requests_under_way(limit: HostLimit, number: int) -> None:
    assert places(limit) == number


def test_the_time_of_a_host_is_that_of_the_limit_that_binds() -> None:
    option = option_limit(Options(host_rate=50.0))

    assert seconds_for(1600, OPTION, 0.2) == 20
    assert seconds_for(1600, HostLimit(16, 20.0), 0.2) == 80
    assert seconds_for(1600, HostLimit(0), 0.2) == 0
    assert [binding(option, option, seconds) for seconds in (0.2, 2.0)] == ["host_rate", "host_concurrency"]
    assert binding(HostLimit(2, 50.0), option, 0.2) == "host_limits"


def test_a_limit_is_a_sentence() -> None:
    limits = [HostLimit(16), HostLimit(1, 1.0), HostLimit(0, 0.5)]

    assert list(map(limit_text, limits)) == [
        "at most 16 requests at a time",
        "at most 1 request at a time and 1 requests a second",
        "at most 0.5 requests a second",
    ]
