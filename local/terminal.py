"""What a user sees: a bar while a run goes on, a table when it has ended, plain lines where there is no terminal."""

import csv
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

ENDINGS = {
    "stored": "downloaded, checked and put into the bucket",
    "unchanged": "asked again, and as they were",
    "skipped": "known from an earlier run",
    "duplicate": "a URL that stands in the manifest twice",
    "failed": "each with its reason below",
}
SHOWN_FAILURES = 10


class Bar:
    """Tells rows as their batches end."""

    def __init__(self, progress: Progress | None, console: Console) -> None:
        self._progress = progress
        self._task = progress.add_task("Mirroring", total=None) if progress else None
        self._console = console
        self._told: tuple[int | None, int] = (None, 0)

    def update(self, rows: int | None, finished: int) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, total=rows, completed=finished)
        elif rows is not None and self._told != (rows, finished):
            self._console.print(f"{finished} of {rows} rows")
        self._told = (rows, finished)


class Terminal:
    """Standard output, with colours where it is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def say(self, text: str) -> None:
        self._console.print(escape(text), soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Bar]:
        if not self._console.is_terminal:
            yield Bar(None, self._console)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            yield Bar(progress, self._console)

    def show_end(self, execution: Mapping[str, Any], out: Path, run_id: str, refused: Mapping[str, str]) -> None:
        """The table of outcomes, the failures, and where everything is."""
        summary = _summary(out, run_id)
        if summary:
            self._console.print(_outcomes(summary))
            if summary["failures_report"]:
                self._console.print(_failures(out / summary["failures_report"]))
        self._show_ending(execution, summary)
        for key, why in refused.items():
            self.say(f"Not written to {out}, its name is no file's: {key} ({why})")
        self._show_places(summary, out, run_id)

    def _show_ending(self, execution: Mapping[str, Any], summary: Mapping[str, Any] | None) -> None:
        if execution["status"] == "SUCCEEDED":
            seconds, rate = (summary or {}).get("duration_seconds"), (summary or {}).get("images_per_second")
            self.say(f"The run succeeded: {seconds} seconds, {rate} images a second.")
        else:
            self.say(f"The run failed: {execution.get('error')}. {execution.get('cause')}")

    def _show_places(self, summary: Mapping[str, Any] | None, out: Path, run_id: str) -> None:
        places = [("Images", out / "images"), ("Table", out / "images.jsonl"), ("Messages", out / "messages.jsonl")]
        if summary:
            places.append(("Summary", out / "summary.json"))
            names = (("Failures", "failures_report"), ("Run them again", "retry_manifest"))
            places += [(name, out / summary[field]) for name, field in names if summary.get(field)]
        for name, path in places:
            if path.exists():
                self.say(f"{name + ':':16}{path}")


def _summary(out: Path, run_id: str) -> dict[str, Any] | None:
    path = out / "runs" / run_id / "summary.json"
    if not run_id or not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _outcomes(summary: Mapping[str, Any]) -> Table:
    table = Table(title=f"{summary['rows']} rows of {escape(summary['manifest']['key'])}", title_justify="left")
    table.add_column("outcome")
    table.add_column("rows", justify="right")
    table.add_column("which are")
    for ending, meaning in ENDINGS.items():
        count = summary[ending]
        table.add_row(ending, str(count), meaning, style="" if count else "dim")
    return table


def _failures(report: Path) -> Table:
    with report.open(encoding="utf-8", newline="") as file:
        rows = list(itertools.islice(csv.DictReader(file), SHOWN_FAILURES))
    table = Table(title=f"Failures, at most {SHOWN_FAILURES} shown", title_justify="left")
    table.add_column("row", justify="right")
    for name in ("reason", "url", "message"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape(row[name]) for name in ("row", "reason", "url", "message")))
    return table
