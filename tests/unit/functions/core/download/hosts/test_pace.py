"""The pace of a host: the rate, the waits, and the end of its requests."""

import math

import pytest

from functions.core.download.hosts.pace import (
    DECREASE,
    HALF_OPEN_REQUESTS,
    INCREASE,
    MAX_BACKOFF_SECONDS,
    MIN_RATE,
    SLOW_START,
    HostPace,
    HostState,
)


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: least)


def pace(rate: float = 0.0, refusals: int = 0, max_refusals: int = 4) -> HostPace:
    return HostPace(max_refusals, HostState(0.0, refusals, rate))


def test_the_rate_rises_fast_until_the_host_refuses_and_slowly_afterwards() -> None:
    host = pace(rate=8.0)
    host.answered()
    assert host.rate == 8.0 + SLOW_START

    host.refused(0.0, 1.0)
    host.answered()

    assert host.rate == pytest.approx((8.0 + SLOW_START) * DECREASE + INCREASE)


def test_the_rate_is_halved_for_each_refusal_without_an_answer() -> None:
    host = pace(rate=8.0)
    for _ in range(3):
        host.refused(0.0, 1.0)

    assert host.rate == 2.0  # the first one is that of the rate as it was measured


def test_an_answer_sets_the_rate_to_the_minimum_at_least() -> None:
    unknown, slow = pace(), pace(rate=0.1)
    for host in (unknown, slow):
        host.answered()

    assert [host.rate for host in (unknown, slow)] == [MIN_RATE + SLOW_START] * 2


def test_the_next_request_is_at_the_rate_and_never_later_than_an_invocation_waits() -> None:
    fast, slow, unknown = pace(rate=8.0), pace(rate=0.01), pace()
    for host in (fast, slow, unknown):
        host.request_started(100.0)

    assert [host.next_start for host in (fast, slow, unknown)] == [100.125, 100 + 1 / MIN_RATE, 100.1]


@pytest.mark.parametrize(("requested", "expected"), [(0.0, 0.0), (1.0, 1.0), (3600.0, 3600.0), (None, 0.5)])
def test_the_wait_is_the_one_that_the_host_asked_for(requested: float | None, expected: float) -> None:
    host = pace()
    host.refused(10.0, requested)

    assert host.next_start == 10.0 + expected


def test_without_one_it_doubles_while_the_host_does_not_answer() -> None:
    host = pace(max_refusals=99)
    waits = []
    for _ in range(8):
        host.refused(now := max(0.0, host.next_start), None)
        waits.append(host.next_start - now)

    assert waits == [0.5, 1, 2, 4, 8, MAX_BACKOFF_SECONDS / 2, MAX_BACKOFF_SECONDS / 2, MAX_BACKOFF_SECONDS / 2]


def test_a_wait_is_extended_and_never_shortened() -> None:
    host = pace()
    host.refused(0.0, 20.0)
    host.wait_until(5.0)
    assert host.next_start == 20.0
    host.wait_until(60.0)
    assert host.next_start == 60.0


@pytest.mark.parametrize(("rate", "max_refusals", "waits"), [(0.0, 1, 1), (0.0, 4, 4), (5.0, 1, 1), (5.0, 4, 7)])
def test_a_host_is_given_up_after_so_many_refusals_without_an_answer(
    rate: float, max_refusals: int, waits: int
) -> None:
    host = pace(rate=rate, max_refusals=max_refusals)
    for _ in range(waits - 1):
        host.refused(0.0, 1.0)
    assert host.next_start < math.inf

    host.refused(0.0, 1.0)

    assert host.next_start == math.inf


def test_an_answer_ends_the_count_of_refusals() -> None:
    host = pace(rate=5.0, refusals=6)
    host.answered()
    host.refused(0.0, 1.0)

    assert (host.refusals, host.next_start) == (1, 1.0)


def test_a_host_gets_few_requests_at_once_until_it_answers() -> None:
    host = pace(rate=50.0)
    assert host.max_requests(8) == HALF_OPEN_REQUESTS
    assert host.max_requests(1) == 1
    host.answered()
    assert host.max_requests(8) == 8
    host.refused(0.0, 1.0)
    assert host.max_requests(8) == HALF_OPEN_REQUESTS


def test_its_state_is_short_and_in_seconds_from_now() -> None:
    host = pace(rate=7.123456)
    host.refused(10.0, 20.0)

    assert host.state(12.0) == HostState(18.0, 1, 7.12)
    assert host.state(99.0) == HostState(0.0, 1, 7.12)
    assert host.state(12.0).shifted(-3.0) == HostState(15.0, 1, 7.12)


def test_the_slow_increase_of_its_rate_is_kept() -> None:
    host = pace(rate=8.0)
    host.answered()
    host.refused(0.0, 1.0)

    assert host.state(0.0).increase == INCREASE
    assert HostPace(4, host.state(0.0)).state(0.0) == host.state(0.0)
