"""From the start of an execution to its end, in the thread of the caller."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from local.states.base import payloads
from local.states.base.clock import timestamp
from local.states.base.errors import StatesError, Stopped, TimedOut
from local.states.base.stop import Stop
from local.states.records.executions import ABORTED, FAILED, SUCCEEDED, TIMED_OUT, End, Execution
from local.states.records.status_change import detail
from local.states.run.interpreter import run
from local.states.run.scope import Scope, Services

EXPRESS_SECONDS = 300
_EVENTS = {
    SUCCEEDED: "ExecutionSucceeded",
    FAILED: "ExecutionFailed",
    TIMED_OUT: "ExecutionTimedOut",
    ABORTED: "ExecutionAborted",
}
log = logging.getLogger(__name__)


def perform(execution: Execution, data: Any, services: Services, stop: Stop) -> None:
    """Ends the execution, whatever happens. `data` is its input, parsed."""
    scope = Scope(services, execution, stop, _deadline(execution), _context(execution, data))
    scope.record("ExecutionStarted", input=scope.data(data), roleArn=execution.machine.role_arn)
    announce(execution, services)
    conclude(execution, _end(execution, data, scope), services, scope.last_event)


def conclude(execution: Execution, end: End, services: Services, last_event: int = 0) -> None:
    """Ends it unless it has ended already."""
    now = services.clock.now()
    output = payloads.text(end.output) if end.status == SUCCEEDED else None
    if not execution.end(end, now, output):
        return
    told = {"output": output, "error": end.error, "cause": end.cause}
    details = {name: value for name, value in told.items() if value}
    execution.history.close(_EVENTS[end.status], now, last_event, details)
    announce(execution, services)
    execution.done.set()


def announce(execution: Execution, services: Services) -> None:
    """Tells of a change of status; Express executions tell nobody."""
    if services.on_status_change is None or execution.machine.kind != "STANDARD":
        return
    try:
        services.on_status_change(detail(execution))
    except Exception:
        log.exception("the listener for status changes failed on %s", execution.arn)


def _end(execution: Execution, data: Any, scope: Scope) -> End:
    try:
        return End(SUCCEEDED, run(execution.machine.definition, data, scope))
    except StatesError as error:
        return End(FAILED, None, error.name, error.cause)
    except TimedOut:
        return End(TIMED_OUT, None, "States.Timeout")
    except Stopped:
        return End(ABORTED)
    except Exception as error:
        log.exception("%s failed", execution.arn)
        return End(FAILED, None, "States.Runtime", f"{type(error).__name__}: {error}")


def _deadline(execution: Execution) -> datetime | None:
    seconds = execution.machine.definition.get("TimeoutSeconds")
    if execution.machine.kind == "EXPRESS":
        seconds = min(seconds or EXPRESS_SECONDS, EXPRESS_SECONDS)
    return None if seconds is None else execution.started + timedelta(seconds=seconds)


def _context(execution: Execution, data: Any) -> dict[str, Any]:
    machine = execution.machine
    return {
        "Execution": {
            "Id": execution.arn,
            "Input": data,
            "Name": execution.name,
            "RoleArn": machine.role_arn,
            "StartTime": timestamp(execution.started),
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": machine.arn, "Name": machine.name},
    }
