"""The output of the commands: a progress bar during a run, tables at its end, plain lines without a terminal."""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from functions.core.model.outcomes import OUTCOME_MEANINGS
from functions.core.model.runs import INTERRUPTED, LocalRun
from functions.core.model.types import RunSummary
from functions.core.report.next_steps import environment_command, retry_command
from functions.core.report.state import headline
from local.commands.progress import Throughput
from local.commands.watcher import ExecutionStatus, RunProgress

MAX_FAILURES = 10
"""Maximum number of failures in the table of failures."""

MAX_REASONS = 5
"""Maximum number of rows in the table of the most frequent reasons and hosts."""

HEADLINE_STYLES = {"succeeded": "bold green", "failed": "bold red", "cancelled": "bold yellow"}
"""Style of the first sentence by status, where the output is a terminal."""

REFRESHES = 2.0
"""Of the progress bar, per second: drawing it takes time from the downloads, and its values change once a second."""

LINE_SECONDS = 5.0
"""Minimum time between two plain lines about a running run."""


@dataclass(frozen=True)
class RunResult:
    """The end of a run. `summary` is None where SummarizeRun has not written one; `local_run` is None in AWS;
    `locations` are labels and paths or URLs; `failures` are the first rows of the failures report."""

    execution: ExecutionStatus
    summary: RunSummary | None
    locations: Sequence[tuple[str, str]]
    failures: Sequence[Mapping[str, str]] = ()
    notes: Sequence[str] = ()
    local_run: LocalRun | None = None


def report_files(summary: RunSummary) -> list[tuple[str, str]]:
    """Labels and keys of the reports that the run has written, the most useful first."""
    files = (
        ("Report", summary.get("report")),
        ("Failures", summary.get("failures_report")),
        ("Retry manifest", summary.get("retry_manifest")),
    )
    return [(label, key) for label, key in files if key]


class ProgressDisplay:
    """Shows rows by outcome, rate and time left: in a progress bar, or in plain lines where `bar` is None."""

    def __init__(self, bar: Progress | None, console: Console, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._bar = bar
        self._task: TaskID | None = None
        self._console = console
        self._monotonic = monotonic
        self._throughput = Throughput(monotonic)
        self._last_line: tuple[float, str] = (-LINE_SECONDS, "")
        self._note = ""

    def update(self, progress: RunProgress) -> None:
        self._throughput.update(progress.finished)
        if progress.note != self._note:
            self._note = progress.note
            self._console.print(_safe(progress.note), soft_wrap=True)
        if self._bar is None:
            self._print_line(progress)
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=None, details="")
        details = self._details(progress)
        self._bar.update(self._task, total=progress.rows, completed=progress.finished, details=details)

    def _print_line(self, progress: RunProgress) -> None:
        """Print a line where it differs from the last one and the last one is old enough."""
        if progress.rows is None:
            return
        printed_at, previous = self._last_line
        text, now = f"{progress.finished:,} of {progress.rows:,} rows", self._monotonic()
        if text != previous and (now - printed_at >= LINE_SECONDS or not progress.running):
            self._last_line = now, text
            self._console.print(", ".join(filter(None, (text, self._details(progress)))), soft_wrap=True)

    def _details(self, progress: RunProgress) -> str:
        left = self._throughput.seconds_left(progress.rows) if progress.running else None
        parts = [f"{count:,} {name}" for name in OUTCOME_MEANINGS if (count := progress.counts.get(name, 0))]
        if progress.running and self._throughput.rate:
            parts.append(f"{self._throughput.rate:,.1f} rows/s")
        if left and left >= 1:
            parts.append(f"{_duration(left)} left")
        return ", ".join(parts)


class Terminal:
    """Standard output, with colours where it is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def print(self, text: str) -> None:
        self._console.print(_safe(text), soft_wrap=True)

    def follow(self, polls: Iterable[RunProgress]) -> RunProgress:
        """Show the progress at each poll and return the last one; there must be at least one."""
        with self._display() as display:
            for progress in polls:
                display.update(progress)
        return progress

    @contextmanager
    def _display(self) -> Iterator[ProgressDisplay]:
        if not self._console.is_terminal:
            yield ProgressDisplay(None, self._console)
            return
        details = TextColumn("{task.fields[details]}")
        columns = (BarColumn(bar_width=None), MofNCompleteColumn(), details, TimeElapsedColumn())
        with Progress(*columns, console=self._console, expand=True, refresh_per_second=REFRESHES) as bar:
            yield ProgressDisplay(bar, self._console)

    def show_result(self, result: RunResult) -> None:
        """Show what happened and how to retry it, rows by outcome, failures, the status, and where the files are."""
        if result.summary:
            self._show_summary(result.summary, result.local_run)
        if result.failures:
            self._console.print(_failures(result.failures))
        self.print(_status_sentence(result))
        for note in result.notes:
            self.print(note)
        for label, location in result.locations:
            self.print(f"{label + ':':16}{location}")

    def _show_summary(self, summary: RunSummary, local_run: LocalRun | None) -> None:
        self._console.print(_safe(headline(summary)), style=HEADLINE_STYLES.get(summary["status"], ""), soft_wrap=True)
        for line in _retry_lines(summary, local_run):
            self.print(line)
        if summary["rows"]:
            self._console.print(_outcomes(summary))
        if summary["failed"]:
            self._console.print(_most_frequent(summary))
        if summary.get("note"):
            self.print(str(summary["note"]))


def _retry_lines(summary: RunSummary, local_run: LocalRun | None) -> Iterator[str]:
    """A sentence, and a line with the command, which can be copied."""
    command = " ".join(retry_command(summary, local_run))
    if not command:
        return
    rows = summary.get("retry_rows", 0)  # 0: a summary of an earlier version
    which = "the row that" if rows == 1 else f"the {rows:,} rows that" if rows else "the rows that"
    environment = environment_command(local_run)
    yield f"Retry {which} may still succeed{f', after `{environment}`' if environment else ''}:"
    yield f"  {command}"


def _status_sentence(result: RunResult) -> str:
    execution, summary = result.execution, result.summary
    if execution.succeeded and summary:
        return f"The run succeeded: {summary['duration_seconds']} seconds, {summary['images_per_second']} images/s."
    if execution.succeeded:
        return "The run succeeded."
    if execution.status == "ABORTED":
        interrupted = INTERRUPTED in (execution.error, summary["error"] if summary else None)
        return "The run was interrupted." if interrupted else "The run was cancelled."
    return f"The run failed: {execution.error}. {_error_message(execution.cause)}"


def _safe(text: str) -> str:
    """Text that may come from the internet, without markup and without control characters of terminals."""
    characters = (char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)
    return escape("".join(characters))


def _error_message(cause: str) -> str:
    """The message of a cause that is a Lambda error in JSON; any other cause unchanged."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _outcomes(summary: RunSummary) -> Table:
    table = Table(title=f"{summary['rows']} rows of {_safe(summary['manifest']['key'])}", title_justify="left")
    table.add_column("outcome")
    table.add_column("rows", justify="right")
    table.add_column("meaning")
    counts: Mapping[str, object] = summary
    for outcome, meaning in OUTCOME_MEANINGS.items():
        if count := counts[outcome]:
            table.add_row(str(outcome), str(count), meaning)
    return table


def _most_frequent(summary: RunSummary) -> Table:
    """Reasons and hosts side by side."""
    table = Table(title="Most frequent failures", title_justify="left")
    for name in ("reason", "host"):
        table.add_column(name, overflow="fold")
        table.add_column("rows", justify="right")
    reasons, hosts = summary["failures_by_reason"].items(), summary["failures_by_host"].items()
    pairs = itertools.zip_longest(reasons, hosts, fillvalue=("", ""))
    for (reason, reason_rows), (host, host_rows) in itertools.islice(pairs, MAX_REASONS):
        table.add_row(_safe(reason), str(reason_rows), _safe(host), str(host_rows))
    return table


def _failures(rows: Sequence[Mapping[str, str]]) -> Table:
    table = Table(title=f"First failures (at most {MAX_FAILURES})", title_justify="left")
    table.add_column("row", justify="right")
    for name in ("reason", "url", "message"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_safe(row[name]) for name in ("row", "reason", "url", "message")))
    return table
