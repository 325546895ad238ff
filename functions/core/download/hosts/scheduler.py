"""The order of downloads: pending rows are queued by host, so that a slow or failing host delays no other host.

A host that limits requests is waited for, and then asked at its own pace (`host_pace`), while the others go on.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from functions.core.download.hosts.host import Host
from functions.core.download.hosts.pace import MAX_IDLE_SECONDS, MIN_RATE, HostPace, HostState
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.urls import host_of

MAX_CONCURRENCY = 256
"""Default for requests and for rows in flight: the maximum of the option `concurrency`."""

_HOST_FAILURES = frozenset({Reason.HTTP_BUSY, Reason.CONNECT, Reason.TIMEOUT, Reason.DNS})
"""Reasons that count as a failure of the host; after any other one the host counts as working."""


class HostScheduler:
    """Hands out rows, host by host in turn, with a circuit breaker for each host. Used by the threads of a batch.

    A row is a request until `response_received`, and in flight until `done`. There are at most `per_host` requests to a
    host, `concurrency` requests in all, and `limit` rows in flight. `states` are those of hosts that the round before
    has waited for, `rounds` the number of waits without an answer after which a host gets no more requests.
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_host = per_host
        self._concurrency = concurrency
        self._limit = limit
        self._rounds = rounds
        self._clock = clock
        self._start_time = clock()
        self._requests: set[int] = set()
        self._in_flight: dict[int, Host] = {}
        self._hosts: dict[str, Host] = {}
        self._paced_hosts: dict[str, Host] = {}
        self._refused: dict[int, RowError] = {}
        self._redirected: dict[int, Host] = {}
        self._changed = threading.Condition()
        self._stopped = False
        for row in rows:
            name = host_of(row.url)
            self._hosts.setdefault(name, Host(name)).pending.append(row)
        for name, state in states.items():
            host = self._hosts.setdefault(name, Host(name))
            host.pace = HostPace(rounds, state.shifted(self._start_time))
            self._paced_hosts[name] = host
        self._pending = sum(len(host.pending) for host in self._hosts.values())
        # hosts with pending rows and room for another request, now and at the next start of their pace
        self._ready: deque[Host] = deque()
        self._paced: list[Host] = []
        for host in self._hosts.values():
            self._queue(host)

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
        self._requests.add(row.number)
        self._in_flight[row.number] = host
        self._pending -= 1
        self._queue(host)
        if not self._pending:
            self._changed.notify_all()
        return row

    def _queue(self, host: Host) -> None:
        """Put the host into its queue if it has pending rows and room for another request."""
        if host.queued or not host.pending:
            return
        if host.pace is None:
            if host.requests < self._per_host:
                host.queued = True
                self._ready.append(host)
        elif host.requests < host.pace.max_requests(self._per_host):
            host.queued = True
            self._paced.append(host)

    def resume(self) -> float:
        """Make the hosts ready whose time has come. Returns the seconds until that of the next host.

        The thread that watches the batch calls this. If nothing is in flight and the next host must be waited for too
        long, no more rows are handed out.
        """
        if not self._paced:
            return math.inf
        with self._changed:
            now = self._clock()
            due = {host.name: host.pace.next_start - now for host in self._paced if host.pace is not None}
            self._ready.extend(host for host in self._paced if due[host.name] <= 0)
            self._paced = [host for host in self._paced if due[host.name] > 0]
            self._changed.notify(len(due) - len(self._paced))
            seconds = min((due[host.name] for host in self._paced), default=math.inf)
            if seconds > MAX_IDLE_SECONDS and not self._ready and not self._in_flight:
                self._stop()
            return seconds

    def check_url(self, row: Row, url: str) -> None:
        """Raises RowError if the host of `url` must be waited for first: the row waits with those of that host."""
        if not self._paced_hosts:
            return
        with self._changed:
            host, now = self._paced_hosts.get(host_of(url)), self._clock()
            if host is None or host.pace is None or self._in_flight[row.number] is host:
                return
            if host.pace.next_start > now:
                self._redirected[row.number] = host
                raise _redirect_refused(host.error)
            host.pace.request_started(now)

    def response_received(self, row: Row) -> None:
        """The whole response is here: another request may be sent to the host while this image is stored."""
        with self._changed:
            host = self._in_flight[row.number]
            host.record_answer(row.number)
            self._end_request(host, row)

    def done(self, row: Row, error: RowError | None) -> bool:
        """The row is no longer in flight. True if it is pending again, since its host limits requests.

        After `response_received`, the error says nothing about the host.
        """
        with self._changed:
            host = self._in_flight.pop(row.number)
            is_refused = False
            if row.number in self._requests:
                if error is None or error.reason not in _HOST_FAILURES:
                    host.record_answer(row.number)
                else:
                    is_refused = self._record_failure(host, row, error)
                self._end_request(host, row)
            self._changed.notify()
            return is_refused

    def _end_request(self, host: Host, row: Row) -> None:
        self._requests.remove(row.number)
        host.requests -= 1
        self._queue(host)
        self._changed.notify()

    def set_limit(self, limit: int) -> None:
        """Change how many rows may be in flight; those that are in flight continue."""
        with self._changed:
            added, self._limit = limit - self._limit, limit
            if added > 0:
                self._changed.notify(added)

    def _record_failure(self, host: Host, row: Row, error: RowError) -> bool:
        """True if the row is pending again."""
        if target := self._redirected.pop(row.number, None):
            self._put_back(target, row, error)
            return True
        source = host if error.host is None else self._hosts.setdefault(error.host, Host(error.host))
        is_refused = source.is_limiting(error)
        if row.number in source.outdated:
            self._extend_wait(source, error)
        else:
            source.record_failure(error)
            if source.must_open(error):
                self._open_circuit(source, host, row, error)
        if is_refused:
            self._put_back(source, row, error)
        return is_refused

    def _extend_wait(self, host: Host, error: RowError) -> None:
        if error.wait is not None and host.pace is not None:
            host.pace.wait_until(self._clock() + error.wait)

    def _open_circuit(self, host: Host, requested: Host, row: Row, error: RowError) -> None:
        """Wait for the host before its next request. The requests that were sent to it before, or to the host
        `requested` that redirected this one, count no more."""
        now = self._clock()
        if host.pace is None:
            seconds = now - self._start_time + (error.wait or 1.0)
            rate = max(MIN_RATE, host.answers / seconds) if host.answers else 0.0
            host.pace = HostPace(self._rounds, HostState(now, rate=rate))
            self._paced_hosts[host.name] = host
        host.pace.refused(now, error.wait, is_last_row=not host.pending and not requested.pending)
        sent = {number for number in self._requests if self._in_flight.get(number) in (host, requested)}
        host.open_circuit(error, sent - {row.number})
        if host in self._ready:
            self._ready.remove(host)
            self._paced.append(host)

    def _put_back(self, host: Host, row: Row, error: RowError) -> None:
        self._refused[row.number] = error
        host.is_target = host.is_target or host_of(row.url) != host.name
        host.pending.append(row)
        self._pending += 1
        self._queue(host)

    def stop(self, row: Row | None = None) -> None:
        """Hand out no more rows. `row` was handed out and not attempted."""
        with self._changed:
            if row is not None:
                self._requests.remove(row.number)
                self._in_flight.pop(row.number).pending.appendleft(row)
            self._stop()

    def _stop(self) -> None:
        self._stopped = True
        self._changed.notify_all()

    def remaining(self) -> Iterator[tuple[str, Row, RowError | None, bool]]:
        """The rows that are still pending, with the host that they wait for, its error, and whether that was the answer
        to this row."""
        for host in self._hosts.values():
            for row in host.pending:
                yield host.name, row, self._refused.get(row.number, host.error), row.number in self._refused

    def states(self) -> dict[str, HostState]:
        """The states of the hosts that were waited for; times in seconds from now."""
        now = self._clock()
        return {
            name: host.pace.state(now, name if host.is_target else "")
            for name, host in self._paced_hosts.items()
            if host.pace is not None
        }


def _redirect_refused(error: RowError | None) -> RowError:
    message = "The redirect leads to a host that limits or fails requests, and was not followed yet."
    if error is None:
        return RowError(Reason.HTTP_BUSY, message)
    return RowError(error.reason, f"{message} {error.message}", status=error.status, wait=error.wait, retryable=True)
