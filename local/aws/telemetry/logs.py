"""Writes the output of the functions to CloudWatch Logs, in batches on a thread of its own: invocations do not wait.

Lines in the Embedded Metric Format are also added to CloudWatch metrics, as in AWS.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any

from local.aws import backend
from local.aws.telemetry.metrics import parse_metrics

MAX_WAITING = 10_000
"""Maximum number of batches of lines that wait; lines beyond it are dropped, and a line in the log counts them."""

log = logging.getLogger(__name__)
Batch = tuple[str, str, int, list[str]]
"""Log group, log stream, time in milliseconds since the epoch, lines."""


class Logs:
    """Call it with the log group, the log stream and the lines."""

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
        """Return when all earlier lines are in CloudWatch Logs."""
        self._waiting.join()

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._waiting.get()) is not None:
            group, stream, timestamp, lines = batch
            try:
                backend.put_log_events(group, stream, _events(timestamp, self._with_dropped(lines)))
                for metric in (metric for line in lines for metric in parse_metrics(line)):
                    backend.add_to_metric(metric)
            except Exception:  # lines that moto rejects must not end the thread
                log.exception("CloudWatch Logs PutLogEvents failed: %d lines of %s are lost", len(lines), group)
            finally:
                self._waiting.task_done()

    def _with_dropped(self, lines: list[str]) -> list[str]:
        dropped, self._dropped = self._dropped, 0
        return [f"({dropped} lines were dropped here)", *lines] if dropped else lines


def _events(timestamp: int, lines: list[str]) -> list[dict[str, Any]]:
    return [{"timestamp": timestamp, "message": line} for line in lines]
