"""The record of an execution: what DescribeExecution tells."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.states.base.stop import Stop
from local.states.language.definition import Definition
from local.states.records.history import History

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
TIMED_OUT = "TIMED_OUT"
ABORTED = "ABORTED"


@dataclass(frozen=True)
class Machine:
    """A state machine as one execution sees it: an update does not reach those that run."""

    arn: str
    name: str
    definition: Definition
    role_arn: str
    kind: str
    revision: str = ""
    label: str | None = None
    """Of the Map whose children run it."""


@dataclass(frozen=True)
class End:
    status: str
    output: Any = None
    error: str | None = None
    cause: str | None = None


@dataclass(eq=False)
class Execution:
    arn: str
    name: str
    machine: Machine
    input_text: str
    started: datetime
    history: History
    map_run_arn: str | None = None
    item_count: int | None = None
    status: str = RUNNING
    output_text: str | None = None
    error: str | None = None
    cause: str | None = None
    stopped: datetime | None = None
    stop: Stop = field(default_factory=Stop)
    done: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, end: End, now: datetime, output_text: str | None = None) -> bool:
        """Whether this was the end: only the first one counts."""
        with self._lock:
            if self.status != RUNNING:
                return False
            self.error, self.cause, self.output_text = end.error, end.cause, output_text
            self.stopped = now
            self.status = end.status
            return True


class Executions:
    """All executions by ARN, in the order of their start."""

    def __init__(self) -> None:
        self._by_arn: dict[str, Execution] = {}
        self._lock = threading.Lock()

    def add(self, execution: Execution) -> None:
        with self._lock:
            self._by_arn[execution.arn] = execution

    def get(self, arn: str) -> Execution | None:
        return self._by_arn.get(arn)

    def forget(self, arn: str) -> None:
        with self._lock:
            self._by_arn.pop(arn, None)

    def all(self) -> list[Execution]:
        with self._lock:
            return list(self._by_arn.values())
