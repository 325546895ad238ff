"""The order of downloads: pending rows are queued by host, so that a slow or failing host delays no other host.

A host that limits requests is waited for, and then asked at its own pace (`host_pace`), while the others go on.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from functions.core.download.host_pace import MAX_IDLE_SECONDS, MIN_RATE, HostPace, HostState
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.urls import host_of

CONSECUTIVE_FAILURES_TO_OPEN = 3
"""Consecutive failures that open the circuit of a host without a success since it was last waited for."""

CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS = 8
"""Consecutive failures that open the circuit of a host with a success. Where it fails one request in ten, more than a
third of all batches of 500 see three in a row by chance, and one in 200,000 sees eight. So many more busy responses
than answers open it, too."""

MAX_CONCURRENCY = 256
"""Default for requests and for rows in flight: the maximum of the option `concurrency`."""

_HOST_FAILURES = frozenset({Reason.HTTP_BUSY, Reason.CONNECT, Reason.TIMEOUT, Reason.DNS})
"""Reasons that count as a failure of the host; after any other one the host counts as working."""


@dataclass(slots=True, eq=False)
class _Host:
    """Pending rows and the state of the circuit breaker. `requests` are those without a complete response.

    `queued` says that the host is in one of the scheduler's queues. `pace` is that of a host which was waited for,
    `error` the last one that it was waited for, `outdated` the requests that were sent before that.
    """

    name: str
    pending: deque[Row] = field(default_factory=deque)
    requests: int = 0
    answers: int = 0
    consecutive_failures: int = 0
    failures_to_open: int = CONSECUTIVE_FAILURES_TO_OPEN
    busy_surplus: int = 0
    queued: bool = False
    pace: HostPace | None = None
    error: RowError | None = None
    outdated: Collection[int] = ()

    def record_answer(self, number: int) -> None:
        self.answers += 1
        self.consecutive_failures = 0
        self.failures_to_open = CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS
        if self.busy_surplus:
            self.busy_surplus -= 1
        if self.pace is not None and number not in self.outdated:
            self.pace.answered()

    def record_failure(self, error: RowError) -> None:
        self.consecutive_failures += 1
        self.busy_surplus += error.reason is Reason.HTTP_BUSY

    def is_limiting(self, error: RowError) -> bool:
        """True if the host refused the request to limit its load, False if it may have failed for this row alone."""
        is_refusal = error.wait is not None or error.status == 429 or self.pace is not None
        return error.reason is Reason.HTTP_BUSY and is_refusal

    def must_open(self, error: RowError) -> bool:
        return (
            self.is_limiting(error)
            or self.consecutive_failures >= self.failures_to_open
            or self.busy_surplus >= CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS
        )

    def open_circuit(self, error: RowError, outdated: Collection[int]) -> None:
        self.error, self.outdated = error, outdated
        self.consecutive_failures = self.busy_surplus = 0
        self.failures_to_open = CONSECUTIVE_FAILURES_TO_OPEN


class HostScheduler:
    """Hands out rows, host by host in turn, with a circuit breaker for each host. Used by the threads of a batch.

    A row is a request until `response_received`, and in flight until `done`. There are at most `per_host` requests to a
    host, `concurrency` requests in all, and `limit` rows in flight. `states` are those of hosts that the round before
    has waited for, `rounds` the number of waits without an answer after which a host is not asked again.
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
        self._in_flight: dict[int, _Host] = {}
        self._hosts: dict[str, _Host] = {}
        self._refused: dict[int, RowError] = {}
        self._changed = threading.Condition()
        self._stopped = False
        for row in rows:
            name = host_of(row.url)
            self._hosts.setdefault(name, _Host(name)).pending.append(row)
        for name, state in states.items():
            host = self._hosts.setdefault(name, _Host(name))
            host.pace = HostPace(rounds, state.shifted(self._start_time))
        self._pending = sum(len(host.pending) for host in self._hosts.values())
        # hosts with pending rows and room for another request, now and at the next start of their pace
        self._ready: deque[_Host] = deque()
        self._paced: list[_Host] = []
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

    def _start(self, host: _Host) -> Row:
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

    def _queue(self, host: _Host) -> None:
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
                is_refused = self._record_result(host, row, error)
                self._end_request(host, row)
            self._changed.notify()
            return is_refused

    def _end_request(self, host: _Host, row: Row) -> None:
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

    def _record_result(self, host: _Host, row: Row, error: RowError | None) -> bool:
        if error is None or error.reason not in _HOST_FAILURES:
            host.record_answer(row.number)
            return False
        is_refused = host.is_limiting(error)
        if row.number in host.outdated:
            self._extend_wait(host, error)
        else:
            host.record_failure(error)
            if host.must_open(error):
                self._open_circuit(host, row, error)
        if is_refused:
            self._refused[row.number] = error
            self._put_back(host, row)
        return is_refused

    def _extend_wait(self, host: _Host, error: RowError) -> None:
        if error.wait is not None and host.pace is not None:
            host.pace.wait_until(self._clock() + error.wait)

    def _open_circuit(self, host: _Host, row: Row, error: RowError) -> None:
        """Wait for the host before it is asked again. The requests that were sent to it before count no more."""
        now = self._clock()
        if host.pace is None:
            seconds = now - self._start_time + (error.wait or 1.0)
            rate = max(MIN_RATE, host.answers / seconds) if host.answers else 0.0
            host.pace = HostPace(self._rounds, HostState(now, rate=rate))
        host.pace.refused(now, error.wait)
        sent = {number for number in self._requests if self._in_flight.get(number) is host}
        host.open_circuit(error, sent - {row.number})
        if host in self._ready:
            self._ready.remove(host)
            self._paced.append(host)

    def _put_back(self, host: _Host, row: Row) -> None:
        host.pending.append(row)
        self._pending += 1

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

    def remaining(self) -> Iterator[tuple[Row, RowError | None, bool]]:
        """The rows that are still pending, the error of their host, and whether it was the answer to this row."""
        for host in self._hosts.values():
            for row in host.pending:
                yield row, self._refused.get(row.number, host.error), row.number in self._refused

    def states(self) -> dict[str, HostState]:
        """The states of the hosts that were waited for; times in seconds from now."""
        now = self._clock()
        return {name: host.pace.state(now) for name, host in self._hosts.items() if host.pace is not None}
