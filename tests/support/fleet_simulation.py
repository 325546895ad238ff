"""Batches that share hosts by one table, on a simulated clock: their real schedulers, and no threads.

`Simulation.run` plays until all rows have ended, and checks the limits at every request.
"""

import heapq
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from functions.core.download.hosts.busy import RunLimits
from functions.core.download.hosts.fleet import FleetHosts
from functions.core.download.hosts.pace import HostState
from functions.core.download.hosts.places import LEASE_SECONDS, number_of_places
from functions.core.download.hosts.scheduler import HostScheduler
from functions.core.model.errors import RowError
from functions.core.model.options import Options
from functions.core.model.rows import Row
from functions.core.model.types import HostChange, HostLimit, HostRecord
from functions.core.model.urls import host_of
from tests.support.hosts import FakeHostRecords

START = 1_790_000_000.0
ROUND_SECONDS = 50.0


class Asleep(Exception):  # noqa: N818 - no error
    """A thread that waits for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


def sleep(seconds: float) -> None:
    raise Asleep(seconds)


class OfOneRound:
    """The table as one round sees it: counts its writes by host."""

    def __init__(self, records: FakeHostRecords) -> None:
        self._table = records
        self.records = records.records
        self.writes: Counter[str] = Counter()

    def change(self, host: str, change: HostChange) -> HostRecord | None:
        self.writes[host] += 1
        return self._table.change(host, change)


@dataclass
class Simulation:
    """`answer` returns the seconds that a request takes and the error in which it ends, `redirect` the URL that it
    leads to, if any."""

    limits: Mapping[str, HostLimit]
    options: Options
    answer: Callable[[str, float], tuple[float, RowError | None]]
    redirect: Callable[[str], str | None] = lambda url: None
    records: FakeHostRecords = field(default_factory=FakeHostRecords)
    now: float = START
    under_way: Counter[str] = field(default_factory=Counter)
    peak: Counter[str] = field(default_factory=Counter)
    starts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ended: Counter[int] = field(default_factory=Counter)
    rounds: int = 0
    most_writes: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = itertools.count()

    def clock(self) -> float:
        return self.now

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._sequence), event))

    def add(self, rows: Sequence[Row], after: float = 0.0) -> "SimulatedBatch":
        batch = SimulatedBatch(self, list(rows))
        batch.start_after(after)
        return batch

    def run(self, until: float = math.inf) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heapq.heappop(self._events)
            event()

    def begin(self, host: str) -> None:
        self.under_way[host] += 1
        self.peak[host] = max(self.peak[host], self.under_way[host])
        self.starts[host].append(self.now)

    def most_in_a_second(self, host: str) -> int:
        starts = sorted(self.starts[host])
        first, most = 0, 0
        for last, start in enumerate(starts):
            while starts[first] <= start - 1.0:
                first += 1
            most = max(most, last - first + 1)
        return most

    def check(self) -> None:
        for host, limit in self.limits.items():
            places = number_of_places(limit)
            assert self.peak[host] <= places, f"{host}: {self.peak[host]} of {places}"
            if limit.rate:
                assert self.most_in_a_second(host) <= limit.rate + 1, host
            record = self.records.hosts.get(host)
            held = [end for end in record.leases.values() if end > self.now + LEASE_SECONDS] if record else []
            assert not held, "a lease holds for too long"
        assert not +self.under_way


class SimulatedBatch:
    """Round after round, until its rows have ended or it crashes."""

    def __init__(self, simulation: Simulation, rows: list[Row]) -> None:
        self.simulation = simulation
        self.rows = {row.number: row for row in rows}
        self.states: Mapping[str, HostState] = {}
        self.waits: list[float] = []
        self._requests: dict[int, str] = {}
        self._generation = 0

    def start_after(self, seconds: float) -> None:
        self._generation += 1
        generation = self._generation
        self.simulation.at(seconds, lambda: self.start() if generation == self._generation else None)

    def start(self) -> None:
        world = self.simulation
        self._generation += 1
        world.rounds += 1
        self._table = OfOneRound(world.records)
        fleet = FleetHosts(self._table, world.clock).round(world.options, RunLimits(world.limits))
        self.scheduler = HostScheduler(
            list(self.rows.values()),
            world.options.per_host,
            world.options.concurrency,
            rounds=99,
            states=self.states,
            fleet=fleet,
            clock=world.clock,
        )
        self.scheduler.sleep = sleep  # type: ignore[method-assign]
        self._end = world.now + ROUND_SECONDS
        self._step(self._generation)

    def crash(self) -> None:
        """The function is killed: its connections are closed, and its rows are tried by a batch that starts later."""
        self._generation += 1
        for host in self._requests.values():
            self.simulation.under_way[host] -= 1
        self._requests.clear()
        self.states = {}
        if self.rows:
            self.start_after(2.0)

    def _step(self, generation: int) -> None:
        if generation != self._generation:
            return
        scheduler = self.scheduler
        seconds = scheduler.resume()
        if self.simulation.now >= self._end:
            scheduler.stop()
        self._fill(generation)
        if not scheduler._in_flight and (scheduler._stopped or not scheduler._pending):
            self._finish()
        else:
            self.simulation.at(min(0.1, max(0.001, seconds)), lambda: self._step(generation))

    def _fill(self, generation: int) -> None:
        """The threads take rows until they would have to wait."""
        scheduler = self.scheduler
        if generation != self._generation:
            return
        while scheduler._ready and len(scheduler._requests) < self.simulation.options.concurrency:
            if scheduler._stopped:
                break
            row = scheduler.take()
            assert row is not None
            self._request(row, row.url, generation)

    def _request(self, row: Row, url: str, generation: int) -> None:
        if generation != self._generation:
            return
        try:
            self.scheduler.check_url(row, url)
            self._send(row, url, generation)
        except RowError as error:
            self._done(row, error)
            self._fill_later(generation)

    def _fill_later(self, generation: int) -> None:
        self.simulation.at(0.0, lambda: self._fill(generation))

    def _send(self, row: Row, url: str, generation: int) -> None:
        world = self.simulation
        if generation != self._generation:
            return
        try:
            self.scheduler.start_request(row, url, None)
        except Asleep as asleep:
            world.at(asleep.seconds, lambda: self._send(row, url, generation))
            return
        except RowError as error:
            self._done(row, error)
            return
        host = host_of(url)
        world.begin(host)
        self._requests[row.number] = host
        seconds, error = world.answer(url, world.now)
        world.at(seconds, lambda: self._answered(row, url, error, generation))

    def _answered(self, row: Row, url: str, error: RowError | None, generation: int) -> None:
        if generation != self._generation:
            return
        self.simulation.under_way[self._requests.pop(row.number)] -= 1
        target = self.simulation.redirect(url) if error is None else None
        if target is not None:
            self._request(row, target, generation)
            return
        if error is None:
            self.scheduler.response_received(row)
        self._done(row, error)
        self._fill(generation)

    def _done(self, row: Row, error: RowError | None) -> None:
        if error is not None and error.status == 429:
            self.simulation.refused += 1
        if not self.scheduler.done(row, error) and (error is None or not error.retryable):
            self.simulation.ended[row.number] += 1
            del self.rows[row.number]

    def _finish(self) -> None:
        world, scheduler = self.simulation, self.scheduler
        scheduler.close()
        world.most_writes = max(world.most_writes, *self._table.writes.values(), 0)
        self._generation += 1
        if not self.rows:
            return
        states = scheduler.states()
        waits = {
            row.number: states[host].not_before if host in states else 1.0 for host, row, _, _ in scheduler.remaining()
        }
        wait = max(1, math.ceil(min(waits.values(), default=1.0)))
        self.waits.append(wait)
        self.states = {name: state.shifted(-wait) for name, state in states.items() if not state.is_wait}
        self.start_after(wait + 0.05)


def rows_of(random: Random, hosts: Sequence[str], count: int, first: int) -> list[Row]:
    return [Row(number, f"http://{random.choice(hosts)}/{number}") for number in range(first, first + count)]
