"""The progress of a run: its rate and the time left, as a bar in a terminal and as lines elsewhere."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from functions.core.model.outcomes import OUTCOME_MEANINGS
from local.commands.watcher import RunProgress
from local.startup import ECHO_COLUMNS

WINDOW_SECONDS = 30.0
"""Time over which the rate is averaged: batches end in bursts."""

REFRESHES = 2.0
"""Of the progress bar, per second: drawing it takes time from the downloads, and its values change once a second."""

BAR_COLUMNS = 60
RATE_COLUMNS = 48
"""Minimum widths of a terminal that shows a bar and the time that has passed, and of one that shows the rate."""

LINE_SECONDS = 5.0
"""Minimum time between two plain lines about a running run."""


class Throughput:
    """The rate of a run. `update` it with the number of finished rows at every poll."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._samples: deque[tuple[float, int]] = deque()

    def update(self, finished: int) -> None:
        now = self._monotonic()
        self._samples.append((now, finished))
        while len(self._samples) > 2 and now - self._samples[1][0] >= WINDOW_SECONDS:
            self._samples.popleft()

    @property
    def rate(self) -> float:
        """Rows per second in the recent window; 0 where no row has finished."""
        if len(self._samples) < 2:
            return 0.0
        (start, before), (end, after) = self._samples[0], self._samples[-1]
        return (after - before) / (end - start) if end > start else 0.0

    def seconds_left(self, rows: int | None) -> float | None:
        """Estimated seconds until `rows` rows have finished; None where it is unknown."""
        if rows is None or not self.rate:
            return None
        return (rows - self._samples[-1][1]) / self.rate


class RunBar(Progress):
    """A bar with the number of rows, their rate and the time left, and below it the rows by outcome, which are cut if
    the terminal is too narrow for them. It is removed at the end, when the result follows."""

    def __init__(self, console: Console) -> None:
        fields = (TextColumn(f"{{task.fields[{name}]}}", table_column=_kept()) for name in ("rate", "left"))
        count, rate, left = MofNCompleteColumn(table_column=_kept()), *fields
        everything = (BarColumn(bar_width=None), count, rate, left, TimeElapsedColumn(table_column=_kept()))
        self._by_width = ((BAR_COLUMNS, everything), (RATE_COLUMNS, (count, rate, left)), (0, (count, left)))
        self._terminal = console
        super().__init__(*everything, console=console, expand=True, refresh_per_second=REFRESHES, transient=True)

    def get_renderable(self) -> RenderableType:
        return Constrain(super().get_renderable(), self._terminal.width - ECHO_COLUMNS)

    def get_renderables(self) -> Iterator[RenderableType]:
        self.columns = next(columns for width, columns in self._by_width if self._terminal.width >= width)
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if task.fields["outcomes"]:
                yield Text(task.fields["outcomes"], no_wrap=True, overflow="ellipsis")


def _kept() -> Column:
    """A column that is never narrower than its text, where there is room for it."""
    return Column(no_wrap=True)


class ProgressDisplay:
    """Shows rows by outcome, rate and time left: in a progress bar, or in plain lines where `bar` is None."""

    def __init__(self, bar: RunBar | None, console: Console, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._bar = bar
        self._task: TaskID | None = None
        self._console = console
        self._monotonic = monotonic
        self._throughput = Throughput(monotonic)
        self._last_line: tuple[float, str] = (-LINE_SECONDS, "")
        self.note = ""

    def update(self, progress: RunProgress) -> None:
        self._throughput.update(progress.finished)
        if progress.note != self.note:
            self.note = progress.note
            self._console.print(safe_text(progress.note), soft_wrap=True)
        outcomes, rate, left = _counts(progress), self._rate(progress), self._left(progress)
        if self._bar is None:
            self._print_line(progress, (outcomes, rate, left))
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=None, outcomes="", rate="", left="")
        self._bar.update(
            self._task, total=progress.rows, completed=progress.finished, outcomes=outcomes, rate=rate, left=left
        )

    def _print_line(self, progress: RunProgress, texts: Iterable[str]) -> None:
        """Print a line if it differs from the last one, and that is old enough. After the end, the result follows."""
        if progress.rows is None or not progress.running:
            return
        printed_at, previous = self._last_line
        text, now = f"{progress.finished:,} of {progress.rows:,} rows", self._monotonic()
        if text != previous and now - printed_at >= LINE_SECONDS:
            self._last_line = now, text
            self._console.print(", ".join(filter(None, (text, *texts))), soft_wrap=True)

    def _rate(self, progress: RunProgress) -> str:
        return f"{self._throughput.rate:,.1f} rows/s" if progress.running and self._throughput.rate else ""

    def _left(self, progress: RunProgress) -> str:
        left = self._throughput.seconds_left(progress.rows) if progress.running else None
        return f"{_duration(left)} left" if left and left >= 1 else ""


def _counts(progress: RunProgress) -> str:
    return ", ".join(f"{count:,} {name}" for name in OUTCOME_MEANINGS if (count := progress.counts.get(name, 0)))


def safe_text(text: str) -> str:
    """Text that may come from the internet, without markup and without control characters of terminals."""
    characters = (char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)
    return escape("".join(characters))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
