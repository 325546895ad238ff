"""Errors in the lines of a manifest: one sentence for each kind, with the first ten line numbers and how to fix it."""

from dataclasses import astuple, dataclass, field
from typing import Any, Self

from functions.core.model.errors import InvalidManifest
from functions.core.model.types import JsonValue

MAX_LISTED_LINES = 10

MAX_ERRORS = 10_000
"""Number of errors of one kind after which the validation ends, unless the kind has another."""

MAX_BLANK_LINES = 100_000
"""Number of blank lines that a manifest may have in any case. More are allowed up to BLANK_LINES_PER_ROW."""

BLANK_LINES_PER_ROW = 10


def too_many_blank_lines(blank: int, others: int) -> bool:
    return blank > MAX_BLANK_LINES and blank > BLANK_LINES_PER_ROW * others


def check_blank_lines(blank: int, others: int) -> None:
    """Raises InvalidManifest if the manifest is mostly blank lines."""
    if too_many_blank_lines(blank, others):
        raise InvalidManifest(
            f"The first {blank + others} lines of the manifest have {blank} blank ones. Remove the blank lines."
        )


@dataclass(frozen=True, slots=True)
class LineErrorKind:
    """`one` follows "Line 3 of the manifest", with `{}` replaced by a detail; `many` follows "Lines 3, 5 of the
    manifest". The validation ends after `max_errors`."""

    one: str
    many: str
    fix: str
    max_errors: int = MAX_ERRORS


BACKSLASH = LineErrorKind(
    "has a backslash, which Step Functions would remove",
    "have a backslash, which Step Functions would remove",
    "URLs have no backslash; for other columns use JSON Lines.",
)
CARRIAGE_RETURN = LineErrorKind(
    "has a carriage return in it",
    "have a carriage return in them",
    "End lines with LF or CRLF.",
)
OPEN_QUOTE = LineErrorKind(
    "has a quotation mark that is not closed, or is closed too early",
    "have a quotation mark that is not closed, or is closed too early",
    "Close it, or double it if it is part of a value.",
)
TOO_LARGE = LineErrorKind(
    "is larger than 180 KB, the limit of a row",
    "are larger than 180 KB, the limit of a row",
    "Remove the long columns.",
    max_errors=MAX_LISTED_LINES + 1,  # a megabyte of JSON takes up to half a second
)
NOT_JSON = LineErrorKind(
    "is not valid JSON: {}",
    "are not valid JSON",
    "Each line is a URL in quotes, or an object with a url.",
)


def too_many_fields(width: int) -> LineErrorKind:
    noun = "column" if width == 1 else "columns"
    return LineErrorKind(
        f"has {{}} fields for {width} {noun}",
        f"have more fields than the {width} {noun}",
        "Put quotes around values that contain the delimiter, and give each column with values a name.",
    )


@dataclass(slots=True)
class LineErrors:
    """Collects errors in constant memory. Their lines are numbered from `lines_before` on."""

    lines_before: int = 0
    _lines: dict[LineErrorKind, list[int]] = field(default_factory=dict)
    _counts: dict[LineErrorKind, int] = field(default_factory=dict)
    _details: dict[LineErrorKind, object] = field(default_factory=dict)

    def add(self, kind: LineErrorKind, line: int, detail: object = "") -> None:
        """Adds an error. Of each kind, only the detail of the first error is kept.

        Raises InvalidManifest with all errors so far after the maximum of one kind.
        """
        lines = self._lines.setdefault(kind, [])
        if len(lines) < MAX_LISTED_LINES:
            lines.append(self.lines_before + line)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._details.setdefault(kind, detail)
        if self._counts[kind] == kind.max_errors:
            self.raise_if_any()

    def raise_if_any(self) -> None:
        """Raises InvalidManifest if there are errors."""
        if self._lines:
            raise InvalidManifest(" ".join(map(self._sentence, self._lines)))

    def would_end_with(self, following: "LineErrors") -> bool:
        """Whether the maximum of a kind is reached with the errors of the lines that follow."""
        return any(self._counts.get(kind, 0) + count >= kind.max_errors for kind, count in following._counts.items())

    def merge(self, following: "LineErrors", lines_before: int) -> None:
        """Adds the errors of the lines that follow `lines_before` lines."""
        for kind, lines in following._lines.items():
            mine = self._lines.setdefault(kind, [])
            mine += [lines_before + line for line in lines[: MAX_LISTED_LINES - len(mine)]]
            self._counts[kind] = self._counts.get(kind, 0) + following._counts[kind]
            self._details.setdefault(kind, following._details[kind])

    def as_json(self) -> JsonValue:
        return [
            [list(astuple(kind)), list(lines), self._counts[kind], str(self._details[kind])]
            for kind, lines in self._lines.items()
        ]

    @classmethod
    def from_json(cls, value: Any) -> Self:  # Any: what `as_json` has written
        kinds = [LineErrorKind(*fields) for fields, _, _, _ in value]
        columns = ({kind: each[index] for kind, each in zip(kinds, value, strict=True)} for index in (1, 2, 3))
        return cls(0, *columns)

    def _sentence(self, kind: LineErrorKind) -> str:
        lines, count = self._lines[kind], self._counts[kind]
        if count == 1:
            return f"Line {lines[0]} of the manifest {kind.one.format(self._details[kind])}. {kind.fix}"
        listed = ", ".join(map(str, lines))
        if count > MAX_LISTED_LINES:
            at_least = "at least " if count == kind.max_errors else ""
            listed += f" and {at_least}{count - MAX_LISTED_LINES} more"
        return f"Lines {listed} of the manifest {kind.many}. {kind.fix}"
