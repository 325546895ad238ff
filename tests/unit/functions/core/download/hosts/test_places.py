"""Places, ticks, and what a batch tells the others: the pure parts of the limits of a host."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.download.hosts.pace import INCREASE, SLOW_START, HostPace, HostState
from functions.core.download.hosts.places import (
    LEARNED_SECONDS,
    LEASE_SECONDS,
    MAX_PLACES,
    MIN_WAIT_SECONDS,
    choose_places,
    number_of_places,
    stricter,
    usable_places,
    wait_for_place,
)
from functions.core.download.hosts.share import (
    MAX_COOL_DOWN_SECONDS,
    HostShare,
    against,
    cool_down_after,
    learned_state,
)
from functions.core.download.hosts.ticks import Ticks
from functions.core.model.limits import DOWNLOAD_TIMEOUT_SECONDS
from functions.core.model.types import CoolDown, HostChange, HostLimit, HostRecord

NOW = 1_790_000_000.0
OPEN = CoolDown(NOW - 5, 3, 4.0)


def test_a_lease_is_longer_than_the_function_that_takes_it() -> None:
    assert LEASE_SECONDS >= DOWNLOAD_TIMEOUT_SECONDS + 15


@pytest.mark.parametrize(
    ("limit", "places"),
    [
        (HostLimit(16), 16),
        (HostLimit(16, 20.0), 16),
        (HostLimit(16, 2.0), 4),
        (HostLimit(16, 0.1), 1),
        (HostLimit(1, 1000.0), 1),
        (HostLimit(0, 3.0), 6),
        (HostLimit(0, 1000.0), MAX_PLACES),
        (HostLimit(0), MAX_PLACES),
    ],
)
def test_a_host_has_as_many_places_as_its_limit_needs(limit: HostLimit, places: int) -> None:
    assert number_of_places(limit) == places


@pytest.mark.parametrize(
    ("delay", "rate", "expected"),
    [(None, 0.0, 0.0), (0.0, 5.0, 5.0), (2.0, 0.0, 0.5), (2.0, 0.1, 0.1), (0.01, 5.0, 5.0), (86_400.0, 0.0, 1 / 60)],
)
def test_the_stricter_of_rate_and_crawl_delay_holds(delay: float | None, rate: float, expected: float) -> None:
    assert stricter(HostLimit(7, rate), delay) == HostLimit(7, pytest.approx(expected))


@given(
    leases=st.dictionaries(st.integers(0, 9), st.floats(NOW - 50, NOW + 105)),
    places=st.integers(1, 8),
    wanted=st.integers(0, 9),
)
def test_only_free_places_are_chosen(leases: dict[int, float], places: int, wanted: int) -> None:
    chosen = choose_places(HostRecord(leases), places, wanted, NOW)

    free = {place for place in range(places) if leases.get(place, 0) < NOW}
    assert len(chosen) == len(set(chosen)) == min(wanted, len(free))
    assert set(chosen) <= free


@given(ends=st.lists(st.floats(NOW, NOW + LEASE_SECONDS), max_size=5))
def test_the_wait_for_a_place_ends_with_its_lease(ends: list[float]) -> None:
    wait = wait_for_place(dict(enumerate(ends)), 5, NOW)

    assert MIN_WAIT_SECONDS <= wait <= max(MIN_WAIT_SECONDS, min(ends, default=NOW) - NOW)


@pytest.mark.parametrize(("held", "least", "most"), [(0.0, 2, 2), (40.0, 7.5, 12.5), (104.0, 2, 2)])
def test_the_wait_grows_with_the_time_that_a_place_is_held(held: float, least: float, most: float) -> None:
    assert least <= wait_for_place({0: NOW + LEASE_SECONDS - held}, 1, NOW) <= most


@given(
    places=st.integers(1, 16),
    rate=st.sampled_from([0.1, 1.0, 5.0, 20.0, 300.0]),
    owners=st.integers(1, 4),
    data=st.data(),
)
def test_the_ticks_of_all_places_together_keep_the_rate(
    places: int, rate: float, owners: int, data: st.DataObject
) -> None:
    owner_of = data.draw(st.lists(st.integers(0, owners - 1), min_size=places, max_size=places))
    ticks: list[float] = []
    for owner in range(owners):
        mine = [place for place in range(places) if owner_of[place] == owner]
        now = NOW
        share = Ticks(mine, places, rate, NOW) if mine else None
        while share and (now := share.take(now)) < NOW + 3 * places / rate:
            ticks.append(now)
    ticks.sort()

    gaps = [later - earlier for earlier, later in pairwise(ticks)]
    assert min(gaps, default=math.inf) > 0.999 / rate


def test_a_tick_is_used_once_and_never_late() -> None:
    ticks = Ticks([0, 1], 4, 4.0, NOW)

    first, second = ticks.take(NOW), ticks.take(NOW)
    assert NOW < first < second
    assert ticks.take(second + 7) >= second + 7
    assert not ticks.is_missed(first, first + 0.02)
    assert ticks.is_missed(first, first + 0.03)


def test_a_batch_alone_starts_at_once() -> None:
    ticks = Ticks.starting(0.1, NOW)

    assert ticks.take(NOW) == pytest.approx(NOW)
    assert 10 <= ticks.take(NOW) - NOW <= 10.5


def pace(state: HostState) -> HostPace:
    return HostPace(4, state)


def test_nothing_is_told_about_a_host_that_was_not_asked() -> None:
    assert cool_down_after(HostShare(4, seen=OPEN), pace(HostState(0.0)), NOW, 0.0) is None


def test_a_probe_that_was_not_sent_is_left_to_another_batch() -> None:
    share = HostShare(4, seen=CoolDown(NOW + 35, 3, 4.0), is_probe=True)

    assert cool_down_after(share, pace(HostState(0.0)), NOW, 0.0) == CoolDown(NOW, 3, 4.0)


def test_a_wait_is_told_with_the_refusals_of_all_batches_and_the_rate_of_the_whole_host() -> None:
    share = HostShare(2, {0: 1.0, 1: 1.0}, places=8, seen=OPEN)
    own = pace(HostState(0.0, 0, 2.0, others=3))
    own.refused(100.0, 3600.0, is_limiting=True)

    told = cool_down_after(share, own, NOW, 160.0)
    assert told is not None
    assert 3530 <= told.not_before - NOW <= 3575  # a minute later, and up to the jitter of a half-open host
    assert (told.refusals, told.rate) == (4, 8.0)


@pytest.mark.parametrize("years", [1, 50])
def test_no_host_is_waited_for_longer_than_a_run(years: int) -> None:
    own = pace(HostState(0.0))
    own.refused(0.0, years * 365 * 86_400.0)

    told = cool_down_after(HostShare(0), own, NOW, 0.0)
    assert told is not None
    assert told.not_before == NOW + MAX_COOL_DOWN_SECONDS


def test_the_wait_of_a_host_that_the_batch_gives_up_is_told() -> None:
    own = HostPace(1, HostState(0.0))
    own.refused(0.0, 30.0)
    assert own.next_start == math.inf

    told = cool_down_after(HostShare(0), own, NOW, 0.0)
    assert told is not None
    assert 30 <= told.not_before - NOW <= 31


def test_an_answer_ends_the_cool_down_and_keeps_a_learned_rate() -> None:
    own = pace(HostState(0.0, 0, 4.0, others=3))
    own.answered()

    told = cool_down_after(HostShare(4, seen=OPEN), own, NOW, 0.0)
    assert told == CoolDown(OPEN.not_before, 0, 4.0 + SLOW_START)
    assert cool_down_after(HostShare(4, seen=told or OPEN), own, NOW, 0.0) is None, "the table has it already"


def test_a_host_that_only_failed_has_no_learned_rate() -> None:
    own = pace(HostState(0.0, 0, 4.0))
    own.refused(0.0, None)
    told = cool_down_after(HostShare(4), own, NOW, 0.0)
    own.answered()

    assert told is not None
    assert told.rate == 0.0
    closed = cool_down_after(HostShare(4, seen=told), own, NOW, 0.0)
    assert closed is not None
    assert (closed.refusals, closed.rate) == (0, 0.0)


@pytest.mark.parametrize(
    ("cool_down", "expected"),
    [
        (CoolDown(), None),
        (CoolDown(NOW - 5, 2, 0.0), HostState(0.0, 0, 0.0, SLOW_START, others=2)),
        (CoolDown(NOW - 5, 2, 8.0), HostState(0.0, 0, 2.0, SLOW_START, others=2)),
        (CoolDown(NOW - 5, 0, 8.0), HostState(0.0, 0, 2.0, INCREASE)),
        (CoolDown(NOW - 5, 0, 0.0), None),
        (CoolDown(NOW - LEARNED_SECONDS, 0, 8.0), None),
        (CoolDown(NOW - 9 * LEARNED_SECONDS, 1, 8.0), HostState(0.0, 0, 2.0, SLOW_START, others=1)),
    ],
)
def test_a_host_begins_with_what_all_batches_know(cool_down: CoolDown, expected: HostState | None) -> None:
    assert learned_state(cool_down, 0.25, None, NOW) == expected


def test_what_the_batch_knows_itself_is_kept() -> None:
    own = HostState(3.0, 2, 6.0, INCREASE, "a.example")

    assert learned_state(CoolDown(), 0.5, own, NOW) == own
    assert learned_state(CoolDown(NOW, 5, 0.0), 0.5, own, NOW) == HostState(3.0, 2, 6.0, INCREASE, "a.example", 3)


def test_what_another_batch_has_taken_since_is_not_given_back() -> None:
    change = HostChange(now=NOW, returned={0: 1.0, 1: 1.0})

    left = against(change, HostRecord({0: 2.0, 1: 1.0}))
    assert left is not None
    assert left.returned == {1: 1.0}
    assert against(change, HostRecord({0: 2.0})) is None


@pytest.mark.parametrize(
    ("mine", "theirs", "holds"),
    [
        (CoolDown(NOW + 9, 1), CoolDown(NOW + 5, 1), True),
        (CoolDown(NOW + 5, 1), CoolDown(NOW + 3600, 1), False),
        (CoolDown(NOW, 0, 4.0), CoolDown(NOW + 5, 1), False),
    ],
)
def test_the_longer_of_two_waits_holds(mine: CoolDown, theirs: CoolDown, holds: bool) -> None:
    left = against(HostChange(now=NOW, cool_down=mine, seen=OPEN), HostRecord({}, theirs))

    assert (left is not None) == holds
    if left is not None:
        assert (left.cool_down, left.seen) == (mine, theirs)


@pytest.mark.parametrize(
    ("limit", "cool_down", "places"),
    [
        (HostLimit(16), CoolDown(), 16),
        (HostLimit(16), CoolDown(NOW - 1, 0, 8.0), 8),
        (HostLimit(16), CoolDown(NOW - 1, 0, 0.3), 1),
        (HostLimit(16), CoolDown(NOW - 1, 0, 40.0), 16),
        (HostLimit(16), CoolDown(NOW - 601, 0, 8.0), 16),
        (HostLimit(16), CoolDown(NOW - 601, 2, 8.0), 8),
        (HostLimit(16, 20.0), CoolDown(NOW - 1, 0, 2.0), 16),
    ],
)
def test_a_host_that_limits_requests_itself_has_few_places(limit: HostLimit, cool_down: CoolDown, places: int) -> None:
    assert usable_places(limit, cool_down, NOW) == places
