"""What the engine provides to every execution: clients of other services, the clock, and the records."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from local.states.base import payloads
from local.states.base.arns import ArnBuilder
from local.states.base.clock import Clock
from local.states.base.payloads import JsonObject, JsonValue
from local.states.items.readers import LoadModule, import_parquet
from local.states.records.executions import (
    ABORTED,
    FAILED,
    SUCCEEDED,
    TIMED_OUT,
    Execution,
    Executions,
    Outcome,
)
from local.states.records.map_runs import MapRuns
from local.states.records.status_change import status_change_detail

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

_FINAL_EVENTS = {
    SUCCEEDED: "ExecutionSucceeded",
    FAILED: "ExecutionFailed",
    TIMED_OUT: "ExecutionTimedOut",
    ABORTED: "ExecutionAborted",
}


@dataclass(frozen=True)
class Invocation:
    """The response of a function. `error` is None, or Lambda's FunctionError; then the payload is
    `{"errorType": ..., "errorMessage": ..., ...}`. `version` is the version of the function that ran."""

    payload: JsonValue
    error: str | None = None
    version: str = "$LATEST"


Invoke = Callable[[str, JsonValue], Invocation]
"""Invokes a function by name or ARN with a payload. Raises InvocationRefusedError."""

Refusal = Callable[[str, str, str], str | None]
"""Why a role may not use an action on a resource; None if it may. All three are ARNs or names as in IAM policies."""

RunExecution = Callable[[Execution, JsonValue, "Services"], None]
"""Runs an execution to its end in the current thread; the value is its parsed input."""


class NestedExecutions(Protocol):
    """Executions that a Task starts; the engine implements them."""

    def start(self, machine_arn: str, input_text: str, name: str | None) -> Execution:
        """Raises ReportedError with the name of the API's error."""

    def stop(self, execution: Execution) -> None:
        """Stops an execution that may have ended."""


@dataclass(frozen=True)
class Services:
    """`max_children` limits the concurrent child executions of one Map Run. `closing` is set when the engine closes.
    `s3_of` returns the client of a role; `refusal` checks the calls of a role to other services.

    `run_execution` is `lifecycle.run_execution`, passed in because a distributed Map, which is below it, starts child
    executions.
    """

    s3_of: Callable[[str], S3Client]
    invoke: Invoke
    clock: Clock
    arns: ArnBuilder
    max_children: int
    map_runs: MapRuns
    executions: Executions
    closing: threading.Event
    on_status_change: Callable[[JsonObject], None] | None
    run_execution: RunExecution
    nested: NestedExecutions
    load_parquet: LoadModule = import_parquet
    refusal: Refusal = lambda role, action, resource: None

    def end_execution(self, execution: Execution, outcome: Outcome, last_event: int = 0) -> None:
        """Stores the outcome, closes the history and publishes the status, unless the execution has ended already."""
        now = self.clock.now()
        output = payloads.to_text(outcome.output) if outcome.status == SUCCEEDED else None
        if not execution.end(outcome, now, output):
            return
        fields = {"output": output, "error": outcome.error, "cause": outcome.cause}
        details = {name: value for name, value in fields.items() if value}
        execution.history.close(_FINAL_EVENTS[outcome.status], now, last_event, details)
        self.publish_status(execution)
        execution.done.set()

    def publish_status(self, execution: Execution) -> None:
        """Calls `on_status_change`. Express executions have no status change events, as in the service."""
        if self.on_status_change is None or execution.machine.kind != "STANDARD":
            return
        try:
            self.on_status_change(status_change_detail(execution))
        except Exception:
            log.exception("on_status_change failed for %s", execution.arn)
