"""The order of downloads: pending rows are queued by host, so that a slow or failing host delays no other host."""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.urls import host_of

CONSECUTIVE_FAILURES_TO_OPEN = 3
"""Consecutive failures that open the circuit of a host without a success: its pending rows wait for the next round."""

CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS = 8
"""Consecutive failures that open the circuit of a host with a success in this round. Where it fails one request in ten,
more than a third of all batches of 500 see three in a row by chance, and one in 200,000 sees eight."""

MAX_CONCURRENCY = 256
"""Default for requests and for rows in flight: the maximum of the option `concurrency`."""

_HOST_FAILURES = frozenset({Reason.HTTP_BUSY, Reason.CONNECT, Reason.TIMEOUT, Reason.DNS})
"""Reasons that count as a failure of the host; after any other one the host counts as working."""


@dataclass(slots=True)
class _Host:
    """Pending rows and the state of the circuit breaker. `requests` are those without a complete response."""

    name: str
    pending: deque[Row] = field(default_factory=deque)
    requests: int = 0
    consecutive_failures: int = 0
    failures_to_open: int = CONSECUTIVE_FAILURES_TO_OPEN

    def record_success(self) -> None:
        self.consecutive_failures = 0
        self.failures_to_open = CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS


class HostScheduler:
    """Hands out rows, host by host in turn, with a circuit breaker for each host. Used by the threads of a batch.

    A row is a request until `response_received`, and in flight until `done`. There are at most `per_host` requests to a
    host, `concurrency` requests in all, and `limit` rows in flight.
    """

    def __init__(
        self, rows: Iterable[Row], per_host: int, concurrency: int = MAX_CONCURRENCY, limit: int = MAX_CONCURRENCY
    ) -> None:
        self._per_host = per_host
        self._concurrency = concurrency
        self._limit = limit
        self._requests: set[int] = set()
        self._in_flight: dict[int, _Host] = {}
        self._hosts: dict[str, _Host] = {}
        self._changed = threading.Condition()
        for row in rows:
            name = host_of(row.url)
            self._hosts.setdefault(name, _Host(name)).pending.append(row)
        self._ready = deque(self._hosts.values())  # hosts with pending rows and room for another request
        self._pending = sum(len(host.pending) for host in self._ready)

    def take(self) -> Row | None:
        """The next row to download; waits until a host is ready. None when no row is pending."""
        with self._changed:
            while self._pending:
                if self._ready and len(self._requests) < self._concurrency and len(self._in_flight) < self._limit:
                    return self._start(self._ready.popleft())
                self._changed.wait()
            return None

    def _start(self, host: _Host) -> Row:
        row = host.pending.popleft()
        host.requests += 1
        self._requests.add(row.number)
        self._in_flight[row.number] = host
        self._pending -= 1
        if host.pending and host.requests < self._per_host:
            self._ready.append(host)
        if not self._pending:
            self._changed.notify_all()
        return row

    def response_received(self, row: Row) -> None:
        """The whole response is here: another request may be sent to the host while this image is stored."""
        with self._changed:
            host = self._in_flight[row.number]
            host.record_success()
            self._end_request(host, row)

    def done(self, row: Row, error: RowError | None) -> list[Row]:
        """The row is no longer in flight. Returns the pending rows of its host if `error` opens the circuit.

        After `response_received`, the error says nothing about the host.
        """
        with self._changed:
            host = self._in_flight.pop(row.number)
            cancelled = []
            if row.number in self._requests:
                cancelled = self._record_result(host, error)
                self._end_request(host, row)
            self._changed.notify()
            return cancelled

    def _end_request(self, host: _Host, row: Row) -> None:
        self._requests.remove(row.number)
        if host.requests == self._per_host and host.pending:
            self._ready.append(host)
        host.requests -= 1
        self._changed.notify()

    def set_limit(self, limit: int) -> None:
        """Change how many rows may be in flight; those that are in flight continue."""
        with self._changed:
            added, self._limit = limit - self._limit, limit
            if added > 0:
                self._changed.notify(added)

    def _record_result(self, host: _Host, error: RowError | None) -> list[Row]:
        if error is None or error.reason not in _HOST_FAILURES:
            host.record_success()
            return []
        host.consecutive_failures += 1
        is_open = error.wait is not None or host.consecutive_failures >= host.failures_to_open
        return self._cancel_pending(host) if is_open else []

    def _cancel_pending(self, host: _Host) -> list[Row]:
        rows = list(host.pending)
        host.pending.clear()
        if host in self._ready:
            self._ready.remove(host)
        self._pending -= len(rows)
        if not self._pending:
            self._changed.notify_all()
        return rows

    def cancel_pending(self) -> list[Row]:
        """Remove and return every pending row of every host."""
        with self._changed:
            return [row for host in self._hosts.values() for row in self._cancel_pending(host)]
