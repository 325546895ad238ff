"""The hosts of a round as all batches of all runs share them: places, rates and cool-downs, in the hosts table.

Where the table fails, a batch sends one request at a time to each busy host, without a lease: that is slower, and
within the limits as long as no more batches are in progress than the host has places.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from functions.core.download.hosts.busy import RunLimits
from functions.core.download.hosts.pace import MAX_IDLE_SECONDS, HostPace, HostState
from functions.core.download.hosts.places import (
    LEASE_SECONDS,
    choose_places,
    number_of_places,
    stricter,
    usable_places,
    wait_for_place,
)
from functions.core.download.hosts.share import HostShare, against, cool_down_after, learned_state
from functions.core.download.hosts.ticks import Ticks
from functions.core.model.errors import RowError, TableFault
from functions.core.model.options import Options
from functions.core.model.ports import HostRecords
from functions.core.model.reasons import Reason
from functions.core.model.types import HostChange, HostLimit, HostRecord

WITHOUT_TABLE_SECONDS = 60
"""How long the hosts table is not used after it failed, in seconds."""

MAX_TRIES = 3
"""Maximum number of conditional writes for one change: another batch may change the same host at the same time."""

MAX_WRITES_AT_ONCE = 8

PROBE_MARGIN_SECONDS = 5.0
"""How much longer than a request takes at most the other batches wait for the one that asks a host again."""

FIRST_LEASED_REDIRECT = 2
"""A host that only redirects lead to takes a lease with this request of a round."""

USE_FACTOR = 1.5
"""Places for each request that a batch has under way on average: the rows of some hosts end earlier."""

logger = logging.getLogger(__name__)


class FleetHosts:
    """Shared by the rounds of an execution environment. `epoch` is in seconds since the epoch."""

    def __init__(self, table: HostRecords, epoch: Callable[[], float] = time.time) -> None:
        self.table = table
        self.epoch = epoch
        self._without_table_until = 0.0

    def has_table(self) -> bool:
        return self.epoch() >= self._without_table_until

    def table_failed(self, fault: TableFault) -> None:
        self._without_table_until = self.epoch() + WITHOUT_TABLE_SECONDS
        logger.warning("The hosts table is not used for %d s: %s", WITHOUT_TABLE_SECONDS, fault)

    def round(self, options: Options, limits: RunLimits) -> "RoundHosts":
        return RoundHosts(self, options, limits)


@dataclass(frozen=True, slots=True)
class Wait:
    """A host that this round does not ask, for so many seconds, and why."""

    seconds: float
    error: RowError


class RoundHosts:
    """The hosts of one round. `shares` are those of hosts with a lease or a probe, `states` what is known about hosts
    that were waited for, `waits` the hosts that this round does not ask. Times of `states` are in seconds from now."""

    def __init__(self, fleet: FleetHosts, options: Options, limits: RunLimits) -> None:
        self._fleet = fleet
        self.epoch = fleet.epoch
        self._options = options
        self._limits = limits
        self._busy_hosts: Mapping[str, HostLimit] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._target_lock = threading.Lock()
        self._redirects: dict[str, int] = {}
        self._rows = 0
        self.shares: dict[str, HostShare] = {}
        self.states: dict[str, HostState] = {}
        self.waits: dict[str, Wait] = {}
        self._seen: Mapping[str, HostRecord] = {}

    def enter(
        self,
        rows: Mapping[str, int],
        carried: Mapping[str, HostState],
        crawl_delay: Callable[[str], float | None] = lambda host: None,
    ) -> None:
        """Before the first request: `rows` are the numbers of rows by host, `carried` the states of the round before,
        with times in seconds from now."""
        self.states.update(carried)
        self._rows = sum(rows.values())
        self._busy_hosts = self._limits.of_batch(rows)
        rows = {**dict.fromkeys(carried, 0), **rows}
        self._seen = self._read(list(rows))

        def enter(name: str) -> None:
            limit = self._busy_hosts.get(name)
            limit = stricter(limit, crawl_delay(name)) if limit is not None and rows[name] else None
            self._take(name, rows[name], limit, self._seen.get(name, HostRecord()))

        unusual = [name for name in rows if name in self._busy_hosts or name in self._seen]
        if len(unusual) > 1:
            list(self._executor().map(enter, unusual))
        elif unusual:
            enter(unusual[0])

    def must_lease(self, name: str) -> bool:
        """Whether a redirect to a host that has no rows in this batch needs a lease: its requests are counted."""
        if not (self._options.host_concurrency or self._options.host_rate or name in self._busy_hosts):
            return False
        with self._lock:
            self._redirects[name] = self._redirects.get(name, 0) + 1
            return self._redirects[name] >= FIRST_LEASED_REDIRECT or name in self._busy_hosts

    def enter_target(self, name: str) -> None:
        """The share of a host that redirects lead to, unless it has one or is waited for."""
        with self._target_lock:
            if name in self.shares or name in self.waits:
                return
            limit = self._busy_hosts.get(name) or HostLimit(self._options.host_concurrency, self._options.host_rate)
            self._take(name, self._rows, limit, self._read([name]).get(name, HostRecord()))

    def _read(self, names: list[str]) -> Mapping[str, HostRecord]:
        if self._fleet.has_table():
            try:
                return self._fleet.table.records(names)
            except TableFault as fault:
                self._fleet.table_failed(fault)
        return {}

    def _take(self, name: str, rows: int, limit: HostLimit | None, record: HostRecord) -> None:
        """Take places, and the probe of a host that was waited for. Without `limit` it has no places."""
        carried = self.states.get(name)
        if limit and carried and carried.not_before > MAX_IDLE_SECONDS:
            return self._wait(name, carried.not_before, _cooling(name, carried.not_before))
        for _ in range(MAX_TRIES):
            now = self._fleet.epoch()
            places = usable_places(limit, record.cool_down, now) if limit else 1
            wanted = min(self._usable(rows), places) if limit else 0
            if record.cool_down.not_before > now:
                seconds = record.cool_down.not_before - now
                return self._wait(name, seconds, _cooling(name, seconds))
            chosen = choose_places(record, places, wanted, now)
            if limit and len(chosen) < wanted and places < number_of_places(limit):
                chosen = []  # the host limits requests itself: one batch asks it at its whole rate
            change = self._claim(record, chosen, now)
            if wanted and not change.taken:
                break
            latest = self._change(name, change) if change.taken or change.cool_down else None
            if not self._fleet.has_table():  # it is not known whether the change was made
                return self._without_table(name, limit, places)
            if latest is None:
                return self._keep(name, change, limit, places)
            record = latest
        seconds = wait_for_place(record.leases, places, self._fleet.epoch())
        return self._wait(name, seconds, _no_place(name, places))

    def _usable(self, rows: int) -> int:
        """How many places of a host are of use for so many of the rows of the batch, whose requests all hosts share: a
        batch of many hosts that took `per_host` of each would leave most of them idle."""
        part = rows / self._rows if self._rows else 1.0
        return min(self._options.per_host, max(1, rows), math.ceil(USE_FACTOR * part * self._options.concurrency))

    def _claim(self, record: HostRecord, chosen: Iterable[int], now: float) -> HostChange:
        cool_down = record.cool_down
        probe = replace(cool_down, not_before=round(now + self._options.timeout + PROBE_MARGIN_SECONDS, 6))
        return HostChange(
            now=now,
            taken=dict.fromkeys(chosen, round(now + LEASE_SECONDS, 6)),
            cool_down=probe if cool_down.refusals else None,
            seen=cool_down,
        )

    def _keep(self, name: str, change: HostChange, limit: HostLimit | None, places: int) -> None:
        """The change holds: this is the share of the batch. A host without lease and probe needs none."""
        is_probe = change.cool_down is not None
        share = HostShare(
            capacity=len(change.taken) if limit else self._options.per_host,
            leases=change.taken,
            places=places,
            ticks=self._ticks(limit, change.taken, places, change.now),
            seen=change.cool_down or change.seen,
            is_probe=is_probe,
        )
        state = learned_state(change.seen, share.part, self.states.get(name), change.now)
        with self._lock:
            if limit or is_probe:
                self.shares[name] = share
            if state is not None:
                self.states[name] = state

    def _without_table(self, name: str, limit: HostLimit | None, places: int) -> None:
        if limit is not None:
            ticks = self._ticks(limit, [random.randrange(places)], places, self._fleet.epoch())
            with self._lock:
                self.shares[name] = HostShare(1, places=places, ticks=ticks, is_recorded=False)

    def _ticks(self, limit: HostLimit | None, places: Iterable[int], of: int, now: float) -> Ticks | None:
        return Ticks(places, of, limit.rate, now) if limit and limit.rate else None

    def delayed(self, share: HostShare | None, crawl_delay: float) -> Ticks:
        """The ticks of a host whose robots.txt asks for a delay, from now on: those of its places, or for a host
        without lease some of this batch alone."""
        rate, now = stricter(HostLimit(0), crawl_delay).rate, self._fleet.epoch()
        if share is not None and share.leases:
            return Ticks(share.leases, share.places, rate, now)
        return Ticks.starting(rate, now)

    def _wait(self, name: str, seconds: float, error: RowError) -> None:
        with self._lock:
            self.waits[name] = Wait(seconds, error)

    def answered(self, name: str, share: HostShare, pace: HostPace, clock: float) -> None:
        """The host has answered the one request after its cool-down: the other batches may go on. Does not block."""
        share.is_probe = False
        cool_down = cool_down_after(share, pace, now := self._fleet.epoch(), clock)
        if cool_down is not None:
            change = HostChange(now=now, cool_down=cool_down, seen=share.seen)
            share.seen = cool_down
            self._executor().submit(self._write, name, change)

    def settle(self, name: str, share: HostShare | None, pace: HostPace | None, clock: float) -> None:
        """The round has no more requests for a host: give its places back, and say what was learned. Does not block."""
        if share is None:
            seen = self._seen.get(name, HostRecord()).cool_down
            share = HostShare(0, seen=seen)
        now = self._fleet.epoch()
        cool_down = cool_down_after(share, pace, now, clock) if pace else None
        if share.is_recorded and (share.leases or cool_down is not None):
            change = HostChange(now=now, returned=share.leases, cool_down=cool_down, seen=share.seen)
            self._executor().submit(self._write, name, change)

    def close(self) -> None:
        """Wait for the writes."""
        if self._pool is not None:
            self._pool.shutdown()

    def _write(self, name: str, change: HostChange) -> None:
        left: HostChange | None = change
        for _ in range(MAX_TRIES):
            latest = self._change(name, left) if left is not None else None
            if latest is None or left is None:
                return
            left = against(left, latest)

    def _change(self, name: str, change: HostChange) -> HostRecord | None:
        """None too if the table fails: then it is not used, and the leases expire."""
        if self._fleet.has_table():
            try:
                return self._fleet.table.change(name, change)
            except TableFault as fault:
                self._fleet.table_failed(fault)
        return None

    def _executor(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(MAX_WRITES_AT_ONCE, thread_name_prefix="hosts")
            return self._pool


def _no_place(name: str, places: int) -> RowError:
    message = (
        f"Not attempted in this round: no place at {name} was free, of {places}. "
        "host_concurrency and host_rate limit the requests to a host."
    )
    return RowError(Reason.OUT_OF_TIME, message)


def _cooling(name: str, seconds: float) -> RowError:
    message = f"It refused or failed requests of another batch: {name} gets none for {seconds:.0f} seconds."
    return RowError(Reason.HTTP_BUSY, message, wait=seconds)
