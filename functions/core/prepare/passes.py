"""PlanPass: whether the rows that wait are tried again, and when. It runs after the Map over the manifest, and after
each pass."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from functions.core.model.limits import PASS_SECONDS
from functions.core.model.ports import PassFiles, RunRecords
from functions.core.model.runs import PLAN_FILES, pass_folder, timestamp
from functions.core.model.types import PassPlan, PlannedPass, PreparedState

PLANNED, NONE = "planned", "none"
"""Values of `status` of a PlannedPass."""

IDLE_SECONDS = 4 * 3600.0
"""Time without a row that ends after which no more passes are planned. It is compared after a pass, so that a host
which asks for a longer wait is waited for once."""

PROGRESS_SECONDS = 5.0
"""Minimum wait before a pass if fewer rows wait than before the last one, in seconds."""

END_SECONDS = 1800.0
"""Time at the end of a run in which no pass starts, in seconds: for its batches (5 minutes each) and the summary."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The rows that wait for a pass, and the earliest time at which one may be tried."""

    rows: int
    not_before: float


class PassPlanner:
    """Logic of PlanPass, for one run. `clock` returns seconds since the epoch, `run_seconds` is the time of a run.

    `pass_seconds` is the minimum wait before a pass if the last one had no success.
    """

    def __init__(
        self,
        *,
        files: PassFiles,
        records: RunRecords,
        run_seconds: float,
        clock: Callable[[], float],
        pass_seconds: float = PASS_SECONDS,
    ) -> None:
        self._files = files
        self._records = records
        self._run_seconds = run_seconds
        self._clock = clock
        self._pass_seconds = pass_seconds

    def plan(self, state: PreparedState, started_at: str) -> PreparedState:
        """The state of the workflow for the next pass. Raises StorageFault, TableFault."""
        before, now = state.get("planned_pass"), self._clock()
        number = before["number"] + 1 if before else 1
        waiting = self._waiting(number)
        has_progress = before is None or waiting.rows < before["rows"]
        minimum = min(self._pass_seconds, PROGRESS_SECONDS) if has_progress else self._pass_seconds
        planned: PlannedPass = {
            "number": number,
            "status": NONE,
            "rows": waiting.rows,
            "prefix": f"runs/{state['run']['id']}/{pass_folder(number)}/part-",
            "wait_seconds": math.ceil(max(minimum, waiting.not_before - now)),
            "progress_at": now if before is None or has_progress else before["progress_at"],
        }
        if waiting.rows:
            end = datetime.fromisoformat(started_at).timestamp() + self._run_seconds
            note = self._end_of_passes(state, planned, now, end)
            if note:
                self._records.update(state["run"]["id"], {"pass_note": note})
            else:
                return self._planned(state, planned, now)
        return {**state, "planned_pass": planned}

    def _waiting(self, number: int) -> _Waiting:
        rows, not_before = 0, math.inf
        for file in self._files.pass_files(number):
            rows += file.rows
            if file.rows:
                not_before = min(not_before, file.not_before)
        return _Waiting(rows, not_before if rows else 0.0)

    def _end_of_passes(self, state: PreparedState, planned: PlannedPass, now: float, end: float) -> str:
        """Why the rows that wait are not tried again; empty if they are."""
        rows = "1 row was" if planned["rows"] == 1 else f"{planned['rows']:,} rows were"
        if planned["number"] > state["passes"]:
            return f"{rows} not tried again, because all passes of the run were used (passes={state['passes']})."
        if now + planned["wait_seconds"] > end - min(END_SECONDS, self._run_seconds / 2):
            return f"{rows} not tried again, because the time of the run ends before their host may be asked."
        if now - planned["progress_at"] > IDLE_SECONDS:
            return f"{rows} not tried again, because no row ended in the last {IDLE_SECONDS / 3600:g} hours."
        return ""

    def _planned(self, state: PreparedState, planned: PlannedPass, now: float) -> PreparedState:
        run_id, number = state["run"]["id"], planned["number"]
        starts_at = timestamp(datetime.fromtimestamp(now + planned["wait_seconds"], UTC))
        plan: PassPlan = {"number": number, "rows": planned["rows"], "starts_at": starts_at}
        self._files.write(f"{PLAN_FILES}{number:04d}.jsonl", [dict(plan)])
        self._records.update(run_id, {"pass_number": number, "pass_rows": planned["rows"], "pass_starts_at": starts_at})
        record = self._records.get(run_id) or {"run_id": run_id}
        return {
            **state,
            "planned_pass": {**planned, "status": PLANNED},
            # it may have been changed through the API, or by other runs
            "max_concurrency": record.get("max_concurrency", state["max_concurrency"]),
            "map_prefix": f"runs/{run_id}/map/pass-{number}",
        }
