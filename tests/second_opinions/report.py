"""The tables of results, one for each module of checks: a row for each check, a column for each program."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

START, END = "<!-- results of make second-opinions -->", "<!-- end of results -->"


@dataclass(frozen=True)
class Result:
    """`text` is the cell; a check that did not pass has a `reason`."""

    text: str
    reason: str = ""


@dataclass
class Report:
    """The results by title, check and program, in the order of the checks."""

    versions: Mapping[str, str]
    results: dict[str, dict[str, dict[str, Result]]] = field(default_factory=dict)

    def add(self, title: str, check: str, program: str, result: Result) -> None:
        self.results.setdefault(title, {}).setdefault(check, {})[program] = result

    def lines(self) -> Iterator[str]:
        """Markdown: the tables, and a numbered list of the reasons."""
        reasons: list[str] = []
        for title, checks in self.results.items():
            programs = [name for name in self.versions if any(name in found for found in checks.values())]
            rows = [[title, *(f"{name} {self.versions[name]}" for name in programs)], ["---"] * (len(programs) + 1)]
            rows += [
                [check, *(_cell(found.get(name), reasons) for name in programs)] for check, found in checks.items()
            ]
            yield from ("", *_aligned(rows))
        if reasons:
            yield ""
        yield from (f"{number}. {reason}" for number, reason in enumerate(reasons, 1))


def _cell(result: Result | None, reasons: list[str]) -> str:
    if result is None:
        return ""
    if not result.reason:
        return result.text
    if result.reason not in reasons:
        reasons.append(result.reason)
    return f"{result.text} ({reasons.index(result.reason) + 1})"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"


def with_results(page: str, lines: Sequence[str]) -> str:
    """The page with these lines between its markers."""
    before, rest = page.split(START)
    after = rest.split(END)[1]
    return "\n".join([before + START, *lines, END + after])
