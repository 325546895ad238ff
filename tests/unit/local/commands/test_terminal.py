from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from local.commands.terminal import Bar, End, Terminal
from local.commands.watcher import Seen

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
    """A console of 120 columns whose text is kept."""

    def __init__(self, *, terminal: bool = False) -> None:
        self._file = io.StringIO()
        self.console = Console(file=self._file, force_terminal=terminal, width=120, highlight=False)

    @property
    def text(self) -> str:
        return self._file.getvalue()


def seen(finished: int, rows: int | None = 100, status: str = "RUNNING", **counts: int) -> Seen:
    return Seen({"status": status}, rows, finished, counts)


def ended(status: str = "SUCCEEDED", **more: Any) -> End:
    return End(**{"execution": {"status": status}, "summary": SUMMARY, "places": [], **more})


def test_without_a_terminal_a_line_is_told_now_and_then_and_at_the_end() -> None:
    screen, now = Screen(), [0.0]
    bar = Bar(None, screen.console, lambda: now[0])

    for second in range(12):
        now[0] = float(second)
        bar.update(seen(second * 5, stored=second * 5))
    bar.update(seen(100, status="SUCCEEDED", stored=97, failed=3))

    assert screen.text.splitlines() == [
        "0 of 100 rows",
        "25 of 100 rows, 25 stored, 5.0 rows/s, 0:15 left",
        "50 of 100 rows, 50 stored, 5.0 rows/s, 0:10 left",
        "100 of 100 rows, 97 stored, 3 failed",
    ]


def test_without_a_terminal_nothing_is_told_before_the_rows_are_counted() -> None:
    screen = Screen()

    Terminal(screen.console).follow([seen(0, None)])

    assert screen.text == ""


def test_in_a_terminal_the_bar_has_rows_and_counts() -> None:
    screen = Screen(terminal=True)

    last = Terminal(screen.console).follow([seen(0, None), seen(100, status="SUCCEEDED", stored=99, failed=1)])

    assert last.finished == 100
    assert "100/100" in screen.text
    assert "99 stored, 1 failed" in screen.text


def test_the_end_tells_outcomes_reasons_hosts_and_places_in_their_order() -> None:
    screen = Screen()

    Terminal(screen.console).show_end(ended(places=[("Report", "out/report.html"), ("Images", "out/images")]))

    text = screen.text
    assert "5 rows of manifests/[bold]demo.csv" in text
    assert ["│", "http_4xx", "│", "2", "│", "a.example", "│", "3", "│"] in [line.split() for line in text.splitlines()]
    assert "The run succeeded: 1.5 seconds, 1.33 images a second." in text
    assert text.splitlines()[-2:] == ["Report:         out/report.html", "Images:         out/images"]


def test_what_the_internet_says_is_neither_markup_nor_an_order_to_the_terminal() -> None:
    screen = Screen(terminal=True)

    Terminal(screen.console).show_end(ended(failures=[FAILURE]))

    assert "[red]No such host." in screen.text
    assert "\\u001b[2J\\u202egpj.exe" in screen.text
    assert "\x1b[2J" not in screen.text


@pytest.mark.parametrize(
    ("execution", "sentence"),
    [
        ({"status": "ABORTED"}, "The run was stopped."),
        ({"status": "FAILED", "error": "E", "cause": "Why."}, "The run failed: E. Why."),
        (
            {"status": "FAILED", "error": "E", "cause": '{"errorMessage": "Why.", "stackTrace": []}'},
            "The run failed: E. Why.",
        ),
    ],
)
def test_a_run_that_did_not_succeed_says_why(execution: dict[str, str], sentence: str) -> None:
    screen = Screen()

    Terminal(screen.console).show_end(ended(execution=execution, summary={}))

    assert screen.text.splitlines() == [sentence]
