"""The output of the commands: a progress bar during a run, its result at the end, plain lines without a terminal."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.table import Column, Table

from functions.core.model.outcomes import OUTCOME_MEANINGS, OutcomeKind
from functions.core.model.reasons import reason_meaning
from functions.core.model.runs import INTERRUPTED, LocalRun
from functions.core.model.types import ProbeResult, RunSummary
from functions.core.report.formatting import plural, rate, seconds
from functions.core.report.next_steps import environment_command, retry_command
from functions.core.report.probe import percent, probe_facts
from functions.core.report.state import NOT_ATTEMPTED, State, headline, not_attempted, run_state
from local.commands.progress import ProgressDisplay, RunBar, safe_text
from local.commands.watcher import ExecutionStatus, RunProgress
from local.startup import drawn, spinner

MAX_EXAMPLES = 2
"""Failed rows that are shown of each reason."""

STATE_STYLES: Mapping[State, str] = {
    State.SUCCEEDED: "bold green",
    State.WITH_FAILURES: "bold yellow",
    State.FAILED: "bold red",
    State.CANCELLED: "bold",
}
"""Style of the first sentence by state, where the output is a terminal."""


@dataclass(frozen=True)
class RunResult:
    """The end of a run. `summary` is None where SummarizeRun has not written one; `local_run` is None in AWS;
    `locations` are labels and paths or URLs; `failures` are rows of the failures report, at most MAX_EXAMPLES of a
    reason (`failure_examples`)."""

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


def failure_examples(rows: Iterable[Mapping[str, str]], reasons: Iterable[str]) -> list[Mapping[str, str]]:
    """The first rows of each of the reasons. Reads no further than it must."""
    missing = dict.fromkeys(reasons, MAX_EXAMPLES)
    found = []
    for row in rows:
        reason = row["reason"]
        if missing.get(reason):
            found.append(row)
            missing[reason] -= 1
            if not any(missing.values()):
                break
    return found


class Terminal:
    """Standard output, with colours where it is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._shown_note = ""

    def print(self, text: str, style: str = "") -> None:
        self._console.print(safe_text(text), style=style, soft_wrap=True)

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show a spinner meanwhile, or a line where the output is no terminal."""
        if not self._console.is_interactive:
            self.print(f"{text}.")
        with spinner(text, self._console):
            yield

    def follow(self, polls: Iterable[RunProgress]) -> RunProgress:
        """Show the progress at each poll and return the last one; there must be at least one."""
        with self._display() as display:
            for progress in polls:
                display.update(progress)
            self._shown_note = display.note
        return progress

    @contextmanager
    def _display(self) -> Iterator[ProgressDisplay]:
        if not self._console.is_interactive:
            yield ProgressDisplay(None, self._console)
            return
        with drawn(RunBar(self._console)) as bar:
            yield ProgressDisplay(bar, self._console)

    def show_result(self, result: RunResult) -> None:
        """The state, rows by outcome, why rows failed, how to retry them, and where the files are."""
        summary = result.summary
        if summary:
            self._show_summary(summary, result)
        else:
            state, why = _end_of_execution(result.execution)
            self.print(why, STATE_STYLES[state])
        for note in result.notes:
            self.print(note)
        for label, location in result.locations:
            self.print(f"{label + ':':16}{location}")

    def _show_summary(self, summary: RunSummary, result: RunResult) -> None:
        state = run_state(summary)
        self.print(f"{state.capitalize()}. {headline(summary, state_is_shown=True)}", STATE_STYLES[state])
        if state is State.FAILED:
            self.print(_error(result.execution, summary))
        if summary["rows"]:
            self.print(_facts(summary))
        if probe := summary.get("probe"):
            self._show_probe(probe)
        elif summary["rows"]:
            self._console.print(_outcomes(summary))
        for line in _reasons(summary, result.failures):
            self.print(line)
        if note := (summary.get("note") or "").replace(self._shown_note, "").strip():
            self.print(note)
        for line in _retry_lines(summary, result.local_run):
            self.print(line)

    def _show_probe(self, probe: ProbeResult) -> None:
        for table in _probe_tables(probe):
            self._console.print(table)
        for note in probe["notes"]:
            self.print(note)


def _probe_tables(probe: ProbeResult) -> Iterator[Table]:
    figures = Table(title="A run of the list, estimated by the sample", title_justify="left")
    for name in ("figure", "estimate", "details"):
        figures.add_column(name, overflow="fold")
    for fact in probe_facts(probe):
        figures.add_row(fact.name, fact.value, fact.details)
    yield figures
    if not probe["failure_shares"]:
        return
    reasons = Table(title="Why rows of the list would fail", title_justify="left")
    reasons.add_column("reason", overflow="fold")
    reasons.add_column("share of the rows", justify="right")
    for reason, share in probe["failure_shares"].items():
        reasons.add_row(safe_text(reason), percent(share))
    yield reasons
    hosts = Table(title="Hosts with failures in the sample", title_justify="left")
    for name in ("host", "rows of the list", "probed", "failed", "most frequent reason"):
        hosts.add_column(name, overflow="fold", justify="left" if name in ("host", "most frequent reason") else "right")
    for host in probe["worst_hosts"]:
        rows = "" if host["rows"] is None else f"{host['rows']:,}"
        hosts.add_row(
            safe_text(host["host"]), rows, str(host["probed"]), str(host["failed"]), safe_text(host["reason"])
        )
    yield hosts


def _facts(summary: RunSummary) -> str:
    took = seconds(summary["duration_seconds"])
    speed = f", {rate(summary['images_per_second'])}" if summary["stored"] else ""
    return f"{plural(summary['rows'], 'row')} of {summary['manifest']['key']} in {took}{speed}"


def _outcomes(summary: RunSummary) -> Table:
    """The outcomes that occurred."""
    table = Table.grid(
        Column(no_wrap=True), Column(no_wrap=True, justify="right"), Column(), padding=(0, 2), pad_edge=True
    )
    remaining = not_attempted(summary)
    counts: Mapping[str, object] = {**summary, OutcomeKind.FAILED.value: summary["failed"] - remaining}
    for outcome, meaning in OUTCOME_MEANINGS.items():
        if count := counts[outcome]:
            table.add_row(str(outcome), f"{count:,}", meaning)
    if remaining:
        table.add_row("not attempted", f"{remaining:,}", "when the run was cancelled")
    return table


def _reasons(summary: RunSummary, failures: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """All reasons, and examples of each, with the URL on a line of its own. A row that was not attempted has none."""
    counts = dict(summary["failures_by_reason"])
    if not_attempted(summary):
        del counts[NOT_ATTEMPTED]
    if counts:
        yield "Why rows failed:"
    later: Mapping[str, int] = summary.get("retryable_by_reason", {})  # a summary of an earlier version has none
    for reason, count in counts.items():
        yield f"  {reason}: {count:,}{_later(later.get(reason, 0), count)}"
        examples = [row for row in failures if row["reason"] == reason]
        if not examples:
            yield f"    {reason_meaning(reason)}"
        for row in examples:
            number = row.get("manifest_row") or row["row"]  # that of a probe's row in its list
            yield f"    row {number}: {row['url']}"
            yield f"      {row['message']}"


def _later(retryable: int, count: int) -> str:
    if not retryable:
        return ""
    return ", may succeed later" if retryable == count else f", {retryable:,} may succeed later"


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


def _error(execution: ExecutionStatus, summary: RunSummary) -> str:
    return f"{summary['error'] or execution.error}: {summary.get('cause') or _error_message(execution.cause)}"


def _end_of_execution(execution: ExecutionStatus) -> tuple[State, str]:
    """The state of a run that has no summary."""
    if execution.succeeded:
        return State.SUCCEEDED, "Succeeded."
    if execution.status == "ABORTED":
        return (
            State.CANCELLED,
            "Cancelled. The run was interrupted." if execution.error == INTERRUPTED else "Cancelled.",
        )
    return State.FAILED, f"Failed. {execution.error}: {_error_message(execution.cause)}"


def _error_message(cause: str) -> str:
    """The message of a cause that is a Lambda error in JSON; any other cause unchanged."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause
