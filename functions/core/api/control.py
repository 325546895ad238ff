"""Change a run that is under way: stop it, or let more or fewer of its batches run at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from functions.core.api.problems import Problem, conflict, not_found
from functions.core.model.ports import Executions, RunRegistry
from functions.core.model.runs import Status, timestamp

CANCELLED = "Cancelled"


class RunControl:
    """`now` is when it was asked."""

    def __init__(self, *, runs: RunRegistry, executions: Executions, now: datetime) -> None:
        self._runs = runs
        self._executions = executions
        self._now = now

    def cancel(self, run_id: str) -> None:
        """SummarizeRun hears of the end, and does the books. Raises Problem(404 | 409), InfrastructureError."""
        record = self._under_way(run_id)
        if not self._runs.update_unless_over(run_id, {"status": Status.CANCELLING.value}):
            raise _over(run_id)
        if not self._executions.stop(record["execution_arn"], CANCELLED, "The run was cancelled through the API."):
            ended = {"status": Status.CANCELLED.value, "ended_at": timestamp(self._now), "error": CANCELLED}
            self._runs.update_unless_over(run_id, ended)  # it never began, so nobody will hear of its end

    def set_concurrency(self, run_id: str, batches: int) -> None:
        """Raises Problem(404 | 409), InfrastructureError."""
        record = self._under_way(run_id)
        if not self._executions.set_concurrency(record["execution_arn"], batches):
            raise conflict(f"No batch of the run {run_id} is under way: its manifest is being read, or it is ending.")

    def _under_way(self, run_id: str) -> Mapping[str, Any]:
        record = self._runs.get(run_id)
        if record is None:
            raise not_found(f"There is no run {run_id}.")
        if "ended_at" in record or "execution_arn" not in record:
            raise _over(run_id)
        return record


def _over(run_id: str) -> Problem:
    return conflict(f"The run {run_id} is over.")
