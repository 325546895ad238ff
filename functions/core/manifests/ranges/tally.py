"""What was counted in a range of rows: it can be written as JSON, and added to what was counted in those before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from functions.core.manifests.columns.check_columns import CheckColumns
from functions.core.manifests.hosts import HostCounts
from functions.core.manifests.line_errors import LineErrors, too_many_blank_lines

MAX_COLUMNS = 200
"""Maximum number of user columns in failures.csv."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the first rows decide for all: the `names` in the header, if there is one, and the URL column, or empty."""

    names: tuple[str, ...] = ()
    url_column: str = ""


@dataclass(slots=True)
class Tally:
    """What was counted in the rows so far. A `partial` one begins at a later row, so that its lines have other numbers
    in the manifest, and its blank lines are not too many by themselves. It is bounded, whatever the number of rows.

    `columns` are the first ones of JSON, in the order of appearance.
    """

    partial: bool = False
    lines: int = 0
    blank_lines: int = 0
    rows: int = 0
    blank_rows: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    errors: LineErrors = field(default_factory=LineErrors)
    checks: CheckColumns = field(default_factory=CheckColumns)
    hosts: HostCounts = field(default_factory=HostCounts)

    def add_columns(self, names: Iterable[str]) -> None:
        for name in names:
            if len(self.columns) <= MAX_COLUMNS:  # one more, because one of them may be the URL column
                self.columns[name] = None

    def may_end_in(self, following: "Tally") -> bool:
        """Whether the validation of all rows may end before the last one of those that follow."""
        blank = self.blank_lines + following.blank_lines
        return self.errors.would_end_with(following.errors) or (
            following.blank_lines > 0 and too_many_blank_lines(blank, self.lines - self.blank_lines)
        )

    def merge(self, following: "Tally") -> None:
        """Adds what was counted in the rows that follow."""
        self.errors.merge(following.errors, self.lines)
        self.lines += following.lines
        self.blank_lines += following.blank_lines
        self.rows += following.rows
        self.blank_rows += following.blank_rows
        self.add_columns(following.columns)
        self.checks.merge(following.checks)
        self.hosts = self.hosts.plus(following.hosts)

    def as_json(self) -> dict[str, object]:
        return {
            **{name: getattr(self, name) for name in _NUMBERS},
            "columns": list(self.columns),
            "errors": self.errors.as_json(),
            "checks": self.checks.as_json(),
            "hosts": [dict(self.hosts.rows), self.hosts.total],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:  # Any: what `as_json` has written
        return cls(
            **{name: value[name] for name in _NUMBERS},
            columns=dict.fromkeys(value["columns"]),
            errors=LineErrors.from_json(value["errors"]),
            checks=CheckColumns.from_json(value["checks"]),
            hosts=HostCounts(*value["hosts"]),
        )


_NUMBERS = ("partial", "lines", "blank_lines", "rows", "blank_rows")
