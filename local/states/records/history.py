"""The event history of one execution, in the shape of GetExecutionHistory."""

from __future__ import annotations

import json
import threading
import zlib
from datetime import datetime

from local.states.base import quotas
from local.states.base.errors import RUNTIME, StatesError
from local.states.base.payloads import JsonObject, JsonValue

Event = dict[str, JsonValue]
"""`id`, `previousEventId`, `timestamp` in seconds since the epoch, `type`, and the details under the name that
belongs to the type, such as `taskFailedEventDetails`. API "HistoryEvent"."""

_DETAILS_FIELDS = {
    "StateEntered": "stateEnteredEventDetails",
    "StateExited": "stateExitedEventDetails",
}
"""Types, by their last words, that share a details field."""

_WITH_EMPTY_DETAILS = "Execution"
"""Types that begin so have a details field even if it is empty."""

_TEXT_FIELDS = ("input", "output")
"""Details that are JSON texts; `inputDetails` and `outputDetails` say that they are complete."""


def _details_field(event_type: str) -> str:
    for suffix, field in _DETAILS_FIELDS.items():
        if event_type.endswith(suffix):
            return field
    return f"{event_type[0].lower()}{event_type[1:]}EventDetails"


class History:
    """The events of a Standard execution. That of an Express execution is disabled and stays empty: the service sends
    its events to CloudWatch Logs."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self._closed = False
        self._uncollected = 0
        self._compressed = b""
        """The events as JSON, once the history is closed: it is kept much longer than it is used."""

    @property
    def enabled(self) -> bool:
        return self._enabled

    def add(self, event_type: str, now: datetime, previous_id: int, details: JsonObject) -> int:
        """Returns the ID of the event, or 0 after the end. Raises `States.Runtime` when the history is full.

        A disabled history counts its events, because error messages name them.
        """
        with self._lock:
            if self._closed:
                return 0
            if not self._enabled:
                self._uncollected += 1
                return self._uncollected
            if len(self._events) >= quotas.MAX_HISTORY_EVENTS - 1:
                raise StatesError(
                    RUNTIME, f"The execution reached the maximum of {quotas.MAX_HISTORY_EVENTS} history events."
                )
            return self._append(event_type, now, previous_id, details)

    def close(self, event_type: str, now: datetime, previous_id: int, details: JsonObject) -> None:
        """Adds the last event; after StopExecution it follows none. Threads that still run add nothing after it."""
        with self._lock:
            if self._closed:
                return
            if self._enabled:
                self._append(event_type, now, previous_id, details)
            self._closed = True
            self._compressed = zlib.compress(json.dumps(self._events).encode())
            self._events = []

    def _append(self, event_type: str, now: datetime, previous_id: int, details: JsonObject) -> int:
        event: Event = {
            "id": len(self._events) + 1,
            "previousEventId": previous_id,
            "timestamp": now.timestamp(),
            "type": event_type,
        }
        if details or event_type.startswith(_WITH_EMPTY_DETAILS):
            complete = {f"{name}Details": {"truncated": False} for name in _TEXT_FIELDS if name in details}
            event[_details_field(event_type)] = {**details, **complete}
        self._events.append(event)
        return len(self._events)

    def events(self) -> list[Event]:
        with self._lock:
            if not self._closed:
                return list(self._events)
            events: list[Event] = json.loads(zlib.decompress(self._compressed))
            return events
