"""The pace of a host that refused or failed requests: the time of its next request, and its requests a second.

It follows the rule of TCP: slow start until the host refuses again, then additive increase, multiplicative decrease.
A host without such a pace is asked as fast as the options of the run allow.
"""

import math
import random
from dataclasses import dataclass, replace

MAX_IDLE_SECONDS = 1.5
"""How long an invocation waits if it has nothing else to do, in seconds. A longer wait is one of the workflow, which
costs nothing but another round: about as much as 1.5 seconds of DownloadBatch, with the look-up of 500 rows."""

MIN_RATE = 1 / MAX_IDLE_SECONDS
"""Minimum requests a second between two waits. A slower host refuses more often, and is waited for by the workflow."""

SLOW_START, INCREASE = 0.5, 0.02
"""Requests a second that are added for each answer: before the host refuses at a known rate, and after that. The rate
grows by half each second, or by a fiftieth."""

DECREASE, DECREASE_WITHOUT_ANSWER = 0.8, 0.5
"""Factors of the rate when the host refuses, after an answer and again without one."""

MAX_BACKOFF_SECONDS = 30.0
"""Maximum wait that the host did not ask for, in seconds: it doubles from one second while the host does not answer."""

HALF_OPEN_REQUESTS = 1
"""Maximum concurrent requests to a host that has not answered since the wait."""

HALF_OPEN_INTERVAL_SECONDS = 0.1
"""Time between two requests to a host that has never answered, in seconds."""


@dataclass(frozen=True, slots=True)
class HostState:
    """The pace of a host between two rounds. `not_before` is in seconds from a time on which both sides agree; it is
    infinite for a host that this batch does not ask again. `increase` is what each answer adds to `rate`. `name` is
    that of the host, if the row that it belongs to was redirected there. `others` are the waits that other batches
    have seen; they make the next one longer, but this batch does not give the host up for them."""

    not_before: float
    refusals: int = 0
    rate: float = 0.0
    increase: float = SLOW_START
    name: str = ""
    others: int = 0

    @property
    def is_wait(self) -> bool:
        """Whether it says nothing about the host but when this batch may go on with it."""
        return not self.refusals and not self.rate

    def shifted(self, seconds: float) -> "HostState":
        """The same on a clock that is so many seconds ahead."""
        return replace(self, not_before=self.not_before + seconds)


class HostPace:
    """`next_start` is the time of the next request, `refusals` the number of waits since the last answer.
    `end_of_wait` is finite also for a host that this batch gives up. `is_changed` says that the host has answered,
    refused or failed a request since the pace was made, `was_refused` the latter two. `is_limited` says that the host
    limits requests: then the rate is about what it allows.

    `max_refusals` is that of a host which has never answered, or refuses the last row. One that has answered some
    requests may be limiting several batches at once, and is waited for almost twice as often.
    """

    def __init__(self, max_refusals: int, state: HostState) -> None:
        self._max_refusals = max_refusals
        self._increase = state.increase
        self._has_answered = False
        self.rate = state.rate
        self.refusals = state.refusals
        self.others = state.others
        self.next_start = self.end_of_wait = state.not_before
        self.is_changed = self.was_refused = False
        self.is_limited = state.increase == INCREASE

    def max_requests(self, per_host: int) -> int:
        return per_host if self._has_answered else min(HALF_OPEN_REQUESTS, per_host)

    def request_started(self, now: float) -> None:
        self.next_start = now + (1 / max(self.rate, MIN_RATE) if self.rate else HALF_OPEN_INTERVAL_SECONDS)

    def answered(self) -> None:
        self._has_answered = self.is_changed = True
        self.refusals = self.others = 0
        self.rate = max(MIN_RATE, self.rate) + self._increase

    def refused(
        self, now: float, requested: float | None, *, is_last_row: bool = False, is_limiting: bool = False
    ) -> None:
        """`requested` is the wait of Retry-After in seconds, if there was one."""
        self.is_limited = self.is_limited or is_limiting
        self.refusals += 1
        self.is_changed = self.was_refused = True
        if self._has_answered:
            self.rate, self._increase = self.rate * DECREASE, INCREASE
        elif self.refusals > 1:
            self.rate *= DECREASE_WITHOUT_ANSWER
        self._has_answered = False
        self.wait_until(now + self._wait_seconds(requested))
        is_patient = self.rate > 0 and not is_last_row
        if self.refusals >= (2 * self._max_refusals - 1 if is_patient else self._max_refusals):
            self.next_start = math.inf

    def wait_until(self, time: float) -> None:
        """Not before `time`, and up to a second later, so that several batches do not return at once."""
        self.next_start = max(self.next_start, time + random.uniform(0, min(1.0, 1 / max(self.rate, MIN_RATE))))
        if self.next_start < math.inf:
            self.end_of_wait = self.next_start

    def _wait_seconds(self, requested: float | None) -> float:
        refusals = self.refusals + self.others
        backoff = min(MAX_BACKOFF_SECONDS, 2.0 ** min(9, refusals - 1))
        if requested is None:
            return random.uniform(backoff / 2, backoff)
        return max(requested, random.uniform(0, backoff) if refusals > 1 else 0.0)

    def state(self, now: float, name: str = "") -> HostState:
        return HostState(max(0.0, self.next_start - now), self.refusals, round(self.rate, 2), self._increase, name)
