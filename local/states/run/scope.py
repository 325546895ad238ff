"""What a line of control has at hand while it goes through states."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.states.base import payloads
from local.states.base.arns import Arns
from local.states.base.clock import Clock, timestamp
from local.states.base.errors import StatesError, Stopped, TimedOut
from local.states.base.stop import Stop
from local.states.language.paths import Sources
from local.states.records.executions import Execution, Executions
from local.states.records.map_runs import MapRuns
from local.states.run.invocation import Invoke


@dataclass(frozen=True)
class Services:
    s3: Any
    invoke: Invoke
    clock: Clock
    arns: Arns
    max_children: int
    map_runs: MapRuns
    executions: Executions
    closing: threading.Event
    on_status_change: Callable[[dict[str, Any]], None] | None


@dataclass
class Scope:
    """One for an execution, and one below it for every branch and iteration."""

    services: Services
    execution: Execution
    stop: Stop
    deadline: datetime | None
    context: dict[str, Any] = field(default_factory=dict)
    last_event: int = 0

    def below(self, stop: Stop, more: Mapping[str, Any] | None = None) -> Scope:
        return Scope(
            self.services, self.execution, stop, self.deadline, {**self.context, **(more or {})}, self.last_event
        )

    def sources(self, data: Any) -> Sources:
        return Sources(data, self.context)

    def enter(self, name: str, retries: int) -> None:
        entered = timestamp(self.services.clock.now())
        self.context["State"] = {"EnteredTime": entered, "Name": name, "RetryCount": retries}

    def record(self, kind: str, **details: Any) -> None:
        history = self.execution.history
        if history.kept:
            now = self.services.clock.now()
            self.last_event = history.add(kind, now, self.last_event, details)

    def data(self, value: Any) -> str:
        """JSON text for the history, where there is one."""
        return payloads.text(value) if self.execution.history.kept else ""

    def check(self) -> None:
        """Raises Stopped or TimedOut."""
        if self.stop:
            raise Stopped
        if self.deadline is not None and self.services.clock.now() >= self.deadline:
            raise TimedOut

    def pause(self, seconds: float) -> None:
        """Raises Stopped or TimedOut."""
        self.check()
        left = self._left()
        if self.services.clock.wait(seconds if left is None else min(seconds, left), self.stop.event):
            raise Stopped
        if left is not None and seconds >= left:
            raise TimedOut

    def await_event(self, done: threading.Event, begun: datetime, timeout: float | None) -> None:
        """Waits for something that happens in the real world, so in real time whatever the clock; whether it
        was in time is the clock's word. Raises Stopped, TimedOut or `States.Timeout`."""
        with self.stop.watched(done.set):
            while not done.wait(self._patience(begun, timeout)):
                self._check_time(begun, timeout)
        if self.stop:
            raise Stopped
        self._check_time(begun, timeout)

    def await_condition(self, condition: threading.Condition, holds: Callable[[], bool]) -> None:
        """Waits, holding the condition, until something holds. Raises Stopped or TimedOut."""
        with self.stop.watched(lambda: _notify(condition)):
            while not holds():
                self.check()
                left = self._left()
                condition.wait(None if left is None else max(0.0, left))
            self.check()  # what holds may hold because everything was stopped

    def _check_time(self, begun: datetime, timeout: float | None) -> None:
        left = self._left()
        if left is not None and left <= 0:
            raise TimedOut
        if timeout is not None and self._used(begun) >= timeout:
            raise StatesError("States.Timeout", f"The task did not end within {timeout:g} seconds.")

    def _patience(self, begun: datetime, timeout: float | None) -> float | None:
        left = self._left()
        limits = [] if left is None else [left]
        if timeout is not None:
            limits.append(timeout - self._used(begun))
        return max(0.0, min(limits)) if limits else None

    def _used(self, begun: datetime) -> float:
        return (self.services.clock.now() - begun).total_seconds()

    def _left(self) -> float | None:
        if self.deadline is None:
            return None
        return (self.deadline - self.services.clock.now()).total_seconds()


def _notify(condition: threading.Condition) -> None:
    with suppress(RuntimeError), condition:
        condition.notify_all()
