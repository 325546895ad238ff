"""Faults of a manifest's lines: the first ten of each kind are named, and how to mend them."""

from dataclasses import dataclass, field

from functions.core.model.errors import InvalidManifest

MAX_LISTED_LINES = 10


@dataclass(frozen=True, slots=True)
class LineErrorKind:
    """`one` and `many` follow "Line 3 of the manifest" and "Lines 3, 5 of the manifest"; `{}` stands for a detail."""

    one: str
    many: str
    mend: str


BACKSLASH = LineErrorKind(
    "has a backslash, which Step Functions would drop",
    "have a backslash, which Step Functions would drop",
    "A URL has none; for other columns use JSON lines.",
)
CARRIAGE_RETURN = LineErrorKind(
    "has a carriage return in it",
    "have a carriage return in them",
    "End lines by LF or CRLF.",
)
OPEN_QUOTE = LineErrorKind(
    "has a quotation mark that is not closed, or closed too early",
    "have a quotation mark that is not closed, or closed too early",
    "Close it; one that is part of a value is written twice.",
)
TOO_LARGE = LineErrorKind(
    "is larger than a batch may be",
    "are larger than a batch may be",
    "Take out the columns that are so long: Step Functions hands on 180 KB a row.",
)
NOT_JSON = LineErrorKind("is not JSON: {}", "are not JSON", "Each line is a URL in quotes, or an object with a url.")


def too_many_fields(width: int) -> LineErrorKind:
    return LineErrorKind(
        f"has {{}} fields for {width} {_noun(width)}",
        f"have more fields than the {width} {_noun(width)}",
        "Put quotes around a value that holds the delimiter.",
    )


def _noun(width: int) -> str:
    return "column" if width == 1 else "columns"


@dataclass(slots=True)
class LineErrors:
    """Collects them, in constant memory."""

    _lines: dict[LineErrorKind, list[int]] = field(default_factory=dict)
    _counts: dict[LineErrorKind, int] = field(default_factory=dict)
    _details: dict[LineErrorKind, object] = field(default_factory=dict)

    def add(self, kind: LineErrorKind, line: int, detail: object = "") -> None:
        named = self._lines.setdefault(kind, [])
        if len(named) < MAX_LISTED_LINES:
            named.append(line)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._details.setdefault(kind, detail)

    def check(self) -> None:
        """Raises InvalidManifest where there are any."""
        if self._lines:
            raise InvalidManifest(" ".join(map(self._sentence, self._lines)))

    def _sentence(self, kind: LineErrorKind) -> str:
        lines, count = self._lines[kind], self._counts[kind]
        if count == 1:
            return f"Line {lines[0]} of the manifest {kind.one.format(self._details[kind])}. {kind.mend}"
        named = ", ".join(map(str, lines)) + (f" and {count - NAMED} more" if count > MAX_LISTED_LINES else "")
        return f"Lines {named} of the manifest {kind.many}. {kind.mend}"
