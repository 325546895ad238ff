"""Records as responses of the API, in the shapes of the AWS Step Functions API Reference.

Times are seconds since the epoch, as the JSON protocol has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from local.states.base import payloads
from local.states.base.payloads import JsonValue
from local.states.records.executions import Execution
from local.states.records.map_runs import MapRun
from local.states.service.engine import StateMachine

Response = dict[str, JsonValue]


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
        "revisionId": state_machine.machine.revision,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        **state_machine.configuration,
    }


def state_machine_of_execution(execution: Execution, updated: datetime) -> Response:
    """`DescribeStateMachineForExecution`."""
    machine = execution.machine
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
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Redrive is not implemented",
    }


_SYNC_EXECUTION_MEMBERS = (
    *("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate"),
    *("input", "inputDetails", "output", "outputDetails", "error", "cause"),
)


def sync_execution(execution: Execution) -> Response:
    """`StartSyncExecution`."""
    description = execution_description(execution)
    return {name: description[name] for name in _SYNC_EXECUTION_MEMBERS if name in description}


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
            "toleratedFailurePercentage": run.threshold.percentage or 0,
            "toleratedFailureCount": run.threshold.count or 0,
            "itemCounts": dict(run.items),
            "executionCounts": dict(run.executions),
            "redriveCount": 0,
        }
