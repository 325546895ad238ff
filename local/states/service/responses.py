"""Records as responses of the API, in the shapes of the AWS Step Functions API Reference.

Times are seconds since the epoch, as the JSON protocol has them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from local.states.base import payloads, quotas
from local.states.base.payloads import JsonObject, JsonValue
from local.states.records.executions import RUNNING, SUCCEEDED, Execution, Machine
from local.states.records.map_runs import MapRun
from local.states.service.engine import StateMachine

Response = dict[str, JsonValue]

_DEFAULT_CONFIGURATION: JsonObject = {
    "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
    "tracingConfiguration": {"enabled": False},
}


def response(members: Mapping[str, JsonValue | datetime]) -> Response:
    """Omits members that are None, and converts times."""
    return {
        name: value.timestamp() if isinstance(value, datetime) else value
        for name, value in members.items()
        if value is not None
    }


def state_machine_item(state_machine: StateMachine) -> Response:
    """`StateMachineListItem`."""
    machine = state_machine.machine
    return response(
        {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "type": machine.kind,
            "creationDate": state_machine.created,
        }
    )


def state_machine_description(state_machine: StateMachine) -> Response:
    """`DescribeStateMachine`."""
    return {
        **state_machine_item(state_machine),
        "status": "ACTIVE",
        "definition": state_machine.text,
        "roleArn": state_machine.machine.role_arn,
        **({"revisionId": state_machine.machine.revision} if state_machine.machine.revision else {}),
        **_DEFAULT_CONFIGURATION,
        **state_machine.configuration,
    }


def state_machine_of_execution(execution: Execution, current: StateMachine | None) -> Response:
    """`DescribeStateMachineForExecution`. `current` is the state machine as it is now, unless it was deleted."""
    machine = execution.machine
    return {
        **_DEFAULT_CONFIGURATION,
        **(current.configuration if current else {}),
        **_executed_machine(execution, machine, current.updated if current else execution.started),
    }


def _executed_machine(execution: Execution, machine: Machine, updated: datetime) -> Response:
    return response(
        {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "definition": payloads.to_text(machine.definition),
            "roleArn": machine.role_arn,
            "updateDate": updated,
            "revisionId": machine.revision or None,
            "label": machine.label,
            "mapRunArn": execution.map_run_arn,
        }
    )


def execution_item(execution: Execution) -> Response:
    """`ExecutionListItem`."""
    return response(
        {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine.arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": execution.started,
            "stopDate": execution.stopped,
            "mapRunArn": execution.map_run_arn,
            "itemCount": execution.item_count,
            "redriveCount": 0,
        }
    )


def execution_description(execution: Execution) -> Response:
    """`DescribeExecution`."""
    item = execution_item(execution)
    item.pop("itemCount", None)
    output = execution.output_text
    return {
        **item,
        "input": execution.input_text,
        "inputDetails": {"included": True},
        **response(
            {
                "output": output,
                "outputDetails": None if output is None else {"included": True},
                "error": execution.error,
                "cause": execution.cause,
            }
        ),
        **_redrive(execution),
    }


def _redrive(execution: Execution) -> Response:
    """Whether the service could redrive the execution. RedriveExecution itself is refused here."""
    if execution.status not in (RUNNING, SUCCEEDED):
        return {"redriveStatus": "REDRIVABLE"}
    return {
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": f"Execution is {execution.status} and cannot be redriven",
    }


MILLISECONDS = 1000
_SYNC_EXECUTION_MEMBERS = (
    *("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate"),
    *("input", "inputDetails", "output", "outputDetails", "error", "cause"),
)


def sync_execution(execution: Execution) -> Response:
    """`StartSyncExecution`."""
    description = execution_description(execution)
    members = {name: description[name] for name in _SYNC_EXECUTION_MEMBERS if name in description}
    return {**members, "outputDetails": {"included": True}, "billingDetails": _billing(execution)}


def _billing(execution: Execution) -> Response:
    """What the service charges for an Express execution; its memory is not measured here."""
    elapsed = (execution.stopped or execution.started) - execution.started
    steps = max(1, math.ceil(elapsed.total_seconds() * MILLISECONDS / quotas.BILLED_MILLISECONDS))
    return {
        "billedDurationInMilliseconds": steps * quotas.BILLED_MILLISECONDS,
        "billedMemoryUsedInMB": quotas.BILLED_MEGABYTES,
    }


def map_run_item(run: MapRun) -> Response:
    """`MapRunListItem`."""
    return response(
        {
            "executionArn": run.execution_arn,
            "mapRunArn": run.arn,
            "stateMachineArn": run.machine.arn,
            "startDate": run.started,
            "stopDate": run.stopped,
        }
    )


def map_run_description(run: MapRun) -> Response:
    """`DescribeMapRun`."""
    with run.changed:
        item = map_run_item(run)
        del item["stateMachineArn"]
        return {
            **item,
            "status": run.status,
            "maxConcurrency": run.max_concurrency,
            "toleratedFailurePercentage": float(run.threshold.percentage or 0),
            "toleratedFailureCount": run.threshold.count or 0,
            "itemCounts": dict(run.items),
            "executionCounts": dict(run.executions),
        }
