"""A host of a batch: its pending rows, and the circuit breaker that decides when it must be waited for."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from functions.core.download.hosts.fleet import Wait
from functions.core.download.hosts.pace import MAX_IDLE_SECONDS, HostPace, HostState
from functions.core.download.hosts.share import HostShare
from functions.core.download.hosts.ticks import LEAD_SECONDS, Ticks
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row

CONSECUTIVE_FAILURES_TO_OPEN = 3
"""Consecutive failures that open the circuit of a host without a success since it was last waited for."""

CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS = 8
"""Consecutive failures that open the circuit of a host with a success. Where it fails one request in ten, more than a
third of all batches of 500 see three in a row by chance, and one in 200,000 sees eight. So many more busy responses
than answers open it, too."""


@dataclass(slots=True, eq=False)
class Host:
    """Pending rows and the state of the circuit breaker. `requests` are those without a complete response.

    `queued` says that the host is in one of the scheduler's queues. `pace` is that of a host which was waited for,
    `error` the last one that it was waited for, `outdated` the requests that were sent before that. `is_target` is true
    if rows of other hosts were redirected to it and wait for it, `is_visited` if such rows have sent it requests.
    `capacity` is the number of requests at once, 0 if this round does not ask the host, or no more. `ticks` are the
    times of the requests if their rate is limited; `is_alone` says that other batches do not know them. `share` is what
    the batch may use of a host that all batches share, `wait` why it may not, and `is_settled` says that the other
    batches know what this one has learned.
    """

    name: str
    capacity: int
    pending: deque[Row] = field(default_factory=deque)
    requests: int = 0
    answers: int = 0
    consecutive_failures: int = 0
    failures_to_open: int = CONSECUTIVE_FAILURES_TO_OPEN
    busy_surplus: int = 0
    queued: bool = False
    pace: HostPace | None = None
    error: RowError | None = None
    outdated: Collection[int] = ()
    is_target: bool = False
    ticks: Ticks | None = None
    share: HostShare | None = None
    wait: Wait | None = None
    is_visited: bool = False
    is_alone: bool = False
    is_settled: bool = False

    def seconds_to_start(self, clock: float, epoch: float) -> float:
        """Until the next request. `clock` is the time on the clock of the pace, `epoch` on that of the ticks."""
        by_pace = self.pace.next_start - clock if self.pace is not None else 0.0
        by_ticks = self.ticks.upcoming(epoch) - epoch - LEAD_SECONDS if self.ticks is not None else 0.0
        return max(by_pace, by_ticks)

    def state_without_pace(self, wait: float, epoch: float) -> HostState:
        """The next round begins before the next tick: it must not miss it."""
        if self.ticks is None:
            return HostState(wait)
        by_ticks = self.ticks.upcoming(epoch) - epoch - MAX_IDLE_SECONDS
        return HostState(max(wait, by_ticks), rate=self.ticks.rate if self.is_alone else 0.0)

    def has_room(self) -> bool:
        return self.requests < (self.capacity if self.pace is None else self.pace.max_requests(self.capacity))

    def record_answer(self, number: int) -> None:
        self.answers += 1
        self.consecutive_failures = 0
        self.failures_to_open = CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS
        if self.busy_surplus:
            self.busy_surplus -= 1
        if self.pace is not None and number not in self.outdated:
            self.pace.answered()

    def record_failure(self, error: RowError) -> None:
        self.consecutive_failures += 1
        self.busy_surplus += error.reason is Reason.HTTP_BUSY

    def is_limiting(self, error: RowError) -> bool:
        """True if the host refused the request to limit its load, False if it may have failed for this row alone."""
        is_refusal = error.wait is not None or error.status == 429 or self.pace is not None
        return error.reason is Reason.HTTP_BUSY and is_refusal

    def must_open(self, error: RowError) -> bool:
        return (
            self.is_limiting(error)
            or self.consecutive_failures >= self.failures_to_open
            or self.busy_surplus >= CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS
        )

    def open_circuit(self, error: RowError, outdated: Collection[int]) -> None:
        self.error, self.outdated = error, outdated
        self.consecutive_failures = self.busy_surplus = 0
        self.failures_to_open = CONSECUTIVE_FAILURES_TO_OPEN
