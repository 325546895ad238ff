"""Batches that are still running when their run has ended: they are waited for before the run is reconciled.

The end of an execution, or of a Map Run that fails, also ends its child executions, but not the invocations of
DownloadBatch that these wait for. What they store and record counts. See docs/adr/0024-late-batches.md.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from functions.core.model.limits import DOWNLOAD_TIMEOUT_SECONDS
from functions.core.model.ports import RunResults

ROUND_TIME = timedelta(seconds=DOWNLOAD_TIMEOUT_SECONDS + 5)
"""Time after which a round has ended in any case: the timeout of its function, and a margin, since the start is by the
clock of S3."""

POLL_SECONDS = 1.0


def wait_for_rounds(
    results: RunResults,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Returns when no round of the run can store or write anything any more. Raises StorageFault."""
    results.close_run()
    while starts := results.unfinished_rounds():
        seconds = (max(starts) + ROUND_TIME - now()).total_seconds()
        if seconds <= 0:
            return  # they were killed
        sleep(min(seconds, POLL_SECONDS))
