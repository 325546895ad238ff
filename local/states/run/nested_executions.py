"""The optimized integration `states:startExecution.sync:2`: starts another state machine and waits for its end.

DG "Start a new AWS Step Functions state machine from a running execution". The JSON of input and output is parsed.
"""

from __future__ import annotations

import json
import threading

from local.states.base import payloads
from local.states.base.errors import RUNTIME, TASK_FAILED, ReportedError, StatesError
from local.states.base.payloads import JsonObject, JsonValue
from local.states.records.executions import SUCCEEDED, Execution
from local.states.run.responses import sdk_metadata
from local.states.run.scope import Scope

MILLISECONDS = 1000


def start_and_wait(arn: str, parameters: JsonValue, scope: Scope, timeout: float | None) -> JsonValue:
    """The description of the ended execution. Raises `States.TaskFailed` with it as the cause if it failed, and
    stops the execution if this one is stopped or exceeds its timeout."""
    started = scope.services.clock.now()
    execution = _start(parameters if isinstance(parameters, dict) else {}, scope)
    scope.record(
        "TaskSubmitted",
        resourceType="states",
        resource="startExecution.sync:2",
        output=scope.history_text(_start_response(execution)),
    )
    try:
        scope.wait_for_event(_end_of(execution), started, timeout)
    except BaseException:
        scope.services.nested.stop(execution)
        raise
    description = _description(execution)
    if execution.status != SUCCEEDED:
        raise ReportedError(TASK_FAILED, payloads.to_text(description))
    return description


def _end_of(execution: Execution) -> threading.Event:
    """Set when the execution has ended, or by the waiting scope when that is stopped."""
    ended = threading.Event()

    def wait() -> None:
        execution.done.wait()
        ended.set()

    threading.Thread(target=wait, name="nested execution", daemon=True).start()
    return ended


def _start(parameters: JsonObject, scope: Scope) -> Execution:
    machine, data, name = parameters.get("StateMachineArn"), parameters.get("Input"), parameters.get("Name")
    if not isinstance(machine, str) or not isinstance(name, str | None):
        raise StatesError(RUNTIME, "StateMachineArn and Name must be strings")
    text = data if isinstance(data, str) else payloads.to_text({} if data is None else data)
    return scope.services.nested.start(machine, text, name)


def _start_response(execution: Execution) -> JsonObject:
    members: JsonObject = {"ExecutionArn": execution.arn, "StartDate": _milliseconds(execution.started.timestamp())}
    return {**members, **sdk_metadata("application/x-amz-json-1.0", payloads.size(members))}


def _description(execution: Execution) -> JsonObject:
    """The members of DescribeExecution, which begin with a capital letter here."""
    output = execution.output_text
    redrivable = execution.status != SUCCEEDED
    members: dict[str, JsonValue] = {
        "Cause": execution.cause,
        "Error": execution.error,
        "ExecutionArn": execution.arn,
        "Input": json.loads(execution.input_text),
        "InputDetails": {"Included": True},
        "Name": execution.name,
        "Output": None if output is None else json.loads(output),
        "OutputDetails": None if output is None else {"Included": True},
        "RedriveCount": 0,
        "RedriveStatus": "REDRIVABLE" if redrivable else "NOT_REDRIVABLE",
        "RedriveStatusReason": None if redrivable else f"Execution is {execution.status} and cannot be redriven",
        "StartDate": _milliseconds(execution.started.timestamp()),
        "StateMachineArn": execution.machine.arn,
        "Status": execution.status,
        "StopDate": _milliseconds(execution.stopped.timestamp()) if execution.stopped else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _milliseconds(seconds: float) -> int:
    return int(seconds * MILLISECONDS)
