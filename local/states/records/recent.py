"""Records by ARN in the order of their start, without the oldest of those that have ended."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Generic, Protocol, TypeVar

MAX_RECORDS = 1_000
"""Maximum number of executions, and of Map Runs, that are kept; running ones are kept in any case. In AWS they are kept
for 90 days after their end."""


class Record(Protocol):
    """`stopped` is None while it runs."""

    arn: str
    stopped: datetime | None


R = TypeVar("R", bound=Record)


class Recent(Generic[R]):
    def __init__(self) -> None:
        self._by_arn: dict[str, R] = {}
        self._lock = threading.Lock()

    def add(self, record: R) -> None:
        with self._lock:
            self._by_arn[record.arn] = record
            self._remove_oldest(len(self._by_arn) - MAX_RECORDS)

    def get(self, arn: str) -> R | None:
        return self._by_arn.get(arn)

    def remove(self, arn: str) -> None:
        with self._lock:
            self._by_arn.pop(arn, None)

    def all(self) -> list[R]:
        with self._lock:
            return list(self._by_arn.values())

    def _remove_oldest(self, count: int) -> None:
        if count > 0:
            ended = [arn for arn, record in self._by_arn.items() if record.stopped]
            for arn in ended[:count]:
                del self._by_arn[arn]
