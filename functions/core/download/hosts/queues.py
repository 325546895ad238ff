"""The pending rows by host, and the hosts that may be asked now.

`fleet` says how much of a host this batch may use, and which hosts it does not ask in this round.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from functions.core.download.hosts.fleet import RoundHosts
from functions.core.download.hosts.host import Host
from functions.core.download.hosts.pace import MAX_IDLE_SECONDS, HostPace, HostState
from functions.core.model.errors import RowError
from functions.core.model.rows import Row
from functions.core.model.urls import host_of

MAX_CONCURRENCY = 256
"""Default for requests and for rows in flight: the maximum of the option `concurrency`."""


class HostQueues:
    """Hands out rows, host by host in turn. Used by the threads of a batch.

    There are at most `per_host` requests to a host, `concurrency` requests in all, and `limit` rows in flight. `states`
    are those of hosts that the round before has waited for, `rounds` the number of waits without an answer after which
    a host gets no more requests, `crawl_delay` returns what is known of the robots.txt of a host.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        per_host: int,
        concurrency: int = MAX_CONCURRENCY,
        limit: int = MAX_CONCURRENCY,
        *,
        rounds: int = 1,
        states: Mapping[str, HostState] = MappingProxyType({}),
        fleet: RoundHosts | None = None,
        crawl_delay: Callable[[str], float | None] = lambda host: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_host, self._concurrency, self._limit, self._rounds = per_host, concurrency, limit, rounds
        self._fleet = fleet
        self._clock, self._epoch = clock, fleet.epoch if fleet is not None else time.time
        self._start_time = clock()
        self._requests: set[int] = set()
        self._in_flight: dict[int, Host] = {}
        self._hosts: dict[str, Host] = {}
        self._paced_hosts: dict[str, Host] = {}
        self._refused: dict[int, RowError] = {}
        self._redirected: dict[int, Host] = {}
        self._guests: dict[int, Host] = {}  # the hosts that rows in flight were redirected to, where they need a place
        self._ticks: dict[int, float] = {}
        self._changed = threading.Condition()
        self._stopped = self._has_closed_hosts = self._has_ticks = False
        # hosts with pending rows and room for another request, now and at the next start of their pace
        self._ready: deque[Host] = deque()
        self._paced: list[Host] = []
        for row in rows:
            self._host(host_of(row.url)).pending.append(row)
        self._pending = sum(len(host.pending) for host in self._hosts.values())
        if fleet is not None:
            fleet.enter({name: len(host.pending) for name, host in self._hosts.items()}, states, crawl_delay)
            states = fleet.states
            for name in (*fleet.shares, *fleet.waits):
                self._adopt(fleet, self._host(name))
        for name, state in states.items():
            self._set_pace(self._host(name), state.shifted(self._start_time))
        for host in self._hosts.values():
            self._queue(host)

    def _host(self, name: str) -> Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = Host(name, self._per_host)
        return host

    def _adopt(self, fleet: RoundHosts, host: Host) -> None:
        """What the fleet says about a host."""
        host.share, host.wait = fleet.shares.get(host.name), fleet.waits.get(host.name)
        if host.share is not None:
            host.capacity, host.ticks = host.share.capacity, host.share.ticks
            self._has_ticks = self._has_ticks or host.ticks is not None
        elif host.wait is not None:
            host.error = host.wait.error
            self._close_host(host)

    def _close_host(self, host: Host) -> None:
        """This round sends no more requests to the host."""
        host.capacity = 0
        self._has_closed_hosts = True

    def _set_pace(self, host: Host, state: HostState) -> None:
        host.pace = HostPace(self._rounds, state)
        self._paced_hosts[host.name] = host

    def take(self) -> Row | None:
        """The next row to download; waits until a host is ready. None when no row is pending, or after `stop`."""
        with self._changed:
            while self._pending and not self._stopped:
                if self._ready and len(self._requests) < self._concurrency and len(self._in_flight) < self._limit:
                    return self._start(self._ready.popleft())
                self._changed.wait()
            return None

    def _start(self, host: Host) -> Row:
        row = host.pending.popleft()
        host.requests += 1
        host.queued = False
        if host.pace is not None:
            host.pace.request_started(self._clock())
        if host.ticks is not None:
            self._ticks[row.number] = host.ticks.take(self._epoch())
        self._requests.add(row.number)
        self._in_flight[row.number] = host
        self._pending -= 1
        self._queue(host)
        if not self._pending:
            self._changed.notify_all()
        return row

    def _queue(self, host: Host) -> None:
        """Put the host into its queue if it has pending rows and room for another request."""
        if host.queued or not host.pending or not host.has_room():
            return
        host.queued = True
        if host.pace is None and host.ticks is None:
            self._ready.append(host)
        else:
            self._paced.append(host)

    def _unqueue(self, host: Host) -> None:
        """It is queued again by its pace, or its ticks, or not at all."""
        host.queued = False
        if host in self._ready:
            self._ready.remove(host)
        if host in self._paced:
            self._paced.remove(host)
        self._queue(host)

    def resume(self) -> float:
        """Make the hosts ready whose time has come. Returns the seconds until that of the next host.

        The thread that watches the batch calls this. If nothing is in flight and the next host must be waited for too
        long, no more rows are handed out.
        """
        if not self._paced and not self._has_closed_hosts:
            return math.inf
        with self._changed:
            clock, epoch = self._clock(), self._epoch()
            due = {host.name: host.seconds_to_start(clock, epoch) for host in self._paced}
            self._ready.extend(host for host in self._paced if due[host.name] <= 0)
            self._paced = [host for host in self._paced if due[host.name] > 0]
            self._changed.notify(len(due) - len(self._paced))
            seconds = min((due[host.name] for host in self._paced), default=math.inf)
            if seconds > MAX_IDLE_SECONDS and not self._ready and not self._in_flight:
                self._stop()
            return seconds

    def _end_request(self, host: Host, row: Row) -> None:
        self._requests.remove(row.number)
        if self._guests:
            self._leave(row)
        self._free(host)
        self._changed.notify()

    def _leave(self, row: Row) -> None:
        """The row has no longer a request to the host that it was redirected to."""
        host = self._guests.pop(row.number, None)
        if host is not None:
            self._free(host)

    def _free(self, host: Host) -> None:
        """A request to the host has ended. Its places are returned as soon as this round needs it no more."""
        host.requests -= 1
        if (
            not host.requests
            and self._fleet is not None
            and (not host.capacity or (host.share is not None and not host.pending and not host.is_visited))
        ):
            self._settle(self._fleet, host)
        self._queue(host)

    def _settle(self, fleet: RoundHosts, host: Host) -> None:
        if not host.is_settled:
            share, host.share = host.share, None
            host.is_settled = True
            self._close_host(host)
            fleet.settle(host.name, share, host.pace, self._clock())

    def set_limit(self, limit: int) -> None:
        """Change how many rows may be in flight; those that are in flight continue."""
        with self._changed:
            added, self._limit = limit - self._limit, limit
            if added > 0:
                self._changed.notify(added)

    def _put_back(self, host: Host, row: Row, error: RowError) -> None:
        self._refused[row.number] = error
        source = self._host(host_of(row.url))
        if source is not host:  # the row will be requested there once more
            host.is_target = source.is_visited = True
        host.pending.append(row)
        self._pending += 1
        self._queue(host)

    def stop(self, row: Row | None = None) -> None:
        """Hand out no more rows. `row` was handed out and not attempted."""
        with self._changed:
            if row is not None:
                self._requests.remove(row.number)
                host = self._in_flight.pop(row.number)
                host.pending.appendleft(row)
                host.requests -= 1
            self._stop()

    def _stop(self) -> None:
        self._stopped = True
        self._changed.notify_all()

    def close(self) -> None:
        """When all threads have ended: give back what is left, and say what was learned about the hosts."""
        if self._fleet is not None:
            for host in self._hosts.values():
                if host.share is not None or host.pace is not None:
                    self._settle(self._fleet, host)
            self._fleet.close()

    def remaining(self) -> Iterator[tuple[str, Row, RowError | None, bool]]:
        """The rows that are still pending, with the host that they wait for, its error, and whether that was the answer
        to this row."""
        for host in self._hosts.values():
            for row in host.pending:
                yield host.name, row, self._refused.get(row.number, host.error), row.number in self._refused

    def states(self) -> dict[str, HostState]:
        """The states of the hosts that were waited for; times in seconds from now."""
        clock, epoch = self._clock(), self._epoch()
        states = {}
        for name, host in self._hosts.items():
            wait = host.wait.seconds - (clock - self._start_time) if host.wait is not None else 0.0
            if host.pace is not None:
                state = host.pace.state(clock, name if host.is_target else "")
                states[name] = replace(state, not_before=max(state.not_before, wait))
            elif host.wait is not None or host.ticks is not None:
                states[name] = host.state_without_pace(max(0.0, wait), epoch)
        return states
