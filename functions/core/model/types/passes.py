"""Records of passes: rows that are deferred beyond the time of a child execution are tried again in a later pass."""

from dataclasses import dataclass
from typing import TypedDict


class RecordedError(TypedDict):
    """Why a row was deferred."""

    reason: str
    message: str
    http_status: int | None


class DeferredItem(TypedDict):
    """A line of a pass file: an item of the next pass. `row` counts from 0; -1 if the line is no row.

    `tried` is the number of attempts, `failed_passes` that of the passes to which the row was deferred because it or
    its host failed. It must not be tried before `not_before`, in seconds since the epoch.
    """

    row: int
    item: object
    tried: int
    failed_passes: int
    not_before: float
    error: RecordedError


@dataclass(frozen=True, slots=True)
class PassFile:
    """What the metadata of a pass file say: its number of rows, and the earliest time of one, since the epoch."""

    rows: int
    not_before: float


class PlannedPass(TypedDict):
    """The result of PlanPass. A pass follows if `status` is `planned`, after `wait_seconds`; else it is `none`.

    `number` counts from 1, `rows` are those in the files of the pass, whose keys start with `prefix`. `progress_at` is
    when PlanPass last found that rows had ended, in seconds since the epoch.
    """

    number: int
    status: str
    rows: int
    prefix: str
    wait_seconds: int
    progress_at: float


class PassPlan(TypedDict):
    """The record of a planned pass, in the run's folder. `starts_at` is RFC 3339 in UTC."""

    number: int
    rows: int
    starts_at: str


class PassSummary(PassPlan):
    """A pass in the summary of a run: of its `rows`, `stored` were stored and `failed` failed; the others went on to
    the next pass, or ended otherwise."""

    stored: int
    failed: int
