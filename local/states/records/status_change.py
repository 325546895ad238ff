"""The detail of EventBridge's "Step Functions Execution Status Change".

DG "Automating Step Functions event delivery with EventBridge".
"""

from __future__ import annotations

import json
from datetime import datetime

from local.states.base import quotas
from local.states.base.payloads import JsonValue
from local.states.records.executions import Execution


def status_change_detail(execution: Execution) -> dict[str, JsonValue]:
    """Times are in milliseconds since the epoch.

    The output is omitted if it is too large alone; the input if it is too large together with the included output.
    """
    input_text, output = execution.input_text, execution.output_text
    limit = quotas.MAX_STATUS_CHANGE_BYTES
    include_output = output is None or _escaped_size(output) <= limit
    output_size = _escaped_size(output) if output is not None and include_output else 0
    include_input = _escaped_size(input_text) + output_size <= limit
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": _milliseconds(execution.started),
        "stopDate": _milliseconds(execution.stopped),
        "input": input_text if include_input else None,
        "inputDetails": {"included": include_input},
        "output": output if include_output else None,
        "outputDetails": None if output is None else {"included": include_output},
        "error": execution.error,
        "cause": execution.cause,
    }


def _escaped_size(text: str) -> int:
    return len(json.dumps(text))


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
