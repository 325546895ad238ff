"""The state of one thread of control while it runs through states."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from local.states.base import payloads
from local.states.base.clock import timestamp
from local.states.base.errors import TIMEOUT, ReportedError, StoppedError, TimedOutError
from local.states.base.payloads import JsonObject, JsonValue
from local.states.base.stop import StopSignal
from local.states.language.paths import Sources
from local.states.records.executions import Execution
from local.states.run.services import Services

_RETRIABLE = ("Task", "Parallel", "Map")


@dataclass
class Scope:
    """One scope for an execution, and one below it for every branch and iteration.

    `deadline` is the end of the total time of the execution, None without a limit; `context` is the context object,
    `last_event` the ID of the history event that the next one follows, `closing_event` that of the event which closes
    a branch and which no event of the branch follows.
    """

    services: Services
    execution: Execution
    stop: StopSignal
    deadline: datetime | None
    context: dict[str, JsonValue] = field(default_factory=dict)
    last_event: int = 0
    closing_event: int = 0
    state_type: str = ""
    """The type of the state that was entered last."""

    def child(self, stop: StopSignal, last_event: int) -> Scope:
        """A scope for a branch or an iteration, whose first event follows `last_event`."""
        return Scope(self.services, self.execution, stop, self.deadline, dict(self.context), last_event)

    def sources(self, data: JsonValue) -> Sources:
        return Sources(data, self.context)

    # ---- context object and history ----

    def enter_state(self, name: str, state_type: str, retry_count: int) -> None:
        """The context object of a state that can be retried has the number of retries."""
        self.state_type = state_type
        entered = timestamp(self.services.clock.now())
        retries: JsonObject = {"RetryCount": retry_count} if state_type in _RETRIABLE else {}
        self.context = {**self.context, "State": {"EnteredTime": entered, "Name": name, **retries}}

    def record(self, event_type: str, **details: JsonValue) -> None:
        """Adds an event to the history, which the next one follows. Raises `States.Runtime` when it is full."""
        self.last_event = self.record_aside(event_type, **details)

    def record_aside(self, event_type: str, **details: JsonValue) -> int:
        """Adds an event that no other event of this thread of control follows. Returns its ID."""
        return self.execution.history.add(event_type, self.services.clock.now(), self.last_event, details)

    def history_text(self, value: JsonValue) -> str:
        """JSON for an event; an empty string if the execution has no history."""
        return payloads.to_text(value) if self.execution.history.enabled else ""

    def input_text(self, value: JsonValue) -> str:
        """Like `history_text`. The input of the execution keeps the spaces that it was started with."""
        is_execution_input = value is self.execution_input and isinstance(value, (dict, list))
        return self.execution.input_text if is_execution_input else self.history_text(value)

    @property
    def execution_input(self) -> JsonValue:
        execution = self.context["Execution"]
        return execution.get("Input") if isinstance(execution, dict) else None

    # ---- time limits and stop signals ----

    def check(self) -> None:
        """Raises StoppedError or TimedOutError."""
        if self.stop:
            raise StoppedError
        if self.deadline is not None and self.services.clock.now() >= self.deadline:
            raise TimedOutError

    def sleep(self, seconds: float) -> None:
        """Raises StoppedError or TimedOutError."""
        self.check()
        remaining = self._remaining()
        if self.services.clock.wait(seconds if remaining is None else min(seconds, remaining), self.stop.event):
            raise StoppedError
        if remaining is not None and seconds >= remaining:
            raise TimedOutError

    def wait_for_event(self, event: threading.Event, started: datetime, timeout: float | None) -> None:
        """Waits for an event outside the interpreter, such as the response of a function.

        The wait takes real time, also with a fake clock; the clock decides if the event was in time. `timeout` is in
        seconds after `started`. Raises StoppedError, TimedOutError or `States.Timeout`.
        """
        with self.stop.calling(event.set):
            while not event.wait(self._seconds_to_wait(started, timeout)):
                self._check_time(started, timeout)
        if self.stop:
            raise StoppedError
        self._check_time(started, timeout)

    def wait_for_condition(self, condition: threading.Condition, predicate: Callable[[], bool]) -> None:
        """Waits, with the condition held, until the predicate is true. Raises StoppedError or TimedOutError."""
        with self.stop.calling(lambda: _notify(condition)):
            while not predicate():
                self.check()
                remaining = self._remaining()
                condition.wait(None if remaining is None else max(0.0, remaining))
            self.check()  # the predicate may be true because everything was stopped

    def _check_time(self, started: datetime, timeout: float | None) -> None:
        remaining = self._remaining()
        if remaining is not None and remaining <= 0:
            raise TimedOutError
        if timeout is not None and self._elapsed(started) >= timeout:
            raise ReportedError(TIMEOUT)

    def _seconds_to_wait(self, started: datetime, timeout: float | None) -> float | None:
        remaining = self._remaining()
        limits = [] if remaining is None else [remaining]
        if timeout is not None:
            limits.append(timeout - self._elapsed(started))
        return max(0.0, min(limits)) if limits else None

    def _elapsed(self, started: datetime) -> float:
        return (self.services.clock.now() - started).total_seconds()

    def _remaining(self) -> float | None:
        """Seconds until the deadline; None without one."""
        if self.deadline is None:
            return None
        return (self.deadline - self.services.clock.now()).total_seconds()


def _notify(condition: threading.Condition) -> None:
    with suppress(RuntimeError), condition:
        condition.notify_all()
