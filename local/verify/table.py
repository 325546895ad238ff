"""The output: a line when a check is done, and a table at the end."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.startup import Update, spinner
from local.verify.lines import Line, Result

STYLES = {Result.PASSED: "green", Result.FAILED: "bold red", Result.NOT_CHECKED: "yellow"}


class Output:
    """Standard output, with colours where it is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def print(self, text: str) -> None:
        self._console.print(_safe(text), soft_wrap=True)

    def working(self, text: str) -> AbstractContextManager[Update]:
        return spinner(text, self._console)

    def done(self, line: Line) -> None:
        style = STYLES[line.result]
        self._console.print(f"[{style}]{line.result:12}[/]{_safe(f'{line.name}: {line.details}')}", soft_wrap=True)

    def table(self, lines: Sequence[Line]) -> None:
        """Every line with what it proves."""
        table = Table(title="What was checked", title_justify="left")
        table.add_column("result")
        table.add_column("line")
        table.add_column("what it proves", overflow="fold")
        for line in lines:
            table.add_row(str(line.result), line.name, _safe(line.proves), style=STYLES[line.result])
        self._console.print(table)

    def verdict(self, lines: Sequence[Line]) -> None:
        """What has failed, what was not checked, and the result."""
        by_result = {result: [line for line in lines if line.result is result] for result in Result}
        for result in (Result.NOT_CHECKED, Result.FAILED):
            for line in by_result[result]:
                self.done(line)
        failed, unchecked = by_result[Result.FAILED], by_result[Result.NOT_CHECKED]
        rest = f" {len(unchecked)} could not be checked: see above." if unchecked else ""
        if failed:
            self.print(f"{len(failed)} of {len(lines)} lines have failed.{rest}")
        else:
            self.print(f"{len(by_result[Result.PASSED])} of {len(lines)} lines have passed.{rest}")


def _safe(text: str) -> str:
    """Without markup and without control characters of terminals: messages quote answers of servers."""
    return escape("".join(char if char.isprintable() else " " for char in text))
