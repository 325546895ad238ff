"""Outcomes of rows: every row has exactly one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import display_url, user_columns
from functions.core.model.types import BatchCounts, ImageFacts, JsonObject, ResultLine


class OutcomeKind(StrEnum):
    """For every run, `rows = stored + unchanged + skipped + duplicate + failed`."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"
    FAILED = "failed"


OUTCOME_MEANINGS: Mapping[str, str] = {
    OutcomeKind.STORED: "downloaded, verified and uploaded to the images bucket",
    OutcomeKind.UNCHANGED: "not modified since the last run",
    OutcomeKind.SKIPPED: "already mirrored by an earlier run",
    OutcomeKind.DUPLICATE: "URL already appeared earlier in the manifest",
    OutcomeKind.FAILED: "not mirrored, for the reasons below",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Cause of a failed row: a reason for programs and a message for people."""

    reason: Reason
    message: str
    http_status: int | None
    retryable: bool

    @classmethod
    def from_error(cls, error: RowError) -> "Failure":
        return cls(error.reason, error.message, error.status, error.retryable)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of one row. `row` counts from 1, `url` is redacted, `user_columns` are the columns without a meaning
    for the pipeline, unchanged.

    `former_key` is the key of the URL's former image if the new one has another key: that object is left as it is.
    `robots` is what robots.txt says against the download if it is only recorded.
    """

    row: int
    url: str
    kind: OutcomeKind
    user_columns: JsonObject = field(default_factory=dict)
    image: ImageFacts | None = None
    failure: Failure | None = None
    former_key: str | None = None
    robots: str | None = None

    def as_json(self) -> ResultLine:
        """The outcome as a line of a results part."""
        line: ResultLine = {"row": self.row, "url": self.url, "outcome": self.kind.value}
        if self.failure is not None:
            line["reason"] = self.failure.reason.value
            line["http_status"] = self.failure.http_status
            line["retryable"] = self.failure.retryable
            line["message"] = self.failure.message
        if self.image is not None:
            line = {**line, **self.image}
        if self.former_key is not None:
            line["former_key"] = self.former_key
        if self.robots is not None:
            line["robots"] = self.robots
        if self.user_columns:
            line["columns"] = self.user_columns
        return line


def failed_outcome(number: int, item: object, error: RowError, base_url: str) -> Outcome:
    """The outcome of a row that is not retried. The item need not be valid."""
    return Outcome(
        number,
        display_url(item, base_url),
        OutcomeKind.FAILED,
        user_columns(item),
        failure=Failure.from_error(error),
        robots=error.robots,
    )


def tally(outcomes: Iterable[Outcome]) -> BatchCounts:
    """Number of rows for every OutcomeKind, and the total `bytes` stored."""
    counts = Counter({kind.value: 0 for kind in OutcomeKind})
    counts["bytes"] = 0
    for outcome in outcomes:
        counts[outcome.kind.value] += 1
        if outcome.kind is OutcomeKind.STORED and outcome.image is not None:
            counts["bytes"] += outcome.image["bytes"] or 0
    return dict(counts)
