"""The record of an execution, as DescribeExecution returns it, and of the state machine that it runs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

from local.states.base.payloads import JsonValue
from local.states.base.stop import StopSignal
from local.states.language.definition import Definition
from local.states.records.history import History
from local.states.records.recent import Recent

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
TIMED_OUT = "TIMED_OUT"
ABORTED = "ABORTED"


@dataclass(frozen=True)
class Machine:
    """One revision of a state machine, or the item processor of a Map Run. An update does not change the revision that
    running executions have."""

    arn: str
    name: str
    definition: Definition
    role_arn: str
    kind: str
    """STANDARD or EXPRESS."""
    revision: str = ""
    label: str | None = None
    """The Label of the Map state, for an item processor."""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended: its status, and the output or the error."""

    status: str
    output: JsonValue = None
    error: str | None = None
    cause: str | None = None


@dataclass(eq=False)
class Execution:
    """`input_text` and `output_text` are JSON. `map_run_arn` and `item_count` are set for child executions only.

    `stop` ends its threads, `done` is set after its end.
    """

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
    stop: StopSignal = field(default_factory=StopSignal)
    done: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, outcome: Outcome, now: datetime, output_text: str | None = None) -> bool:
        """Stores the outcome. Returns False, and changes nothing, if the execution has ended already."""
        with self._lock:
            if self.status != RUNNING:
                return False
            self.error, self.cause, self.output_text = outcome.error, outcome.cause, output_text
            self.stopped = now
            self.status = outcome.status
            return True


Executions = Recent[Execution]
"""The executions of an engine."""
