"""The order of downloads: pending rows are queued by host, so that a slow or failing host delays no other host.

A host that limits requests is waited for, and then asked at its own pace (`pace`), while the others go on.
"""

import time
from collections.abc import Callable

from functions.core.download.hosts.fleet import RoundHosts
from functions.core.download.hosts.host import Host
from functions.core.download.hosts.pace import MAX_IDLE_SECONDS, MIN_RATE, HostState
from functions.core.download.hosts.queues import HostQueues
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.urls import host_of

_HOST_FAILURES = frozenset({Reason.HTTP_BUSY, Reason.CONNECT, Reason.TIMEOUT, Reason.DNS})
"""Reasons that count as a failure of the host; after any other one the host counts as working."""


class HostScheduler(HostQueues):
    """Hands out rows, with a circuit breaker for each host.

    A row is a request until `response_received`, and in flight until `done`. Each request of a row, also one that
    follows a redirect, begins with `check_url` and `start_request`.
    """

    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def check_url(self, row: Row, url: str) -> None:
        """Raises RowError if the host of `url` must be waited for first: the row waits with those of that host."""
        if url == row.url and row.number not in self._refused and row.number not in self._guests:
            return
        name, fleet = host_of(url), self._fleet
        with self._changed:
            self._leave(row)
            if self._in_flight[row.number].name == name:
                return
            host = self._hosts.get(name)
            is_shared = host is not None and (host.share is not None or not host.capacity)
        if fleet is not None and not is_shared and url != row.url and fleet.must_lease(name):
            fleet.enter_target(name)
            with self._changed:
                self._adopt(fleet, self._host(name))
        with self._changed:
            self._visit(row, self._hosts.get(name))

    def _visit(self, row: Row, host: Host | None) -> None:
        """The row sends a request to another host than its own. Raises RowError if it may not for now."""
        if host is None:
            return
        now = self._clock()
        is_shared = host.share is not None or not host.capacity
        if (host.pace is not None and host.pace.next_start > now) or (is_shared and not host.has_room()):
            self._redirected[row.number] = host
            raise _redirect_refused(host.error)
        if host.pace is not None:
            host.pace.request_started(now)
        if is_shared:
            host.requests += 1
            host.is_visited = True
            self._guests[row.number] = host
            self._unqueue(host)  # the place may have been the last one

    def start_request(self, row: Row, url: str, crawl_delay: float | None) -> None:
        """Wait until the request may be sent, if the rate of its host is limited: `crawl_delay` is that of its
        robots.txt. Raises RowError if that takes too long: then the row waits with those of its host."""
        if crawl_delay is None and not self._has_ticks:
            return
        with self._changed:
            host = self._asked_host(row, url)
            if crawl_delay and self._fleet is not None:
                self._delay(self._fleet, host, crawl_delay)
        if host.ticks is not None:
            self._await_tick(row, host)

    def _asked_host(self, row: Row, url: str) -> Host:
        own = self._in_flight[row.number]
        name = own.name if url == row.url and row.number not in self._refused else host_of(url)
        return own if own.name == name else self._host(name)

    def _delay(self, fleet: RoundHosts, host: Host, crawl_delay: float) -> None:
        ticks = fleet.delayed(host.share, crawl_delay)
        if host.ticks is None or ticks.rate < host.ticks.rate:
            host.ticks, host.is_alone = ticks, host.share is None or not host.share.leases
            self._has_ticks = True
            self._unqueue(host)

    def _await_tick(self, row: Row, host: Host) -> None:
        while True:
            with self._changed:
                ticks, now = host.ticks, self._epoch()
                if ticks is None:
                    return
                tick = self._ticks.pop(row.number, None)
                if tick is None or ticks.is_missed(tick, now):
                    if ticks.upcoming(now) > now + MAX_IDLE_SECONDS:
                        self._redirected[row.number] = host
                        raise _too_early(host.name, ticks.rate)
                    tick = ticks.take(now)
                if tick <= now:
                    return
                self._ticks[row.number] = tick
            self.sleep(tick - now)

    def response_received(self, row: Row) -> None:
        """The whole response is here: another request may be sent to the host while this image is stored."""
        with self._changed:
            host = self._in_flight[row.number]
            self._record_answer(host, row)
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
                    self._record_answer(host, row)
                else:
                    is_refused = self._record_failure(host, row, error)
                self._end_request(host, row)
            self._changed.notify()
            return is_refused

    def _record_answer(self, host: Host, row: Row) -> None:
        host.record_answer(row.number)
        if host.share is not None and host.share.is_probe and self._fleet is not None and host.pace is not None:
            self._fleet.answered(host.name, host.share, host.pace, self._clock())

    def _record_failure(self, host: Host, row: Row, error: RowError) -> bool:
        """True if the row is pending again."""
        if target := self._redirected.pop(row.number, None):
            self._put_back(target, row, error)
            return True
        source = host if error.host is None else self._host(error.host)
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
            self._close_if_long(host)

    def _close_if_long(self, host: Host) -> None:
        """Another batch may be the first that asks the host after a long wait."""
        if self._fleet is not None and host.pace and host.pace.next_start - self._clock() > MAX_IDLE_SECONDS:
            self._close_host(host)

    def _open_circuit(self, host: Host, requested: Host, row: Row, error: RowError) -> None:
        """Wait for the host before its next request. The requests that were sent to it before, or to the host
        `requested` that redirected this one, count no more."""
        now = self._clock()
        if host.pace is None:
            seconds = now - self._start_time + (error.wait or 1.0)
            self._set_pace(host, HostState(now, rate=max(MIN_RATE, host.answers / seconds) if host.answers else 0.0))
        if host.pace is not None:
            host.pace.refused(
                now,
                error.wait,
                is_last_row=not host.pending and not requested.pending,
                is_limiting=error.wait is not None or error.status == 429,
            )
            self._close_if_long(host)
        sent = {number for number in self._requests if self._in_flight.get(number) in (host, requested)}
        host.open_circuit(error, sent - {row.number})
        self._unqueue(host)


def _redirect_refused(error: RowError | None) -> RowError:
    if error is None:
        message = "The redirect leads to a host that gets as many requests as it may, and was not followed yet."
        return RowError(Reason.HTTP_BUSY, message)
    message = f"The redirect leads to a host that limits or fails requests, and was not followed yet. {error.message}"
    return RowError(error.reason, message, status=error.status, wait=error.wait, retryable=True)


def _too_early(name: str, rate: float) -> RowError:
    message = f"Not requested yet: {name} gets a request every {1 / rate:.1f} seconds (Crawl-delay or host_rate)."
    return RowError(Reason.HTTP_BUSY, message)
