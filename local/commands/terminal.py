"""What a user sees: a bar while a run goes on, a table when it has ended, plain lines where there is no terminal."""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from functions.core.model.outcomes import OUTCOME_MEANINGS
from local.commands.progress import Pace
from local.commands.watcher import Seen

SHOWN_FAILURES = 10
SHOWN_REASONS = 5
LINE_SECONDS = 5.0
"""Between two plain lines about a run that goes on."""


@dataclass(frozen=True)
class End:
    """How a run ended. `summary` is empty where SummarizeRun did not come to write one."""

    REPORTS: ClassVar = (
        ("Report", "report"),
        ("Failures", "failures_report"),
        ("Run them again", "retry_manifest"),
    )
    """What a person opens first, and the summary's names for where they are."""

    execution: Mapping[str, Any]
    summary: Mapping[str, Any]
    places: Sequence[tuple[str, str]]
    failures: Sequence[Mapping[str, str]] = ()
    notes: Sequence[str] = ()


class Bar:
    """Counts by outcome, rate and time left."""

    def __init__(
        self, progress: Progress | None, console: Console, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._console = console
        self._monotonic = monotonic
        self._pace = Pace(monotonic)
        self._told: tuple[float, str] = (-LINE_SECONDS, "")

    def update(self, seen: Seen) -> None:
        self._pace.update(seen.finished)
        if self._progress is None:
            self._line(seen)
            return
        if self._task is None:
            self._task = self._progress.add_task("", total=None, told="")
        self._progress.update(self._task, total=seen.rows, completed=seen.finished, told=self._details(seen))

    def _line(self, seen: Seen) -> None:
        """Not the same twice, and not too often."""
        if seen.rows is None:
            return
        at, before = self._told
        text, now = f"{seen.finished:,} of {seen.rows:,} rows", self._monotonic()
        if text != before and (now - at >= LINE_SECONDS or not seen.running):
            self._told = now, text
            self._console.print(", ".join(filter(None, (text, self._details(seen)))), soft_wrap=True)

    def _details(self, seen: Seen) -> str:
        left = self._pace.seconds_left(seen.rows) if seen.running else None
        parts = [f"{count:,} {name}" for name in OUTCOME_MEANINGS if (count := seen.counts.get(name, 0))]
        if seen.running and self._pace.rate:
            parts.append(f"{self._pace.rate:,.1f} rows/s")
        if left and left >= 1:
            parts.append(f"{_clock(left)} left")
        return ", ".join(parts)


class Terminal:
    """Standard output, with colours where it is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def say(self, text: str) -> None:
        self._console.print(_shown(text), soft_wrap=True)

    def follow(self, looks: Iterable[Seen]) -> Seen:
        """Shows each look; gives the last one, of which there must be one."""
        with self._progress() as bar:
            for seen in looks:
                bar.update(seen)
        return seen

    @contextmanager
    def _progress(self) -> Iterator[Bar]:
        if not self._console.is_terminal:
            yield Bar(None, self._console)
            return
        told = TextColumn("{task.fields[told]}")
        columns = (BarColumn(bar_width=None), MofNCompleteColumn(), told, TimeElapsedColumn())
        with Progress(*columns, console=self._console, expand=True) as progress:
            yield Bar(progress, self._console)

    def show_end(self, end: End) -> None:
        """The table of outcomes, why rows failed, and where everything is."""
        if end.summary:
            self._console.print(_outcomes(end.summary))
        if end.summary.get("failed"):
            self._console.print(_most_frequent(end.summary))
        if end.failures:
            self._console.print(_failures(end.failures))
        self._show_ending(end)
        for note in end.notes:
            self.say(note)
        for name, place in end.places:
            self.say(f"{name + ':':16}{place}")

    def _show_ending(self, end: End) -> None:
        if end.execution["status"] == "SUCCEEDED":
            seconds, rate = end.summary.get("duration_seconds"), end.summary.get("images_per_second")
            self.say(f"The run succeeded: {seconds} seconds, {rate} images a second.")
        elif end.execution["status"] == "ABORTED":
            self.say("The run was stopped.")
        else:
            self.say(f"The run failed: {end.execution.get('error')}. {_sentence(str(end.execution.get('cause')))}")


def _shown(text: str) -> str:
    """Text that may be the internet's: no markup, and no character that a terminal would obey."""
    seen = (char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)
    return escape("".join(seen))


def _sentence(cause: str) -> str:
    """Of what Lambda tells as JSON, the message."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _outcomes(summary: Mapping[str, Any]) -> Table:
    table = Table(title=f"{summary['rows']} rows of {_shown(summary['manifest']['key'])}", title_justify="left")
    table.add_column("outcome")
    table.add_column("rows", justify="right")
    table.add_column("which are")
    for ending, meaning in OUTCOME_MEANINGS.items():
        count = summary[ending]
        table.add_row(str(ending), str(count), meaning, style="" if count else "dim")
    return table


def _most_frequent(summary: Mapping[str, Any]) -> Table:
    """Reasons and hosts side by side."""
    table = Table(title="Failures, the most frequent first", title_justify="left")
    for name in ("reason", "host"):
        table.add_column(name, overflow="fold")
        table.add_column("rows", justify="right")
    reasons, hosts = (summary[name].items() for name in ("failures_by_reason", "failures_by_host"))
    pairs = itertools.zip_longest(reasons, hosts, fillvalue=("", ""))
    for (reason, rows), (host, failed) in itertools.islice(pairs, SHOWN_REASONS):
        table.add_row(_shown(reason), str(rows), _shown(host), str(failed))
    return table


def _failures(rows: Sequence[Mapping[str, str]]) -> Table:
    table = Table(title=f"Failures, at most {SHOWN_FAILURES} shown", title_justify="left")
    table.add_column("row", justify="right")
    for name in ("reason", "url", "message"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_shown(row[name]) for name in ("row", "reason", "url", "message")))
    return table
