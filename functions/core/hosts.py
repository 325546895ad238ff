"""Whose turn it is: rows wait by host, so that a slow or busy host keeps no other host's rows waiting."""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from functions.core.faults import RowFault
from functions.core.reasons import Reason
from functions.core.rows import Row
from functions.core.urls import host_of

REFUSALS = 3
"""In a row, from one host, and it is left alone for the rest of the round."""

MOST = 256
"""At once in a batch, whatever the options say."""

_REFUSING = frozenset({Reason.HTTP_BUSY, Reason.CONNECT, Reason.TIMEOUT, Reason.DNS})


@dataclass(slots=True)
class _Host:
    name: str
    waiting: deque[Row] = field(default_factory=deque)
    active: int = 0
    refusals: int = 0


class HostQueues:
    """Hands out rows, hosts in turn: at most `per_host` of a host at a time, and `at_once` in all.

    Used by the threads of a batch.
    """

    def __init__(self, rows: Iterable[Row], per_host: int, at_once: int = MOST) -> None:
        self._per_host = per_host
        self._at_once = at_once
        self._active = 0
        self._hosts: dict[str, _Host] = {}
        self._changed = threading.Condition()
        for row in rows:
            name = host_of(row.url)
            self._hosts.setdefault(name, _Host(name)).waiting.append(row)
        self._turns = deque(self._hosts.values())
        self._left = sum(len(host.waiting) for host in self._turns)

    def take(self) -> Row | None:
        """The next row that may be begun; waits for a host's turn; None when no row is left to begin."""
        with self._changed:
            while self._left:
                if self._turns and self._active < self._at_once:
                    return self._begin(self._turns.popleft())
                self._changed.wait()
            return None

    def _begin(self, host: _Host) -> Row:
        row = host.waiting.popleft()
        host.active += 1
        self._active += 1
        self._left -= 1
        if host.waiting and host.active < self._per_host:
            self._turns.append(host)
        if not self._left:
            self._changed.notify_all()
        return row

    def done(self, row: Row, fault: RowFault | None) -> list[Row]:
        """Gives the row's place back. Where its fault closes the host, returns the rows that then wait no longer."""
        with self._changed:
            host = self._hosts[host_of(row.url)]
            was_full = host.active >= self._per_host
            host.active -= 1
            self._active -= 1
            given_up = self._judge(host, fault)
            if was_full and host.waiting:
                self._turns.append(host)
            self._changed.notify()
            return given_up

    def allow(self, at_once: int) -> None:
        """Changes how many rows may be under way; those that are stay."""
        with self._changed:
            more, self._at_once = at_once - self._at_once, at_once
            if more > 0:
                self._changed.notify(more)

    def _judge(self, host: _Host, fault: RowFault | None) -> list[Row]:
        refused = fault is not None and fault.reason in _REFUSING
        host.refusals = host.refusals + 1 if refused else 0
        if fault is None or not (host.refusals >= REFUSALS or (refused and fault.wait is not None)):
            return []
        return self._empty(host)

    def _empty(self, host: _Host) -> list[Row]:
        rows = list(host.waiting)
        host.waiting.clear()
        if host in self._turns:
            self._turns.remove(host)
        self._left -= len(rows)
        if not self._left:
            self._changed.notify_all()
        return rows

    def give_up(self) -> list[Row]:
        """Every row not yet begun: the time is up."""
        with self._changed:
            return [row for host in self._hosts.values() for row in self._empty(host)]
