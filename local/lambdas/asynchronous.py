"""Asynchronous invocations: queued, repeated when they fail or are throttled, and reported when that does not help.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: a function that fails is invoked
again after one and then two minutes; a throttled event returns to the queue, for 1 second at first and 5 minutes at
most.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.lambdas.concurrency import ThrottledError
from local.lambdas.function import FunctionConfig
from local.lambdas.sandbox import InvocationResult

EVENT_THREADS = 4
"""Number of threads for asynchronous invocations."""

FIRST_WAIT_SECONDS = 60.0
MAX_THROTTLED_SECONDS = 300.0
RETRIES_EXHAUSTED = "RetriesExhausted"
EVENT_AGE_EXCEEDED = "EventAgeExceeded"

log = logging.getLogger(__name__)


@dataclass(order=True)
class Event:
    """An asynchronous invocation. `due` and `received` are in seconds of the queue's clock; `result` is that of the
    last attempt. Any: a payload is any JSON value."""

    due: float
    number: int
    function: FunctionConfig = field(compare=False)
    payload: Any = field(compare=False)
    received: float = field(compare=False)
    attempts: int = field(default=0, compare=False)
    throttles: int = field(default=0, compare=False)
    result: InvocationResult | None = field(default=None, compare=False)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()), compare=False)

    def record(self, function_arn: str, condition: str) -> dict[str, Any]:
        """The message for an on-failure destination."""
        context = {
            "requestId": self.request_id,
            "functionArn": f"{function_arn}:{self.function.version}",
            "condition": condition,
            "approximateInvokeCount": self.attempts,
        }
        record = {
            "version": "1.0",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": context,
            "requestPayload": self.payload,
        }
        if self.result is not None:
            response = {"statusCode": 200, "executedVersion": self.function.version, "functionError": self.result.error}
            record |= {"responseContext": response, "responsePayload": self.result.payload}
        return record


Invoke = Callable[[FunctionConfig, Any], InvocationResult | None]
"""Invokes a function once; None where the host has been closed. Raises ThrottledError."""

OnFailure = Callable[[Event, str], object]
"""Receives an event that is not repeated any more, and the condition that ended it."""


def failed_wait(attempts: int) -> float:
    """Seconds before the next attempt, after this many that failed."""
    return FIRST_WAIT_SECONDS * attempts


def throttled_wait(throttles: int) -> float:
    """Seconds before the next attempt of an event that was throttled this many times."""
    return min(2.0 ** (throttles - 1), MAX_THROTTLED_SECONDS)


class EventQueue:
    """Invokes the events that are due, on its own threads, from construction to `close`.

    `retry_seconds` is the wait before the second attempt, 60 in AWS; the other waits are scaled with it.
    """

    def __init__(self, invoke: Invoke, on_failure: OnFailure, retry_seconds: float) -> None:
        self._invoke = invoke
        self._on_failure = on_failure
        self._scale = retry_seconds / FIRST_WAIT_SECONDS
        self._changed = threading.Condition()
        self._waiting: list[Event] = []
        self._received = self._ended = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"event-invocation-{number}", daemon=True)
            for number in range(EVENT_THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, function: FunctionConfig, payload: Any) -> bool:
        """Queue an event; False where the queue has been closed."""
        now = time.monotonic()
        with self._changed:
            self._received += 1
            heapq.heappush(self._waiting, Event(now, self._received, function, payload, now))
            self._changed.notify()
            return not self._closed

    def flush(self) -> None:
        """Return when every earlier event has ended, its retries included."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._ended == self._received)

    def close(self) -> None:
        """End without the events that wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (event := self._next()) is not None:
            repeated = False
            try:
                repeated = self._attempt(event)
            except Exception:  # an invocation that cannot be made must not end the thread
                log.exception("The asynchronous invocation of %s is lost", event.function.name)
            finally:
                self._put_back(event, repeated=repeated)

    def _next(self) -> Event | None:
        """Wait for the next event that is due; None when the queue has been closed."""
        with self._changed:
            while not self._closed:
                wait = self._waiting[0].due - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._waiting)
                self._changed.wait(wait)
        return None

    def _put_back(self, event: Event, *, repeated: bool) -> None:
        with self._changed:
            if repeated:
                heapq.heappush(self._waiting, event)
            else:
                self._ended += 1
            self._changed.notify_all()

    def _attempt(self, event: Event) -> bool:
        """Invoke once. True if the event is invoked again, at the time that is set."""
        try:
            event.result = self._invoke(event.function, event.payload)
        except ThrottledError:
            event.throttles += 1
            return self._is_repeated(event, throttled_wait(event.throttles))
        event.attempts += 1
        if event.result is None or event.result.error is None:
            return False
        if event.attempts > event.function.max_retries:
            self._on_failure(event, RETRIES_EXHAUSTED)
            return False
        return self._is_repeated(event, failed_wait(event.attempts))

    def _is_repeated(self, event: Event, wait: float) -> bool:
        event.due = time.monotonic() + wait * self._scale
        if event.due - event.received <= event.function.max_event_age_seconds:
            return True
        self._on_failure(event, EVENT_AGE_EXCEEDED)
        return False
