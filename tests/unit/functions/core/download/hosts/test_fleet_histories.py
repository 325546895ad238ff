"""Random histories of batches that share hosts: the limits hold, no place is lost, and all rows end."""

from collections import Counter
from itertools import pairwise
from random import Random, seed

import pytest

from functions.core.download.hosts import fleet
from functions.core.download.hosts.places import LEASE_SECONDS, number_of_places
from functions.core.model.errors import RowError, TableFault
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.model.types import HostLimit
from tests.support.fleet_simulation import START, Simulation, rows_of
from tests.support.hosts import DirectExecutor

HOSTS = ("a.example", "b.example", "c.example:8080")
HISTORIES = 100
"""In each of the chunks."""


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The code itself draws random numbers, too."""
    seed(1)


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "ThreadPoolExecutor", DirectExecutor)


def history(
    random: Random, *, crashes: bool = False, refusals: float = 0.0, faults: bool = False, redirects: float = 0.0
) -> Simulation:
    limits = {host: HostLimit(random.randint(1, 6), random.choice((0.0, 0.0, 4.0, 20.0))) for host in HOSTS[:2]}
    latency = random.choice((0.05, 0.3, 2.0))

    def answer(url: str, now: float) -> tuple[float, RowError | None]:
        seconds = random.uniform(0.2, 1.8) * latency
        if random.random() < refusals:
            wait = random.choice((None, 0.0, 1.0, 7.0))
            return 0.02, RowError(Reason.HTTP_BUSY, "429", status=429, wait=wait)
        return seconds, None

    def redirect(url: str) -> str | None:
        """Two thirds of the redirects lead to another host, and some in a circle of two."""
        number = int(url.rpartition("/")[2])
        if number % 100 < 100 * redirects and "/to/" not in url:
            return f"http://{HOSTS[number % len(HOSTS)]}/to/{number}"
        return None

    options = Options(per_host=random.randint(1, 4), concurrency=random.randint(2, 8))
    world = Simulation(limits, options, answer, redirect)
    first = 1
    for _ in range(random.randint(2, 5)):
        count = random.randint(1, 25)
        batch = world.add(rows_of(random, HOSTS, count, first), random.uniform(0, 3))
        first += count
        if crashes:
            world.at(random.uniform(0, 8), batch.crash)
    if faults:
        world.records.faults.extend(TableFault("throttled") for _ in range(random.randint(1, 3)))
    world.run()
    assert world.ended == Counter(range(1, first)), "each row ends once"
    return world


@pytest.mark.parametrize("chunk", range(10))
def test_the_limits_hold_in_random_histories(chunk: int) -> None:
    for number in range(HISTORIES):
        case = f"{chunk}-{number}"
        world = history(Random(case))
        try:
            world.check()
            assert all(not record.leases for record in world.records.hosts.values()), "all places were given back"
            assert world.most_writes <= 2, "one to take places, one to give them back"
        except AssertionError as error:
            error.add_note(f"case {case}")
            raise


@pytest.mark.parametrize("chunk", range(10))
def test_the_limits_hold_when_functions_are_killed(chunk: int) -> None:
    for number in range(HISTORIES):
        case = f"{chunk}-{number}"
        world = history(Random(case), crashes=True)
        try:
            world.check()
            leases = [end for record in world.records.hosts.values() for end in record.leases.values()]
            assert all(end <= world.now + LEASE_SECONDS for end in leases)
        except AssertionError as error:
            error.add_note(f"case {case}")
            raise


@pytest.mark.parametrize("chunk", range(10))
def test_the_limits_hold_where_hosts_refuse_requests(chunk: int) -> None:
    for number in range(HISTORIES // 2):
        case = f"{chunk}-{number}"
        world = history(Random(case), crashes=number % 2 == 0, refusals=0.1)
        try:
            world.check()
        except AssertionError as error:
            error.add_note(f"case {case}")
            raise


@pytest.mark.parametrize("chunk", range(10))
def test_the_limits_hold_after_redirects(chunk: int) -> None:
    for number in range(HISTORIES // 2):
        case = f"{chunk}-{number}"
        world = history(Random(case), crashes=number % 3 == 0, redirects=0.5)
        try:
            world.check()
        except AssertionError as error:
            error.add_note(f"case {case}")
            raise


@pytest.mark.parametrize("chunk", range(5))
def test_all_rows_end_where_the_table_fails(chunk: int) -> None:
    """In this minute a batch sends one request at a time: the limit of one place is not kept, that of many is."""
    for number in range(HISTORIES):
        world = history(Random(f"{chunk}-{number}"), faults=True, crashes=number % 2 == 0)
        for host, limit in world.limits.items():
            assert world.peak[host] <= number_of_places(limit) + 5, f"case {chunk}-{number}: five batches"


@pytest.mark.parametrize("seconds", [10.0, 600.0])
@pytest.mark.parametrize("limits", [{}, {HOSTS[0]: HostLimit(4)}], ids=["not busy", "busy"])
@pytest.mark.parametrize("number", range(10))
def test_one_request_of_all_batches_asks_a_host_that_is_down(
    number: int, limits: dict[str, HostLimit], seconds: float
) -> None:
    """Each request that the host gets after the first two seconds is at least two seconds after the last one."""
    random, refused = Random(number), []

    def answer(url: str, now: float) -> tuple[float, RowError | None]:
        if now >= START + seconds:
            return 0.05, None
        refused.append(now - START)
        return 0.05, RowError(Reason.HTTP_BUSY, "503", status=503, wait=2.0)

    world = Simulation(limits, Options(per_host=2, timeout=5.0), answer)
    for batch in range(4):
        world.add(rows_of(random, HOSTS[:1], 5, 1 + 5 * batch), random.uniform(0, 0.02))
    world.run()

    assert world.ended == Counter(range(1, 21))
    assert sum(start < 2.0 for start in refused) <= 8, "what was under way when it began"
    gaps = [after - before for before, after in pairwise([start for start in refused if start >= 2.0])]
    assert min(gaps, default=9.0) >= 2.0
    if seconds > 100:
        assert len(refused) < 60, "the waits grow"
