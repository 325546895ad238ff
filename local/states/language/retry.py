"""Retry and Catch: which error meets which of them, and how long a retry waits."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

UNCATCHABLE = "States.Runtime"
MAX_EXPONENT = 500
TERMINAL = {UNCATCHABLE, "States.DataLimitExceeded"}
"""Not met by a wildcard; the second one can still be named."""


def meets(wanted: Sequence[str], error: str) -> bool:
    if error == UNCATCHABLE:
        return False
    if error in wanted:
        return True
    if error in TERMINAL:
        return False
    return "States.ALL" in wanted or ("States.TaskFailed" in wanted and error != "States.Timeout")


def catcher(state: Mapping[str, Any], error: str) -> Mapping[str, Any] | None:
    return next((each for each in state.get("Catch", []) if meets(each["ErrorEquals"], error)), None)


class Attempts:
    """The retries of one visit to a state: every retrier counts its own."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._retriers: list[Mapping[str, Any]] = state.get("Retry", [])
        self._used = [0] * len(self._retriers)

    def delay(self, error: str) -> float | None:
        """Seconds before the next attempt; None where there is none left."""
        for index, retrier in enumerate(self._retriers):
            if meets(retrier["ErrorEquals"], error):
                return self._use(index, retrier)
        return None

    def _use(self, index: int, retrier: Mapping[str, Any]) -> float | None:
        used = self._used[index]
        if used >= retrier.get("MaxAttempts", 3):
            return None
        self._used[index] += 1
        delay = float(retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** min(used, MAX_EXPONENT))
        delay = min(delay, float(retrier.get("MaxDelaySeconds", delay)))
        if retrier.get("JitterStrategy", "NONE") == "FULL":
            return random.uniform(0, delay)
        return delay
