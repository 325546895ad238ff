"""Whose turn it is: rows wait by host, so that a slow or busy host keeps no other host's rows waiting."""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.urls import host_of

CONSECUTIVE_FAILURES_TO_OPEN = 3
"""In a row, from a host that answers nothing else, and it is left alone for the rest of the round."""

CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS = 8
"""In a row, from one that has answered. Where it refuses one request in ten, more than a third of all batches of 500
meet three in a row by mere chance, one in 200,000 meets eight."""

MOST = 256
"""At once in a batch, where nobody says fewer: what the option `concurrency` can say."""

_REFUSING = frozenset({Reason.HTTP_BUSY, Reason.CONNECT, Reason.TIMEOUT, Reason.DNS})


@dataclass(slots=True)
class _Host:
    name: str
    waiting: deque[Row] = field(default_factory=deque)
    asked: int = 0
    refusals: int = 0
    bearable: int = CONSECUTIVE_FAILURES_TO_OPEN

    def answers(self) -> None:
        self.refusals = 0
        self.bearable = CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS


class HostScheduler:
    """Hands out rows, hosts in turn. A row is asked for until it is `answered`, and under way until it is `done`.

    At most `per_host` of a host and `concurrency` of all are asked for at a time, and at most `at_once` are under way.
    Used by the threads of a batch.
    """

    def __init__(self, rows: Iterable[Row], per_host: int, concurrency: int = MOST, at_once: int = MOST) -> None:
        self._per_host = per_host
        self._concurrency = concurrency
        self._at_once = at_once
        self._asked: set[int] = set()
        self._under_way: dict[int, _Host] = {}
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
                if self._turns and len(self._asked) < self._concurrency and len(self._under_way) < self._at_once:
                    return self._begin(self._turns.popleft())
                self._changed.wait()
            return None

    def _begin(self, host: _Host) -> Row:
        row = host.waiting.popleft()
        host.asked += 1
        self._asked.add(row.number)
        self._under_way[row.number] = host
        self._left -= 1
        if host.waiting and host.asked < self._per_host:
            self._turns.append(host)
        if not self._left:
            self._changed.notify_all()
        return row

    def answered(self, row: Row) -> None:
        """With all that was asked for: its host may be asked for another row while this one is stored."""
        with self._changed:
            host = self._under_way[row.number]
            host.answers()
            self._leave(host, row)

    def done(self, row: Row, fault: RowError | None) -> list[Row]:
        """Gives the row's place back. Where its fault closes the host, returns the rows that then wait no longer.

        What happens to a row that was `answered` says nothing of its host.
        """
        with self._changed:
            host = self._under_way.pop(row.number)
            given_up = []
            if row.number in self._asked:
                given_up = self._judge(host, fault)
                self._leave(host, row)
            self._changed.notify()
            return given_up

    def _leave(self, host: _Host, row: Row) -> None:
        self._asked.remove(row.number)
        if host.asked == self._per_host and host.waiting:
            self._turns.append(host)
        host.asked -= 1
        self._changed.notify()

    def allow(self, at_once: int) -> None:
        """Changes how many rows may be under way; those that are stay."""
        with self._changed:
            more, self._at_once = at_once - self._at_once, at_once
            if more > 0:
                self._changed.notify(more)

    def _judge(self, host: _Host, fault: RowError | None) -> list[Row]:
        if fault is None or fault.reason not in _REFUSING:
            host.answers()
            return []
        host.refusals += 1
        return self._empty(host) if fault.wait is not None or host.refusals >= host.bearable else []

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
