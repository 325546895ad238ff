"""The rows of a batch that go on to the next pass, because the time of the child execution is over.

A row that its host limits, or for which there was no time, goes on as often as needed. A row that failed, or whose host
failed, goes on for a limited number of times, with growing waits.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from functions.core.download.batch_results import DeferredRow
from functions.core.model.errors import RowError
from functions.core.model.limits import PASS_SECONDS
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.model.types import BatchItem, DeferredItem, RecordedError

MAX_FAILED_PASSES = 5
"""Number of passes of a row that fails. It waits for 1, 2, 4, 8 and 16 minutes, 31 in all: so a host that is down for
20 minutes loses no row, and one that does not exist holds its run for half an hour."""

MAX_DOUBLINGS_OF_LIMITS = 4
"""How often the wait for a host doubles that limits requests and does not say for how long: up to 16 minutes."""

NOT_A_ROW: DeferredItem = {
    "row": -1,
    "item": None,
    "tried": 0,
    "failed_passes": 0,
    "not_before": 0.0,
    "error": {"reason": "", "message": "", "http_status": None},
}
"""The line of a pass file without rows. It replaces the file of an attempt that was stopped after it had written it."""


@dataclass(frozen=True, slots=True)
class Passes:
    """Decides which rows go on to the next pass, and until when they wait. `seconds` is the unit of the waits.

    `clock` returns seconds since the epoch. Times are rounded up to a multiple of `seconds`, so that rows whose waits
    differ by less are tried in one pass.
    """

    options: Options
    seconds: float = PASS_SECONDS
    clock: Callable[[], float] = time.time

    def deferred_item(
        self, row: DeferredRow, item: object, *, pass_number: int, attempts: int, failed_passes: int
    ) -> DeferredItem | None:
        """The row as an item of the pass after `pass_number`; None if it fails now."""
        failed = row.error.reason is not Reason.OUT_OF_TIME and not row.awaits_turn
        if pass_number >= self.options.passes or (self.options.rounds == 1 and failed):
            return None
        wait = max(row.error.wait or 0.0, row.host.not_before if row.host else 0.0)
        if row.tried or wait == math.inf:
            wait = row.error.wait or 0.0
            if _is_limit(row.error):
                doublings = min(pass_number, MAX_DOUBLINGS_OF_LIMITS)
            elif failed_passes < MAX_FAILED_PASSES:
                doublings, failed_passes = failed_passes, failed_passes + 1
            else:
                return None
            wait = max(wait, self.seconds * 2**doublings)
        elif row.error.reason is Reason.OUT_OF_TIME:
            wait = 0.0  # until there is time or a place for it, which the next pass finds out
        return {
            "row": row.number - 1,
            "item": item,
            "tried": attempts,
            "failed_passes": failed_passes,
            "not_before": self._time_after(wait),
            "error": recorded_error(row.error),
        }

    def _time_after(self, wait: float) -> float:
        now = self.clock()
        return math.ceil((now + wait) / self.seconds) * self.seconds if wait else now


def _is_limit(error: RowError) -> bool:
    """Whether the host said that it limits requests, not only that it cannot answer them."""
    return error.reason is Reason.HTTP_BUSY and (error.wait is not None or error.status == 429)


def recorded_error(error: RowError) -> RecordedError:
    return {"reason": error.reason.value, "message": error.message, "http_status": error.status}


def row_error(recorded: RecordedError) -> RowError:
    return RowError(Reason(recorded["reason"]), recorded["message"], status=recorded["http_status"], retryable=True)


def waiting_item(item: BatchItem) -> DeferredItem:
    """The row as it was deferred to this pass."""
    return {
        "row": item["row"],
        "item": item["item"],
        "tried": item["tried"],
        "failed_passes": item["failed_passes"],
        "not_before": item["not_before"],
        "error": item["error"],
    }


def file_metadata(items: Iterable[DeferredItem]) -> Mapping[str, str]:
    """The metadata of a pass file: PlanPass reads them instead of the file."""
    times = [item["not_before"] for item in items if item["row"] >= 0]
    return {"rows": str(len(times)), "not-before": f"{min(times, default=0.0):.3f}"}
