"""Random histories of batches that share hosts: the limits hold, no place is lost, and all rows end."""

from collections import Counter
from random import Random

import pytest

from functions.core.download.hosts import fleet
from functions.core.download.hosts.places import LEASE_SECONDS
from functions.core.model.errors import RowError, TableFault
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.model.types import HostLimit
from tests.support.fleet_simulation import Simulation, rows_of
from tests.support.hosts import DirectExecutor

HOSTS = ("a.example", "b.example", "c.example:8080")
HISTORIES = 100
"""In each of the chunks."""


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "ThreadPoolExecutor", DirectExecutor)


def history(random: Random, *, crashes: bool = False, refusals: float = 0.0, faults: bool = False) -> Simulation:
    limits = {host: HostLimit(random.randint(1, 6), random.choice((0.0, 0.0, 4.0, 20.0))) for host in HOSTS[:2]}
    latency = random.choice((0.05, 0.3, 2.0))

    def answer(url: str, now: float) -> tuple[float, RowError | None]:
        seconds = random.uniform(0.2, 1.8) * latency
        if random.random() < refusals:
            wait = random.choice((None, 0.0, 1.0, 7.0))
            return 0.02, RowError(Reason.HTTP_BUSY, "429", status=429, wait=wait)
        return seconds, None

    world = Simulation(limits, Options(per_host=random.randint(1, 4), concurrency=random.randint(2, 8)), answer)
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
        seed = f"{chunk}-{number}"
        world = history(Random(seed))
        try:
            world.check()
            assert all(not record.leases for record in world.records.hosts.values()), "all places were given back"
            assert world.most_writes <= 2, "one to take places, one to give them back"
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise


@pytest.mark.parametrize("chunk", range(10))
def test_the_limits_hold_when_functions_are_killed(chunk: int) -> None:
    for number in range(HISTORIES):
        seed = f"{chunk}-{number}"
        world = history(Random(seed), crashes=True)
        try:
            world.check()
            leases = [end for record in world.records.hosts.values() for end in record.leases.values()]
            assert all(end <= world.now + LEASE_SECONDS for end in leases)
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise


@pytest.mark.parametrize("chunk", range(10))
def test_the_limits_hold_where_hosts_refuse_requests(chunk: int) -> None:
    for number in range(HISTORIES // 2):
        seed = f"{chunk}-{number}"
        world = history(Random(seed), crashes=number % 2 == 0, refusals=0.1)
        try:
            world.check()
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
