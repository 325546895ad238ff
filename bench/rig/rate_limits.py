"""Servers that limit requests: eight a second, in the forms that servers and proxies have."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Protocol

from bench.rig.servers import response

RATE = 8
"""Requests a second."""


class Limiter(Protocol):
    def allows(self, now: float) -> bool:
        """True if a request at this time, in seconds, is answered."""


@dataclass(slots=True)
class FixedWindow:
    """So many requests in each second of the clock."""

    window: int = -1
    requests: int = 0

    def allows(self, now: float) -> bool:
        if int(now) != self.window:
            self.window, self.requests = int(now), 0
        self.requests += 1
        return self.requests <= RATE


@dataclass(slots=True)
class SlidingWindow:
    """So many answers in any second."""

    answered: deque[float] = field(default_factory=lambda: deque([-math.inf] * RATE, maxlen=RATE))

    def allows(self, now: float) -> bool:
        is_allowed = now - self.answered[0] >= 1
        if is_allowed:
            self.answered.append(now)
        return is_allowed


@dataclass(slots=True)
class TokenBucket:
    """A request takes a token; there are at most `burst`, and so many new ones a second. With a burst of 1 it is the
    limit_req of nginx."""

    burst: int = RATE
    tokens: float = math.inf
    filled_at: float = 0.0

    def allows(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * RATE)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limiter, and the status and headers with which it refuses requests."""

    make: Callable[[], Limiter]
    status: int = 429
    headers: Callable[[], Mapping[str, str]] = dict


def after_a_second() -> Mapping[str, str]:
    return {"Retry-After": "1"}


def at_a_date() -> Mapping[str, str]:
    return {"Retry-After": formatdate(time.time() + 1, usegmt=True)}


RATE_LIMITS: Mapping[str, RateLimit] = {
    "fixed-window": RateLimit(FixedWindow, headers=after_a_second),
    "sliding-window": RateLimit(SlidingWindow, headers=after_a_second),
    "token-bucket": RateLimit(TokenBucket, headers=after_a_second),
    "fixed-window-date": RateLimit(FixedWindow, headers=at_a_date),
    "fixed-window-503": RateLimit(FixedWindow, 503, after_a_second),
    "fixed-window-no-header": RateLimit(FixedWindow),
    "sliding-window-no-header": RateLimit(SlidingWindow),
    "token-bucket-503-no-header": RateLimit(TokenBucket, 503),
    "limit-req-503-no-header": RateLimit(lambda: TokenBucket(burst=1), 503),
}


def refusal(limit: RateLimit) -> bytes:
    """The response to a request above the limit."""
    return response(f"{limit.status} Refused", b"", *(f"{name}: {value}" for name, value in limit.headers().items()))
