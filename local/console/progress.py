"""A run as figures and sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from functions.core.api.responses import Counts, LiveCounts, Run, RunDetails
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.runs import Status
from functions.core.model.types import RunSummary
from functions.core.report.formatting import number, plural, seconds, utc_time
from functions.core.report.state import headline, not_attempted

OVER = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
ANNOUNCED_PERCENT = 10
"""Step of the progress that a screen reader is told."""

INDEX_FILE = "athena.sql"
"""The last file of the index."""

INDEX_TIME = timedelta(minutes=5)
"""The time in which the index of most runs is made. After that, the page of the run waits no longer."""

INDEXING = "The index is being made. Its files will appear here."
INDEX_MISSING = (
    "The index could not be made, or is still being made: load the page again. To make it again, run"
    " ./image-mirror index {run_id}"
)

UPLOADED = (
    "The manifest is uploaded. Its run begins when the event of the upload arrives, usually within seconds; with a"
    " bucket that is new, S3 may take five minutes."
)


@dataclass(frozen=True, slots=True)
class State:
    """`label` is shown; `kind` is the CSS class of its colour."""

    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the bar of outcomes, in percent."""

    name: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class RunProgress:
    """`percent` is None where the number of rows, or of finished ones, is not known."""

    state: State
    sentence: str
    percent: int | None
    bar: list[Share]
    outcomes: list[tuple[str, int]]

    @property
    def announcement(self) -> str:
        """Changes rarely: a screen reader reads each change."""
        if self.state.kind != "active":
            return f"{self.state.label}. {self.sentence}"
        done = (self.percent or 0) // ANNOUNCED_PERCENT * ANNOUNCED_PERCENT
        return f"{self.state.label}, {done} percent" if done else self.state.label


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of a run, with their sizes. `pending` is true while those of its index are being written; `note` says
    so, or what is missing; `version` differs between two lists that differ."""

    sizes: Mapping[str, int]
    pending: bool = False
    note: str = ""

    @property
    def version(self) -> str:
        return f"{len(self.sizes)}-{sum(self.sizes.values())}-{int(self.pending)}"


NO_FILES = RunFiles({})
WAITING = RunProgress(State("waiting", "active"), UPLOADED, None, [], [])
"""A run whose manifest is uploaded, and that has no record yet."""


def state_of(run: Run) -> State:
    if run.status not in OVER:
        return State(run.status.value, "active")
    if run.status is Status.SUCCEEDED and run.counts and run.counts.failed and not run.probe:
        return State("succeeded with failures", "mixed")
    return State(run.status.value, run.status.value)


def needs_summary(run: RunDetails) -> bool:
    """Whether the API alone does not say what happened: which rows a cancelled run did not attempt, and of a probe."""
    return run.status is Status.CANCELLED or bool(run.probe and run.status is Status.SUCCEEDED)


def progress_of(run: RunDetails, summary: RunSummary | None = None) -> RunProgress:
    """`summary` is that of a run that needs it."""
    if run.status in OVER:
        outcomes = _outcomes(run.counts, not_attempted(summary) if summary else 0)
        sentence = headline(summary, state_is_shown=True) if summary else _ended(run)
        return RunProgress(state_of(run), sentence, 100 if run.rows else None, _bar(outcomes), outcomes)
    percent = min(99, run.live.done * 100 // run.rows) if run.live and run.rows else None
    return RunProgress(state_of(run), _active(run), percent, [], [])


def files_of(run: RunDetails, sizes: Mapping[str, int], now: datetime | None = None) -> RunFiles:
    """After the end of a run, its index is made, which takes seconds, or minutes for a million rows."""
    if not run.rows or not run.ended_at or INDEX_FILE in sizes:
        return RunFiles(sizes)
    if (now or datetime.now(UTC)) - datetime.fromisoformat(run.ended_at) < INDEX_TIME:
        return RunFiles(sizes, pending=True, note=INDEXING)
    return RunFiles(sizes, note=INDEX_MISSING.format(run_id=run.run_id))


def duration_of(run: Run) -> str:
    if not run.started_at or not run.ended_at:
        return ""
    return seconds((datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)).total_seconds())


def _active(run: RunDetails) -> str:
    if run.status is Status.CANCELLING:
        return "Its batches are ending. What was stored stays; the other rows go into the retry manifest."
    if run.live is None:
        known = f"{plural(run.rows, 'row')}. " if run.rows else ""
        return f"{known}The manifest is being checked, or the batches are starting or ending."
    return _live(run.live, run.rows)


def _live(live: LiveCounts, rows: int | None) -> str:
    total = f" of {plural(rows, 'row')}" if rows else ""
    parts = [f"{number(live.done)}{total} done, {number(live.running)} in progress"]
    if live.waits_until:
        parts.append(f"pass {live.pass_number} begins at {utc_time(live.waits_until)}")
    elif live.done:
        parts.append(f"{live.rows_per_second:,.1f} rows a second")
    if live.estimated_end:
        left = (datetime.fromisoformat(live.estimated_end) - datetime.now(UTC)).total_seconds()
        parts.append(f"about {seconds(max(1, round(left)))} left")
    return ", ".join(parts) + "."


def _ended(run: RunDetails) -> str:
    if not run.counts or not run.rows:
        return f"{run.error}: {run.cause}" if run.error else "No row was read."
    stored = plural(run.counts.stored, "image")
    failed = f", {plural(run.counts.failed, 'row')} failed" if run.counts.failed else ""
    time = duration_of(run)
    return f"{stored} stored{failed}, of {plural(run.rows, 'row')}" + (f" in {time}." if time else ".")


def _outcomes(counts: Counts | None, remaining: int) -> list[tuple[str, int]]:
    """The outcomes that occurred. `remaining` of the failed rows were not attempted."""
    if counts is None:
        return []
    named = {kind.value: int(getattr(counts, kind.value)) for kind in OutcomeKind}
    named |= {OutcomeKind.FAILED.value: counts.failed - remaining, "not attempted": remaining}
    return [(name, count) for name, count in named.items() if count]


def _bar(outcomes: list[tuple[str, int]]) -> list[Share]:
    total, start, bar = sum(count for _, count in outcomes), 0.0, []
    for name, count in outcomes:
        width = count * 100 / total
        bar.append(Share(name, start, width))
        start += width
    return bar
