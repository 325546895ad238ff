"""Worker output on its way to CloudWatch Logs: in batches, by one thread, never in an invocation's way.

Lines that are metrics become metrics on the same way.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any

from local.aws import backend
from local.aws.telemetry.metrics import measured

MAX_WAITING = 10_000  # batches of lines; what comes beyond is dropped, and said so
log = logging.getLogger(__name__)
Batch = tuple[str, str, int, list[str]]


class Logs:
    """Call it with (group, stream, lines)."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Batch | None] = queue.Queue(MAX_WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()

    def __call__(self, group: str, stream: str, lines: list[str]) -> None:
        try:
            self._waiting.put_nowait((group, stream, int(time.time() * 1000), lines))
        except queue.Full:
            self._dropped += len(lines)

    def flush(self) -> None:
        """Returns once all that was said before is in CloudWatch Logs."""
        self._waiting.join()

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._waiting.get()) is not None:
            group, stream, timestamp, lines = batch
            try:
                backend.put_log_events(group, stream, _events(timestamp, self._noted(lines)))
                for metric in (metric for line in lines for metric in measured(line)):
                    backend.add_to_metric(metric)
            except Exception:  # lines that moto refuses must not end the log
                log.exception("%d lines for %s were refused", len(lines), group)
            finally:
                self._waiting.task_done()

    def _noted(self, lines: list[str]) -> list[str]:
        dropped, self._dropped = self._dropped, 0
        return [f"({dropped} lines were dropped here)", *lines] if dropped else lines


def _events(timestamp: int, lines: list[str]) -> list[dict[str, Any]]:
    return [{"timestamp": timestamp, "message": line} for line in lines]
