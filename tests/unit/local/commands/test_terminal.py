from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.runs import LocalRun
from local.commands.terminal import ProgressDisplay, RunResult, Terminal
from local.commands.watcher import ExecutionStatus, RunProgress

SUMMARY: dict[str, Any] = {
    "rows": 5,
    "stored": 2,
    "unchanged": 0,
    "skipped": 0,
    "duplicate": 0,
    "failed": 3,
    "run_id": "demo-1",
    "status": "succeeded",
    "error": None,
    "manifest": {"bucket": "input", "key": "manifests/[bold]demo.csv"},
    "retry_manifest": None,
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


@pytest.mark.parametrize("terminal", [False, True])
def test_a_note_about_the_run_is_printed_once(terminal: bool) -> None:
    screen = Screen(terminal=terminal)
    display = ProgressDisplay(None, screen.console)
    noted = replace(progress(0, rows=None), note="At most 3 batches run at once instead of 40.")

    for _ in range(3):
        display.update(noted)

    assert screen.text.count("At most 3 batches run at once instead of 40.") == 1


def test_the_result_shows_the_note_of_the_summary() -> None:
    screen = Screen()

    Terminal(screen.console).show_result(result(summary={**SUMMARY, "note": "At most 3 batches run at once."}))

    assert "At most 3 batches run at once." in screen.text.splitlines()


def test_in_a_terminal_the_bar_has_rows_and_counts() -> None:
    screen = Screen(terminal=True)

    last = Terminal(screen.console).follow([progress(0, None), progress(100, status="SUCCEEDED", stored=99, failed=1)])

    assert last.finished == 100
    assert "100/100" in screen.text
    assert "99 stored, 1 failed" in screen.text


def shown(terminal: bool = False, **fields: Any) -> str:
    """What is shown of a result; `fields` are of RunResult, or of the summary."""
    of_result = {
        name: fields.pop(name) for name in ("execution", "failures", "locations", "local_run") if name in fields
    }
    screen = Screen(terminal=terminal)
    Terminal(screen.console).show_result(result(summary={**SUMMARY, **fields}, **of_result))
    return screen.text


def test_the_result_shows_outcomes_reasons_hosts_and_locations_in_order() -> None:
    text = shown(locations=[("Report", "out/report.html"), ("Images", "out/images")])

    assert "5 rows of manifests/[bold]demo.csv" in text
    assert ["│", "http_4xx", "│", "2", "│", "a.example", "│", "3", "│"] in [line.split() for line in text.splitlines()]
    assert "The run succeeded: 1.5 seconds, 1.33 images/s." in text
    assert text.splitlines()[-2:] == ["Report:         out/report.html", "Images:         out/images"]


RETRY = {"retry_manifest": "runs/demo-1/retry.csv", "retry_rows": 2, "retry_options": {"rounds": "3"}}


def test_the_result_begins_with_what_happened_and_the_command_that_retries_it() -> None:
    local_run = LocalRun(command="run", out="my images", allow="10.0.0.0/8", demo=True)

    lines = shown(**RETRY, local_run=local_run).splitlines()

    assert lines[:3] == [
        "2 images stored, 3 rows failed.",
        "Retry the 2 rows that may still succeed:",
        "  ./image-mirror run 'my images/runs/demo-1/retry.csv' --demo --out 'my images' --allow 10.0.0.0/8"
        " --option rounds=3",
    ]
    assert lines[3].strip().startswith("5 rows of")


@pytest.mark.parametrize(
    ("local_run", "sentence"),
    [
        (None, "Retry the 2 rows that may still succeed:"),
        (LocalRun(command="up", out="out"), "Retry the 2 rows that may still succeed, after `source out/local.env`:"),
    ],
)
def test_a_run_of_aws_or_of_make_up_is_retried_by_a_copy_in_s3(local_run: LocalRun | None, sentence: str) -> None:
    lines = shown(**RETRY, local_run=local_run).splitlines()

    copy = "  aws s3 cp s3://input/runs/demo-1/retry.csv s3://input/manifests/demo-1-retry.csv"
    assert lines[1:3] == [sentence, copy]


@pytest.mark.parametrize(
    ("rows", "which"), [(1, "the row that"), (1_200, "the 1,200 rows that"), (None, "the rows that")]
)
def test_rows_to_retry_are_counted_unless_the_summary_is_of_an_earlier_version(rows: int | None, which: str) -> None:
    fields = {"retry_manifest": "runs/demo-1/retry.csv"} | ({"retry_rows": rows} if rows else {})

    assert f"Retry {which} may still succeed:" in shown(**fields)


def test_without_a_retry_manifest_no_command_is_shown() -> None:
    assert "Retry" not in shown()


def test_the_table_has_only_outcomes_that_occurred() -> None:
    text = shown()

    assert [name for name in OutcomeKind if f"│ {name} " in text] == ["stored", "failed"]


def test_a_run_of_no_rows_has_no_table() -> None:
    text = shown(
        rows=0,
        stored=0,
        failed=0,
        execution=ExecutionStatus("FAILED", "InvalidManifest", "No url column."),
        status="failed",
        error="InvalidManifest",
    )

    assert text.splitlines() == ["The run could not start.", "The run failed: InvalidManifest. No url column."]


@pytest.mark.parametrize("error", ["Interrupted", ""])
def test_an_interrupted_run_says_how_far_it_came_and_how_to_continue(error: str) -> None:
    lines = shown(
        **RETRY,
        execution=ExecutionStatus("ABORTED", error),
        local_run=LocalRun(command="run", out="out"),
        status="cancelled",
        error="Interrupted",
        rows=600,
        stored=250,
        failed=350,
        failures_by_reason={"out_of_time": 350},
    ).splitlines()

    assert lines[0] == "The run was interrupted; 250 of 600 images were stored, 350 rows were not attempted."
    assert lines[2] == "  ./image-mirror run out/runs/demo-1/retry.csv --out out --option rounds=3"
    assert lines[-1] == "The run was interrupted."


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_colours_are_for_terminals_alone(status: str) -> None:
    plain, coloured = (shown(terminal=terminal, status=status, error="TooManyFailures") for terminal in (False, True))

    assert "\x1b" not in plain
    assert coloured.startswith("\x1b[1;3")


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
