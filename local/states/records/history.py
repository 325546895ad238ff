"""The events of one execution, in the shape GetExecutionHistory answers with."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from local.states.base.errors import StatesError

MAX_EVENTS = 25_000
_DETAILS = {
    "StateEntered": "stateEnteredEventDetails",
    "StateExited": "stateExitedEventDetails",
}


def _details_name(kind: str) -> str:
    for end, name in _DETAILS.items():
        if kind.endswith(end):
            return name
    return f"{kind[0].lower()}{kind[1:]}EventDetails"


class History:
    """An Express execution keeps none: its events go to CloudWatch Logs."""

    def __init__(self, *, kept: bool) -> None:
        self._kept = kept
        self._events: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._closed = False

    @property
    def kept(self) -> bool:
        return self._kept

    def add(self, kind: str, now: datetime, previous: int, details: dict[str, Any]) -> int:
        """The event's id. Raises `States.Runtime` when the history is full."""
        with self._lock:
            if not self._kept or self._closed:
                return 0
            if len(self._events) >= MAX_EVENTS - 1:
                raise StatesError("States.Runtime", f"The history reached its maximum of {MAX_EVENTS} events.")
            return self._append(kind, now, previous, details)

    def close(self, kind: str, now: datetime, previous: int, details: dict[str, Any]) -> None:
        """The last event: threads that have not noticed the end yet add nothing after it."""
        with self._lock:
            if self._kept and not self._closed:
                self._append(kind, now, previous or len(self._events), details)
            self._closed = True

    def _append(self, kind: str, now: datetime, previous: int, details: dict[str, Any]) -> int:
        event: dict[str, Any] = {
            "id": len(self._events) + 1,
            "previousEventId": previous,
            "timestamp": now.timestamp(),
            "type": kind,
        }
        if details:
            event[_details_name(kind)] = details
        self._events.append(event)
        return len(self._events)

    def events(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._events)
