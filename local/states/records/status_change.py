"""The detail of EventBridge's "Step Functions Execution Status Change"."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from local.states.records.executions import Execution

LIMIT = 248 * 1024
"""Bytes of escaped input and output; above it the input is left out, and the output if it alone is above."""


def detail(execution: Execution) -> dict[str, Any]:
    text, output = execution.input_text, execution.output_text
    keep_output = output is None or _escaped(output) <= LIMIT
    keep_input = _escaped(text) + (_escaped(output) if output is not None and keep_output else 0) <= LIMIT
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": _milliseconds(execution.started),
        "stopDate": _milliseconds(execution.stopped),
        "input": text if keep_input else None,
        "inputDetails": {"included": keep_input},
        "output": output if keep_output else None,
        "outputDetails": None if output is None else {"included": keep_output},
        "error": execution.error,
        "cause": execution.cause,
    }


def _escaped(text: str) -> int:
    return len(json.dumps(text))


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
