"""How a row ended: exactly one outcome each, and the tally that a batch keeps of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from functions.core.model.errors import RowFault
from functions.core.model.reasons import Reason
from functions.core.model.rows import own_columns, shown_url


class Ending(StrEnum):
    """`rows = stored + unchanged + skipped + duplicate + failed`, for every run."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"
    FAILED = "failed"


ENDINGS: Mapping[str, str] = {
    Ending.STORED: "downloaded, checked and put into the bucket",
    Ending.UNCHANGED: "asked again, and as they were",
    Ending.SKIPPED: "known from an earlier run",
    Ending.DUPLICATE: "a URL that stands in the manifest twice",
    Ending.FAILED: "each with its reason below",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a row failed, in one word for machines and one sentence for people."""

    reason: Reason
    message: str
    http_status: int | None
    retryable: bool

    @classmethod
    def of(cls, fault: RowFault) -> "Failure":
        return cls(fault.reason, fault.message, fault.status, fault.retryable)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of row `row` (the first row of a manifest is 1).

    `url` is redacted: outcomes are written for people. `own` are the user's own columns, untouched.
    """

    row: int
    url: str
    ending: Ending
    own: Mapping[str, Any] = field(default_factory=dict)
    image: Mapping[str, Any] | None = None
    failure: Failure | None = None

    def as_json(self) -> dict[str, Any]:
        """A line of a results part."""
        line: dict[str, Any] = {"row": self.row, "url": self.url, "outcome": self.ending.value}
        if self.failure is not None:
            line |= {
                "reason": self.failure.reason.value,
                "http_status": self.failure.http_status,
                "retryable": self.failure.retryable,
                "message": self.failure.message,
            }
        if self.image is not None:
            line |= self.image
        if self.own:
            line["columns"] = self.own
        return line


def failed(number: int, item: object, fault: RowFault, base_url: str) -> Outcome:
    """The outcome of a row that cannot be tried again, whatever its item is."""
    return Outcome(number, shown_url(item, base_url), Ending.FAILED, own_columns(item), failure=Failure.of(fault))


def tally(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Counts by ending, every ending named, and the bytes stored."""
    counts = Counter({ending.value: 0 for ending in Ending})
    counts["bytes"] = 0
    for outcome in outcomes:
        counts[outcome.ending] += 1
        if outcome.ending is Ending.STORED and outcome.image is not None:
            counts["bytes"] += outcome.image["bytes"]
    return {str(name): count for name, count in counts.items()}
