"""The records as the API answers them. Moments are seconds since the epoch, as the JSON protocol has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from local.states.base import payloads
from local.states.records.executions import Execution
from local.states.records.map_runs import MapRun
from local.states.service.engine import StateMachine

Answer = dict[str, Any]


def present(answer: Answer) -> Answer:
    """Without what there is not, with moments as numbers."""
    return {
        name: value.timestamp() if isinstance(value, datetime) else value
        for name, value in answer.items()
        if value is not None
    }


def machine_item(machine: StateMachine) -> Answer:
    return present(
        {
            "stateMachineArn": machine.machine.arn,
            "name": machine.machine.name,
            "type": machine.machine.kind,
            "creationDate": machine.created,
        }
    )


def machine_description(machine: StateMachine) -> Answer:
    return {
        **machine_item(machine),
        "status": "ACTIVE",
        "definition": machine.text,
        "roleArn": machine.machine.role_arn,
        "revisionId": machine.machine.revision,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        **machine.configuration,
    }


def machine_of_execution(execution: Execution, updated: datetime) -> Answer:
    machine = execution.machine
    return present(
        {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "definition": payloads.text(machine.definition),
            "roleArn": machine.role_arn,
            "updateDate": updated,
            "revisionId": machine.revision or None,
            "label": machine.label,
            "mapRunArn": execution.map_run_arn,
        }
    )


def execution_item(execution: Execution) -> Answer:
    return present(
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


def execution_description(execution: Execution) -> Answer:
    item = execution_item(execution)
    item.pop("itemCount", None)
    output = execution.output_text
    return {
        **item,
        "input": execution.input_text,
        "inputDetails": {"included": True},
        **present(
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


_SYNC = (
    *("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate"),
    *("input", "inputDetails", "output", "outputDetails", "error", "cause"),
)


def sync_execution(execution: Execution) -> Answer:
    whole = execution_description(execution)
    return {name: whole[name] for name in _SYNC if name in whole}


def map_run_item(run: MapRun) -> Answer:
    return present(
        {
            "executionArn": run.execution_arn,
            "mapRunArn": run.arn,
            "stateMachineArn": run.machine.arn,
            "startDate": run.started,
            "stopDate": run.stopped,
        }
    )


def map_run_description(run: MapRun) -> Answer:
    with run.changed:
        item = map_run_item(run)
        del item["stateMachineArn"]
        return {
            **item,
            "status": run.status,
            "maxConcurrency": run.max_concurrency,
            "toleratedFailurePercentage": run.tolerance.percentage or 0,
            "toleratedFailureCount": run.tolerance.count or 0,
            "itemCounts": dict(run.items),
            "executionCounts": dict(run.executions),
            "redriveCount": 0,
        }
