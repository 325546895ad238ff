"""The end of an execution: what SummarizeRun needs to know about it, and the EventBridge event that announces it.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.runs import INTERRUPTED, Status, timestamp
from functions.core.model.types import CaughtError, ExecutionInput, RunFields
from functions.core.summary.reconciliation import BATCH_CRASHED

NO_CAUSE = "Step Functions gave no cause."

DEFAULT_CAUSES = {
    "FAILED": ("Unknown", NO_CAUSE),
    "TIMED_OUT": ("States.Timeout", "The execution exceeded the timeout of the state machine."),
    "ABORTED": ("Cancelled", "The execution was stopped."),
}
"""Error and cause for a status, where the event has none."""

_MISSING_OUTCOMES = {
    "TIMED_OUT": "The run timed out before an outcome of this row was recorded.",
    "ABORTED": "The run was cancelled before an outcome of this row was recorded.",
}
_INTERRUPTED = "The run was interrupted before an outcome of this row was recorded."
"""Messages for a row without an outcome. A batch that was killed may have stored its image: a retry skips it."""


def missing_outcome_of(record: RunFields) -> RowError:
    """The failure that the summary of an ended run gives to the rows without an outcome."""
    if record.get("error") == INTERRUPTED:
        return RowError(Reason.OUT_OF_TIME, _INTERRUPTED)
    status = "ABORTED" if record.get("status") == Status.CANCELLED else None
    if record.get("error") == DEFAULT_CAUSES["TIMED_OUT"][0]:
        status = "TIMED_OUT"
    return RowError(Reason.OUT_OF_TIME, _MISSING_OUTCOMES[status]) if status else BATCH_CRASHED


@dataclass(frozen=True, slots=True)
class WorkflowFailure:
    """Error name and cause of a run that failed."""

    error: str
    cause: str

    @classmethod
    def from_caught(cls, caught: CaughtError | None) -> "WorkflowFailure | None":
        """From the output of a Catch. The Cause of a Lambda function is JSON with an `errorMessage`."""
        if not caught:
            return None
        cause = str(caught.get("Cause") or "")
        with suppress(ValueError, KeyError, TypeError):
            cause = str(json.loads(cause)["errorMessage"])
        return cls(str(caught.get("Error") or "Unknown"), cause or NO_CAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedExecution:
    """An execution whose run is to be summarized.

    `failure` is None where the workflow itself did not fail. `missing_outcome` is the failure of every row for which no
    batch recorded an outcome.
    """

    input: ExecutionInput
    arn: str
    started_at: str
    failure: WorkflowFailure | None = None
    cancelled: bool = False
    missing_outcome: RowError = BATCH_CRASHED

    @property
    def has_late_batches(self) -> bool:
        """A local run that was interrupted has none: its functions ended before it."""
        return self.failure is not None and self.failure.error != INTERRUPTED


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A "Step Functions Execution Status Change" event. `input` is None where it is too large for the event."""

    execution_arn: str
    status: str
    input: ExecutionInput | None
    started_at: str
    error: str | None = None
    cause: str | None = None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "StatusChange":
        """From the event of a Standard execution. Raises KeyError for any other event."""
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

    def execution(self, execution_input: ExecutionInput) -> EndedExecution:
        error, cause = DEFAULT_CAUSES.get(self.status, DEFAULT_CAUSES["FAILED"])
        message = _INTERRUPTED if self.error == INTERRUPTED else _MISSING_OUTCOMES.get(self.status)
        return EndedExecution(
            input=execution_input,
            arn=self.execution_arn,
            started_at=self.started_at,
            failure=WorkflowFailure.from_caught({"Error": self.error or error, "Cause": self.cause or cause}),
            cancelled=self.status == "ABORTED",
            missing_outcome=RowError(Reason.OUT_OF_TIME, message) if message else BATCH_CRASHED,
        )
