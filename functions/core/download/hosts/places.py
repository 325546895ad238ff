"""The places of a host: each is one request under way, over all batches and runs.

A batch takes places for a round, by a lease that expires: a function that was killed gives nothing back.
"""

import math
import random
from collections.abc import Mapping

from functions.core.model.host_limits import MAX_PLACES, places
from functions.core.model.limits import DOWNLOAD_TIMEOUT_SECONDS
from functions.core.model.types import CoolDown, HostLimit, HostRecord

LEASE_SECONDS = DOWNLOAD_TIMEOUT_SECONDS + 15.0
"""How long a lease holds, in seconds: longer than the function that took it can run, whose requests end with it."""

LEARNED_SECONDS = 600.0
"""How long a learned rate holds, in seconds since the host was last waited for."""

LEARNED_PLACE_SECONDS = 1.0
"""Places of a host that limits requests itself, in seconds of the learned rate. A batch takes all that it can use of
them or none, so that few are billed for waiting: a host of eight requests a second is asked by one batch."""

MAX_DELAY_SECONDS = 60.0
"""Longest time between two requests that a robots.txt may ask for (Crawl-delay), in seconds."""

MIN_WAIT_SECONDS = 2.0
"""Shortest wait for a place, in seconds."""


def stricter(limit: HostLimit, crawl_delay: float | None) -> HostLimit:
    """The limit, and the Crawl-delay of robots.txt."""
    if not crawl_delay:
        return limit
    rate = 1 / min(crawl_delay, MAX_DELAY_SECONDS)
    return HostLimit(limit.concurrency, min(rate, limit.rate or rate))


def number_of_places(limit: HostLimit) -> int:
    return places(limit) or MAX_PLACES


def is_known(cool_down: CoolDown, now: float) -> bool:
    """Whether what was learned about a host holds."""
    return cool_down.refusals > 0 or now < cool_down.not_before + LEARNED_SECONDS


def usable_places(limit: HostLimit, cool_down: CoolDown, now: float) -> int:
    """The places that a batch may take now: fewer for a host that limits requests itself."""
    number = number_of_places(limit)
    if limit.rate or not cool_down.rate or not is_known(cool_down, now):
        return number
    return min(number, max(1, math.ceil(cool_down.rate * LEARNED_PLACE_SECONDS)))


def choose_places(record: HostRecord, number: int, wanted: int, now: float) -> list[int]:
    """Up to `wanted` free places, at random: several batches that see the same record choose different ones."""
    free = [place for place in range(number) if record.leases.get(place, 0.0) < now]
    return sorted(random.sample(free, min(wanted, len(free))))


def wait_for_place(leases: Mapping[int, float], number: int, now: float) -> float:
    """The seconds until a place is likely to be free.

    A batch gives its places back after its rows, long before its lease ends. How long that takes is not known; it is
    estimated as a quarter of the time since the first of the leases was taken, and no longer than until that one ends.
    """
    ends = [end for place, end in leases.items() if place < number and end >= now]
    if not ends:
        return MIN_WAIT_SECONDS
    held = LEASE_SECONDS - (min(ends) - now)
    wait = random.uniform(0.75, 1.25) * held / 4
    return max(MIN_WAIT_SECONDS, min(wait, min(ends) - now))
