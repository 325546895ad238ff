"""Control of a run in progress: cancel it, or change the number of its concurrent batches."""

from datetime import datetime

from functions.core.api.problems import Problem, conflict, not_found
from functions.core.model.ports import Executions, RunRegistry
from functions.core.model.runs import Status, timestamp
from functions.core.model.types import RunFields, RunRecord

CANCELLED = "Cancelled"
"""Error name of a cancelled execution."""


class RunControl:
    """`now` is the time of the request."""

    def __init__(self, *, runs: RunRegistry, executions: Executions, now: datetime) -> None:
        self._runs = runs
        self._executions = executions
        self._now = now

    def cancel(self, run_id: str) -> None:
        """Stops the execution; its status change event makes SummarizeRun complete the run.

        Raises Problem(404 | 409), InfrastructureError.
        """
        record = self._active_record(run_id)
        if not self._runs.update_unless_over(run_id, {"status": Status.CANCELLING.value}):
            raise _already_ended(run_id)
        if not self._executions.stop(record["execution_arn"], CANCELLED, "The run was cancelled through the API."):
            # The execution never started, so there is no status change event.
            end: RunFields = {
                "status": Status.CANCELLED.value,
                "ended_at": timestamp(self._now),
                "error": CANCELLED,
            }
            self._runs.update_unless_over(run_id, end)

    def set_concurrency(self, run_id: str, batches: int) -> None:
        """Raises Problem(404 | 409), InfrastructureError."""
        record = self._active_record(run_id)
        if not self._executions.set_concurrency(record["execution_arn"], batches):
            raise conflict(
                f"Run {run_id} has no running batches: it is validating its manifest, waiting for a pass or finishing."
            )
        # Later runs respect it: they lower it where the account needs that, and never raise it above this number.
        change: RunFields = {
            "max_concurrency": batches,
            "requested_concurrency": batches,
            "concurrency_note": None,
        }
        self._runs.update_unless_over(run_id, change)

    def _active_record(self, run_id: str) -> RunRecord:
        record = self._runs.get(run_id)
        if record is None:
            raise not_found(f"Run {run_id} does not exist.")
        if "ended_at" in record or "execution_arn" not in record:
            raise _already_ended(run_id)
        return record


def _already_ended(run_id: str) -> Problem:
    return conflict(f"Run {run_id} has already ended.")
