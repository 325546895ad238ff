"""What is known about the robots.txt of an origin, in memory and as a record of the hosts table."""

import zlib
from dataclasses import dataclass

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.types import RobotsRecord, RobotsState
from functions.core.web.robots.rules import RobotsRules

MAX_STORED_BYTES = 380_000
"""Maximum size of compressed rules in the hosts table, in bytes. An item has at most 400 KB (Amazon DynamoDB developer
guide, "Constraints"). Each environment reads a larger file itself."""

NO_RULES = RobotsRules()


@dataclass(frozen=True, slots=True)
class Known:
    """The rules of an origin, or the error that reading them ended in, until a time in seconds since the epoch."""

    until: float
    rules: RobotsRules = NO_RULES
    error: RowError | None = None

    def usable(self, now: float) -> RobotsRules:
        """Raises RowError, a new one each time: the rows add to it."""
        if self.error is None:
            return self.rules
        error = without_traceback(self.error)
        if error.reason is Reason.ROBOTS:
            error.wait = max(1.0, self.until - now)
        raise error

    def record(self) -> RobotsRecord:
        until = int(self.until)
        if self.error is not None:
            return RobotsRecord(RobotsState.UNREADABLE, until, self.error.message.encode())
        content = self.rules.encoded()
        if len(content) > MAX_STORED_BYTES:
            return RobotsRecord(RobotsState.TOO_LARGE, until)
        return RobotsRecord(RobotsState.RULES, until, content)


def without_traceback(error: RowError) -> RowError:
    """The same error for other rows. A traceback would keep the connection in memory."""
    return RowError(error.reason, error.message, wait=error.wait, retryable=error.retryable)


def from_record(record: RobotsRecord) -> Known | None:
    """None for a record that has no rules, or rules in the form of another version."""
    if record.state is RobotsState.UNREADABLE:
        message = record.content.decode(errors="replace")
        return Known(record.expires_at, error=RowError(Reason.ROBOTS, message, retryable=True))
    if record.state is RobotsState.RULES:
        try:
            return Known(record.expires_at, RobotsRules.decoded(record.content))
        except (ValueError, TypeError, zlib.error):
            return None
    return None
