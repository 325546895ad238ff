"""Time, as the interpreter sees it: a test puts its own in."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware."""

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Whether `stop` was set before the seconds were over."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.wait(seconds)


def timestamp(moment: datetime) -> str:
    """As the context object and the result files write it: `2026-01-31T12:00:00.000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
