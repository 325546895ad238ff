"""Runs one execution from start to end, in the thread of the caller."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from local.states.base import quotas
from local.states.base.clock import timestamp
from local.states.base.errors import RUNTIME, StatesError, StoppedError, TimedOutError
from local.states.base.payloads import JsonValue
from local.states.records.executions import ABORTED, FAILED, SUCCEEDED, TIMED_OUT, Execution, Outcome
from local.states.run.interpreter import run_states
from local.states.run.scope import Scope
from local.states.run.services import Services

log = logging.getLogger(__name__)


def run_execution(execution: Execution, data: JsonValue, services: Services) -> None:
    """Runs the states and ends the execution, whatever happens. `data` is its parsed input."""
    scope = Scope(services, execution, execution.stop, _deadline(execution), _context(execution, data))
    scope.record_aside("ExecutionStarted", input=scope.input_text(data), roleArn=execution.machine.role_arn)
    services.publish_status(execution)
    services.end_execution(execution, _outcome(execution, data, scope), scope.last_event)


def _outcome(execution: Execution, data: JsonValue, scope: Scope) -> Outcome:
    try:
        return Outcome(SUCCEEDED, run_states(execution.machine.definition, data, scope))
    except StatesError as error:
        return Outcome(FAILED, None, error.name or None, error.cause or None)
    except TimedOutError:
        return Outcome(TIMED_OUT)
    except StoppedError:
        return Outcome(ABORTED)
    except Exception as error:
        log.exception("%s failed unexpectedly", execution.arn)
        return Outcome(FAILED, None, RUNTIME, f"{type(error).__name__}: {error}")


def _deadline(execution: Execution) -> datetime | None:
    seconds: int | None = execution.machine.definition.get("TimeoutSeconds")
    if execution.machine.kind == "EXPRESS":
        seconds = min(seconds or quotas.EXPRESS_SECONDS, quotas.EXPRESS_SECONDS)
    return None if seconds is None else execution.started + timedelta(seconds=seconds)


def _context(execution: Execution, data: JsonValue) -> dict[str, JsonValue]:
    """The context object. DG "Accessing execution data from the Context object"."""
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
