"""What is known about a group of rows: it can be written as JSON, and added to what is known about the rows before."""

from dataclasses import dataclass, field
from typing import Any, Self, cast

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.types import JsonObject, PassSummary, ResultLine
from functions.core.report.aggregates import RunAggregates
from functions.core.summary.reconciliation import Reconciliation
from functions.core.summary.suspects import Suspects


@dataclass(slots=True)
class Partial:
    """The result of a fold. It is bounded, whatever the number of rows.

    `passes` are those of the run, with the counts of these rows. `retries` rows are in the retry manifest, of which
    `first_retry` is the first; the items of `missing` more rows were not found.
    """

    aggregates: RunAggregates
    reconciliation: Reconciliation = field(default_factory=Reconciliation)
    suspects: Suspects = field(default_factory=Suspects)
    passes: list[PassSummary] = field(default_factory=list)
    retries: int = 0
    missing: int = 0
    first_retry: object = None

    @property
    def failed(self) -> int:
        return self.reconciliation.outcomes[OutcomeKind.FAILED]

    def add(self, line: ResultLine) -> None:
        self.reconciliation.rows += 1
        self.reconciliation.add(line)
        self.aggregates.add(line)
        self.suspects.add(line)

    def merge(self, other: "Partial") -> None:
        """Adds what is known about the rows that follow."""
        self.reconciliation.merge(other.reconciliation)
        self.aggregates.merge(other.aggregates)
        self.suspects.merge(other.suspects)
        passes = zip(self.passes, other.passes, strict=True)
        self.passes = [_sum(mine, added) for mine, added in passes] if self.passes else other.passes
        if not self.retries:
            self.first_retry = other.first_retry
        self.retries += other.retries
        self.missing += other.missing

    def as_json(self) -> JsonObject:
        values = {
            "aggregates": self.aggregates.as_json(),
            "reconciliation": self.reconciliation.as_json(),
            "suspects": self.suspects.as_json(),
            "passes": self.passes,
            "retries": self.retries,
            "missing": self.missing,
            "first_retry": self.first_retry,
        }
        return cast(JsonObject, values)

    @classmethod
    def from_json(cls, value: JsonObject, started_at: str) -> Self:
        fields = cast(Any, value)
        return cls(
            **{
                **fields,
                "aggregates": RunAggregates.from_json(fields["aggregates"], started_at),
                "reconciliation": Reconciliation.from_json(fields["reconciliation"]),
                "suspects": Suspects.from_json(fields["suspects"]),
            }
        )


def _sum(mine: PassSummary, added: PassSummary) -> PassSummary:
    return {**mine, "stored": mine["stored"] + added["stored"], "failed": mine["failed"] + added["failed"]}
