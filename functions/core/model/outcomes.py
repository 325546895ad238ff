"""How a row ended: exactly one outcome each, and the tally that a batch keeps of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import display_url, user_columns


class OutcomeKind(StrEnum):
    """`rows = stored + unchanged + skipped + duplicate + failed`, for every run."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"
    FAILED = "failed"


OUTCOME_MEANINGS: Mapping[str, str] = {
    OutcomeKind.STORED: "downloaded, checked and put into the bucket",
    OutcomeKind.UNCHANGED: "asked again, and as they were",
    OutcomeKind.SKIPPED: "known from an earlier run",
    OutcomeKind.DUPLICATE: "a URL that stands in the manifest twice",
    OutcomeKind.FAILED: "each with its reason below",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a row failed, in one word for machines and one sentence for people."""

    reason: Reason
    message: str
    http_status: int | None
    retryable: bool

    @classmethod
    def of(cls, fault: RowError) -> "Failure":
        return cls(fault.reason, fault.message, fault.status, fault.retryable)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of row `row` (the first row of a manifest is 1).

    `url` is redacted: outcomes are written for people. `own` are the user's own columns, untouched.
    """

    row: int
    url: str
    kind: OutcomeKind
    user_columns: Mapping[str, Any] = field(default_factory=dict)
    image: Mapping[str, Any] | None = None
    failure: Failure | None = None

    def as_json(self) -> dict[str, Any]:
        """A line of a results part."""
        line: dict[str, Any] = {"row": self.row, "url": self.url, "outcome": self.kind.value}
        if self.failure is not None:
            line |= {
                "reason": self.failure.reason.value,
                "http_status": self.failure.http_status,
                "retryable": self.failure.retryable,
                "message": self.failure.message,
            }
        if self.image is not None:
            line |= self.image
        if self.user_columns:
            line["columns"] = self.user_columns
        return line


def failed_outcome(number: int, item: object, fault: RowError, base_url: str) -> Outcome:
    """The outcome of a row that cannot be tried again, whatever its item is."""
    return Outcome(
        number, display_url(item, base_url), OutcomeKind.FAILED, user_columns(item), failure=Failure.of(fault)
    )


def tally(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Counts by kind, every kind named, and the bytes stored."""
    counts = Counter({kind.value: 0 for kind in OutcomeKind})
    counts["bytes"] = 0
    for outcome in outcomes:
        counts[outcome.kind] += 1
        if outcome.kind is OutcomeKind.STORED and outcome.image is not None:
            counts["bytes"] += outcome.image["bytes"]
    return {str(name): count for name, count in counts.items()}
