"""The clock of the interpreter. Tests replace it by one whose waits return at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time, with a time zone."""

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Waits, at most until `stop` is set. Returns True if `stop` was set."""


class SystemClock:
    """The clock of the operating system."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.wait(seconds)


def timestamp(moment: datetime) -> str:
    """UTC with milliseconds, as in the context object and in result files: `2026-01-31T12:00:00.000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
