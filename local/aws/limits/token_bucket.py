"""A rate per second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """Admits `rate` units per second; the unused units of one second are kept.

    What is admitted may take more units than there are left. Nothing is admitted until they have been regained, so that
    the rate holds for units that are known only afterwards, and for those that exceed the rate.
    """

    def __init__(self, rate: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._now = now
        self._units = rate
        self._updated = now()
        self._lock = threading.Lock()

    def take(self, units: float = 1.0) -> bool:
        """False where nothing is left."""
        with self._lock:
            moment = self._now()
            self._units = min(self._rate, self._units + (moment - self._updated) * self._rate)
            self._updated = moment
            if self._units <= 0:
                return False
            self._units -= units
            return True

    def charge(self, units: float) -> None:
        """Take units of what has been admitted already."""
        with self._lock:
            self._units -= units
