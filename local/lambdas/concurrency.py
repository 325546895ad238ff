"""Lambda's concurrency: of the account, and reserved for functions. Invocations above it are throttled.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

ACCOUNT_LIMIT = "ConcurrentInvocationLimitExceeded"
RESERVED_LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"
DEFAULT_CONCURRENCY = 1000
MESSAGE = "Rate Exceeded."


class ThrottledError(Exception):
    """The invocation exceeds a concurrency limit. `reason` is Lambda's name of the limit."""

    def __init__(self, reason: str) -> None:
        super().__init__(MESSAGE)
        self.reason = reason


class Concurrency:
    """Counts the invocations that run, by function. `limit` is the account's; None means no limit.

    A function with reserved concurrency uses its own only; all others share what is not reserved.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._reserved: dict[str, int] = {}
        self._running: Counter[str] = Counter()

    def reserve(self, function: str, number: int | None) -> None:
        with self._lock:
            self._reserved.pop(function, None)
            if number is not None:
                self._reserved[function] = number

    @contextmanager
    def invocation(self, function: str) -> Iterator[None]:
        """Count one invocation while it runs. Raises ThrottledError."""
        with self._lock:
            self._check(function)
            self._running[function] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[function] -= 1

    def account(self) -> tuple[int, int]:
        """The account's concurrency, and what of it is not reserved; AWS's default without a limit."""
        with self._lock:
            limit = DEFAULT_CONCURRENCY if self._limit is None else self._limit
            return limit, limit - sum(self._reserved.values())

    @property
    def running(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._running)

    def _check(self, function: str) -> None:
        reserved = self._reserved.get(function)
        if reserved is not None:
            if self._running[function] >= reserved:
                raise ThrottledError(RESERVED_LIMIT)
            return
        if self._limit is None:
            return
        shared = sum(count for name, count in self._running.items() if name not in self._reserved)
        if shared >= self._limit - sum(self._reserved.values()):
            raise ThrottledError(ACCOUNT_LIMIT)
