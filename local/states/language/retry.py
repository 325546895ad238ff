"""Retry and Catch: which entry matches an error, and how long a retry waits.

DG "Handling errors in Step Functions workflows".
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from local.states.base import errors

DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_INTERVAL_SECONDS = 1
DEFAULT_BACKOFF_RATE = 2.0
MAX_EXPONENT = 500
"""Highest exponent of BackoffRate, so that the delay does not overflow a float."""

_NOT_TASK_FAILED = (errors.TIMEOUT, errors.DATA_LIMIT_EXCEEDED)
"""Errors that States.ALL matches and States.TaskFailed does not."""

Handler = Mapping[str, Any]
"""An entry of Retry or Catch. `Any`, because `fields` has checked the type of every field when it was loaded."""


def matches_error(error_equals: Sequence[str], error: str) -> bool:
    """States.Runtime matches nothing."""
    if error == errors.RUNTIME:
        return False
    if error in error_equals or errors.ALL in error_equals:
        return True
    return errors.TASK_FAILED in error_equals and error not in _NOT_TASK_FAILED


def find_catcher(state: Mapping[str, Any], error: str) -> Handler | None:
    """The first entry of Catch that matches the error."""
    return next((catcher for catcher in state.get("Catch", []) if matches_error(catcher["ErrorEquals"], error)), None)


class RetryCounter:
    """The retries of one visit to a state. Every retrier counts its own attempts."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._retriers: list[Handler] = state.get("Retry", [])
        self._attempts = [0] * len(self._retriers)

    def next_delay(self, error: str) -> float | None:
        """Seconds to wait before the next attempt; None if no retrier matches or its attempts are used up."""
        for index, retrier in enumerate(self._retriers):
            if matches_error(retrier["ErrorEquals"], error):
                return self._count_attempt(index, retrier)
        return None

    def _count_attempt(self, index: int, retrier: Handler) -> float | None:
        attempts = self._attempts[index]
        if attempts >= retrier.get("MaxAttempts", DEFAULT_MAX_ATTEMPTS):
            return None
        self._attempts[index] += 1
        delay = _delay(retrier, attempts)
        return random.uniform(0, delay) if retrier.get("JitterStrategy", "NONE") == "FULL" else delay


def _delay(retrier: Handler, attempts: int) -> float:
    interval = retrier.get("IntervalSeconds", DEFAULT_INTERVAL_SECONDS)
    rate = retrier.get("BackoffRate", DEFAULT_BACKOFF_RATE)
    delay = float(interval * rate ** min(attempts, MAX_EXPONENT))
    return min(delay, float(retrier.get("MaxDelaySeconds", delay)))
