"""The places of a host: each is one request under way, over all batches and runs.

A batch takes places for a round, by a lease that expires: a function that was killed gives nothing back.
"""

import math
import random
from collections.abc import Mapping

from functions.core.model.limits import DOWNLOAD_TIMEOUT_SECONDS
from functions.core.model.types import HostLimit, HostRecord

LEASE_SECONDS = DOWNLOAD_TIMEOUT_SECONDS + 15.0
"""How long a lease holds, in seconds: longer than the function that took it can run, whose requests end with it."""

PLACE_SECONDS = 2.0
"""Places of a host with a limited rate, in seconds of its requests: enough where a request takes no longer."""

MAX_PLACES = 256

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
    """A low rate needs few: of many places, each would wait for long between two requests."""
    places = limit.concurrency or MAX_PLACES
    return min(places, max(1, math.ceil(limit.rate * PLACE_SECONDS))) if limit.rate else places


def choose_places(record: HostRecord, places: int, wanted: int, now: float) -> list[int]:
    """Up to `wanted` free places, at random: several batches that see the same record choose different ones."""
    free = [place for place in range(places) if record.leases.get(place, 0.0) < now]
    return sorted(random.sample(free, min(wanted, len(free))))


def wait_for_place(leases: Mapping[int, float], places: int, now: float) -> float:
    """The seconds until a place is likely to be free.

    A batch gives its places back after its rows, long before its lease ends. How long that takes is not known; it is
    estimated as a quarter of the time since the first of the leases was taken, and no longer than until that one ends.
    """
    ends = [end for place, end in leases.items() if place < places and end >= now]
    if not ends:
        return MIN_WAIT_SECONDS
    held = LEASE_SECONDS - (min(ends) - now)
    wait = random.uniform(0.75, 1.25) * held / 4
    return max(MIN_WAIT_SECONDS, min(wait, min(ends) - now))
