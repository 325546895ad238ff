"""One batch of the fleet reads the robots.txt of an origin; the hosts table keeps it for the others.

Where the table fails, each environment reads the file itself: that is slower, but not wrong.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from functions.core.model.errors import RowError, TableFault
from functions.core.model.ports import HostsTable
from functions.core.model.reasons import Reason
from functions.core.model.types import RobotsRecord, RobotsState
from functions.core.web.robots.known import Known, from_record, without_traceback
from functions.core.web.robots.reader import READ_FILE_SECONDS
from functions.core.web.robots.rules import RobotsRules

KEEP_SECONDS = 24 * 3600
"""How long the rules of an origin hold, in seconds (RFC 9309, section 2.4)."""

UNREADABLE_SECONDS = 30
"""How long nothing is downloaded from a server that does not answer the request for robots.txt and does not say for how
long, in seconds. Then the file is requested again."""

CLAIM_SECONDS = int(READ_FILE_SECONDS) + 5
"""How long other batches wait for the one that reads a file, in seconds: it may have crashed."""

POLL_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Waits of a batch for the file that another batch reads, in seconds. Then its rows are deferred."""

WITHOUT_TABLE_SECONDS = 60
"""How long the hosts table is not used after it failed, in seconds."""


class Reader(Protocol):
    """RobotsReader, and what the tests put in its place."""

    def read(self, origin: str, *, seconds: float, user_agent: str = "", verify_tls: bool = True) -> RobotsRules:
        """Raises RowError."""


@dataclass(frozen=True, slots=True)
class RobotsRequest:
    """How a robots.txt may be requested: like the row that needs it, within so many `seconds`."""

    seconds: float
    user_agent: str = ""
    verify_tls: bool = True


class FleetRobots:
    """Shared by the threads of an execution environment. `clock` is in seconds since the epoch."""

    def __init__(
        self,
        reader: Reader,
        table: HostsTable,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reader = reader
        self._table = table
        self._clock = clock
        self._sleep = sleep
        self._owner = uuid.uuid4().hex.encode()
        self._without_table_until = 0.0

    def look_up(self, origins: Sequence[str]) -> Mapping[str, Known]:
        """What the table has about these origins."""
        if not self._has_table():
            return {}
        try:
            records = self._table.robots(origins)
        except TableFault:
            self._table_failed()
            return {}
        found = ((origin, from_record(record)) for origin, record in records.items())
        return {origin: known for origin, known in found if known is not None}

    def obtain(self, origin: str, request: RobotsRequest) -> Known:
        """From the table, or from the server unless another batch is reading it."""
        left = request.seconds
        waits = iter(POLL_SECONDS)
        while True:
            record = self._claim(origin)
            if record is None or record.content == self._owner:
                return self._read_for_all(origin, request)
            known = from_record(record)
            if known is not None:
                return known
            if record.state is not RobotsState.READING:
                return self._read(origin, request)
            wait = next(waits, left)
            if wait >= left:
                return Known(record.expires_at, error=being_read(origin))
            self._sleep(wait)
            left -= wait

    def _claim(self, origin: str) -> RobotsRecord | None:
        """The record that another batch has written; None if this one is to read the file."""
        now = int(self._clock())
        if not self._has_table():
            return None
        try:
            return self._table.claim_robots(
                origin, RobotsRecord(RobotsState.READING, now + CLAIM_SECONDS, self._owner), now
            )
        except TableFault:
            self._table_failed()
            return None

    def _read(self, origin: str, request: RobotsRequest) -> Known:
        """An error holds for a while only if the server is there."""
        try:
            rules = self._reader.read(
                origin, seconds=request.seconds, user_agent=request.user_agent, verify_tls=request.verify_tls
            )
        except RowError as error:
            seconds = UNREADABLE_SECONDS if error.wait is None else error.wait
            until = self._clock() + (seconds if error.reason is Reason.ROBOTS else 0)
            return Known(until, error=without_traceback(error))
        return Known(self._clock() + KEEP_SECONDS, rules)

    def _read_for_all(self, origin: str, request: RobotsRequest) -> Known:
        known = self._read(origin, request)
        if self._has_table():
            try:
                self._table.put_robots(origin, known.record())
            except TableFault:
                self._table_failed()  # the claim expires
        return known

    def _has_table(self) -> bool:
        return self._clock() >= self._without_table_until

    def _table_failed(self) -> None:
        self._without_table_until = self._clock() + WITHOUT_TABLE_SECONDS


def being_read(origin: str) -> RowError:
    message = f"{origin}/robots.txt is being read for another row, and was not known in time."
    return RowError(Reason.ROBOTS, message, retryable=True)
