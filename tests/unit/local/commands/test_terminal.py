from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from local.commands.terminal import ProgressDisplay, RunResult, Terminal
from local.commands.watcher import ExecutionStatus, RunProgress

SUMMARY: dict[str, Any] = {
    "rows": 5,
    "stored": 2,
    "unchanged": 0,
    "skipped": 0,
    "duplicate": 0,
    "failed": 3,
    "manifest": {"key": "manifests/[bold]demo.csv"},
    "duration_seconds": 1.5,
    "images_per_second": 1.33,
    "failures_by_reason": {"http_4xx": 2, "dns": 1},
    "failures_by_host": {"a.example": 3},
}
FAILURE = {"row": "2", "reason": "dns", "url": "http://x/\x1b[2J\u202egpj.exe", "message": "[red]No such host."}


class Screen:
    """A console of 120 columns that keeps its text."""

    def __init__(self, *, terminal: bool = False) -> None:
        self._file = io.StringIO()
        self.console = Console(file=self._file, force_terminal=terminal, width=120, highlight=False)

    @property
    def text(self) -> str:
        return self._file.getvalue()


def progress(finished: int, rows: int | None = 100, status: str = "RUNNING", **counts: int) -> RunProgress:
    return RunProgress(ExecutionStatus(status), rows, finished, counts)


def result(status: str = "SUCCEEDED", **more: Any) -> RunResult:
    return RunResult(**{"execution": ExecutionStatus(status), "summary": SUMMARY, "locations": [], **more})


def test_without_a_terminal_a_line_is_printed_every_five_seconds_and_at_the_end() -> None:
    screen, now = Screen(), [0.0]
    display = ProgressDisplay(None, screen.console, lambda: now[0])

    for second in range(12):
        now[0] = float(second)
        display.update(progress(second * 5, stored=second * 5))
    display.update(progress(100, status="SUCCEEDED", stored=97, failed=3))

    assert screen.text.splitlines() == [
        "0 of 100 rows",
        "25 of 100 rows, 25 stored, 5.0 rows/s, 0:15 left",
        "50 of 100 rows, 50 stored, 5.0 rows/s, 0:10 left",
        "100 of 100 rows, 97 stored, 3 failed",
    ]


def test_without_a_terminal_nothing_is_printed_before_the_rows_are_counted() -> None:
    screen = Screen()

    Terminal(screen.console).follow([progress(0, None)])

    assert screen.text == ""


def test_in_a_terminal_the_bar_has_rows_and_counts() -> None:
    screen = Screen(terminal=True)

    last = Terminal(screen.console).follow([progress(0, None), progress(100, status="SUCCEEDED", stored=99, failed=1)])

    assert last.finished == 100
    assert "100/100" in screen.text
    assert "99 stored, 1 failed" in screen.text


def test_the_result_shows_outcomes_reasons_hosts_and_locations_in_order() -> None:
    screen = Screen()

    Terminal(screen.console).show_result(result(locations=[("Report", "out/report.html"), ("Images", "out/images")]))

    text = screen.text
    assert "5 rows of manifests/[bold]demo.csv" in text
    assert ["│", "http_4xx", "│", "2", "│", "a.example", "│", "3", "│"] in [line.split() for line in text.splitlines()]
    assert "The run succeeded: 1.5 seconds, 1.33 images/s." in text
    assert text.splitlines()[-2:] == ["Report:         out/report.html", "Images:         out/images"]


def test_text_of_the_internet_is_neither_markup_nor_a_control_sequence() -> None:
    screen = Screen(terminal=True)

    Terminal(screen.console).show_result(result(failures=[FAILURE]))

    assert "[red]No such host." in screen.text
    assert "\\u001b[2J\\u202egpj.exe" in screen.text
    assert "\x1b[2J" not in screen.text


@pytest.mark.parametrize(
    ("execution", "sentence"),
    [
        (ExecutionStatus("ABORTED"), "The run was cancelled."),
        (ExecutionStatus("FAILED", "E", "Why."), "The run failed: E. Why."),
        (
            ExecutionStatus("FAILED", "E", '{"errorMessage": "Why.", "stackTrace": []}'),
            "The run failed: E. Why.",
        ),
    ],
)
def test_a_run_that_did_not_succeed_says_why(execution: ExecutionStatus, sentence: str) -> None:
    screen = Screen()

    Terminal(screen.console).show_result(result(execution=execution, summary=None))

    assert screen.text.splitlines() == [sentence]
