"""The end of an execution as EventBridge tells it: "Step Functions Execution Status Change".

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.runs import timestamp
from functions.core.summary.reconciliation import CRASHED

_ENDED_BEFORE = {
    "TIMED_OUT": "The run's time was over before the batch of the row had ended.",
    "ABORTED": "The run was cancelled before the batch of the row had ended.",
}
"""Of a row that has no outcome. An image may still arrive, if its batch was under way: a retry skips it."""

DEFAULT_CAUSES = {
    "FAILED": ("Unknown", "Step Functions gave no cause."),
    "TIMED_OUT": ("States.Timeout", "The run took longer than the state machine lets a run take."),
    "ABORTED": ("Cancelled", "The execution was stopped."),
}
"""Error and cause where the event has none."""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """`input` is None where the event leaves it out: it would have been too large an event."""

    execution_arn: str
    status: str
    input: Mapping[str, Any] | None
    started_at: str
    error: str | None = None
    cause: str | None = None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "StatusChange":
        """Of a STANDARD execution. Raises KeyError where it is no such event."""
        detail = event["detail"]
        included = (detail.get("inputDetails") or {}).get("included", True) and detail.get("input") is not None
        return cls(
            execution_arn=detail["executionArn"],
            status=detail["status"],
            input=json.loads(detail["input"]) if included else None,
            started_at=timestamp(datetime.fromtimestamp(detail["startDate"] / 1000, UTC)),
            error=detail.get("error"),
            cause=detail.get("cause"),
        )

    @property
    def cancelled(self) -> bool:
        return self.status == "ABORTED"

    @property
    def missing(self) -> RowError:
        """Why a row has no outcome."""
        message = _ENDED_BEFORE.get(self.status)
        return RowError(Reason.OUT_OF_TIME, message) if message else CRASHED

    @property
    def failure(self) -> dict[str, str]:
        """As a Catch hands it over."""
        error, cause = DEFAULT_CAUSES.get(self.status, DEFAULT_CAUSES["FAILED"])
        return {"Error": self.error or error, "Cause": self.cause or cause}
