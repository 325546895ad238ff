"""The rows of a URL: their order, and their outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from functions.core.download.records import named_key, recorded_image
from functions.core.model.errors import RowError
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.rows import Row
from functions.core.model.types import ImageRecord, Signals

_WITHOUT_SIGNALS = frozenset({OutcomeKind.SKIPPED, OutcomeKind.DUPLICATE})
"""What the owner says is recorded with the image of this row, not of another one."""


@dataclass(slots=True)
class MirroredRows:
    """The outcomes and the errors of rows with the same URL: each row is in one of them.

    `record` is to be written into the images table before the outcomes count, or None if the table has it.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    errors: list[tuple[Row, RowError]] = field(default_factory=list)
    record: ImageRecord | None = None

    def add_signals(self, signals: Signals) -> None:
        """`signals` are those of the response that all rows share."""
        self.outcomes = [
            outcome if outcome.kind in _WITHOUT_SIGNALS else replace(outcome, signals=signals)
            for outcome in self.outcomes
        ]
        for _, error in self.errors:
            error.signals = signals


def by_headers(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows with the headers of the first one, and the others, whose request the server may answer otherwise."""
    headers = rows[0].headers
    return [row for row in rows if row.headers == headers], [row for row in rows if row.headers != headers]


def in_order(rows: Sequence[Row], existing_record: ImageRecord | None) -> Sequence[Row]:
    """The row that names the key of the record comes first, so that the record keeps its key."""
    if existing_record is None or len(rows) == 1:
        return rows
    image = recorded_image(existing_record)
    return sorted(rows, key=lambda row: named_key(row, image) != image["object_key"])
