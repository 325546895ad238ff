from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.runs import LocalRun
from local.commands.progress import ProgressDisplay, RunBar
from local.commands.terminal import RunResult, Terminal, failure_examples
from local.commands.watcher import ExecutionStatus, RunProgress
from local.startup import ECHO_COLUMNS
from tests.unit.functions.core.report.test_probe import PROBE

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
    "retryable_by_reason": {"dns": 1},
    "failures_by_host": {"a.example": 3},
}
FAILURE = {"row": "2", "reason": "dns", "url": "http://x/\x1b[2J\u202egpj.exe", "message": "[red]No such host."}


class Screen:
    """A console that keeps its text."""

    def __init__(self, *, terminal: bool = False, width: int = 120) -> None:
        self._file = io.StringIO()
        self.console = Console(file=self._file, force_terminal=terminal, width=width, highlight=False)

    @property
    def text(self) -> str:
        return self._file.getvalue()


def progress(finished: int, rows: int | None = 100, status: str = "RUNNING", **counts: int) -> RunProgress:
    return RunProgress(ExecutionStatus(status), rows, finished, counts)


def result(status: str = "SUCCEEDED", **more: Any) -> RunResult:
    return RunResult(**{"execution": ExecutionStatus(status), "summary": SUMMARY, "locations": [], **more})


def test_without_a_terminal_a_line_is_printed_every_five_seconds_until_the_result_follows() -> None:
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


def test_a_note_that_was_shown_during_the_run_is_not_repeated_in_its_result() -> None:
    screen, note = Screen(), "At most 3 batches run at once."
    terminal = Terminal(screen.console)

    terminal.follow([replace(progress(0), note=note)])
    terminal.show_result(result(summary={**SUMMARY, "note": f"The rows were copied. {note}"}))

    assert screen.text.count(note) == 1
    assert "The rows were copied." in screen.text.splitlines()


def test_in_a_terminal_the_bar_has_rows_and_counts() -> None:
    screen = Screen(terminal=True)

    last = Terminal(screen.console).follow([progress(0, None), progress(100, status="SUCCEEDED", stored=99, failed=1)])

    assert last.finished == 100
    assert "100/100" in screen.text
    assert "99 stored, 1 failed" in screen.text


OUTCOMES = {"stored": 1_100_000, "unchanged": 12_345, "skipped": 1_234, "duplicate": 321, "failed": 12_345}


@pytest.mark.parametrize("width", [80, 120])
def test_the_bar_keeps_its_count_rate_and_time_left_with_five_outcomes(width: int) -> None:
    screen, now = Screen(terminal=True, width=width), [0.0]
    bar = RunBar(screen.console)
    display = ProgressDisplay(bar, screen.console, lambda: now[0])
    for finished in (1_000_000, 1_126_245):
        display.update(progress(finished, 10_000_000, **OUTCOMES))
        now[0] += 100

    lines = Screen(width=width)
    lines.console.print(bar.get_renderable())

    first, second = lines.text.splitlines()
    assert "1126245/10000000 1,262.5 rows/s 1:57:09 left" in first
    assert len(first) == width - ECHO_COLUMNS
    assert second.startswith("1,100,000 stored, 12,345 unchanged, 1,234 skipped, 321 duplicate, ")
    assert len(second) <= width - ECHO_COLUMNS


@pytest.mark.parametrize("terminal", [False, True])
def test_work_has_a_spinner_or_a_line(terminal: bool) -> None:
    screen = Screen(terminal=terminal)

    with Terminal(screen.console).working("Deploying the stack"):
        pass

    assert (screen.text == "Deploying the stack.\n") is not terminal
    assert ("Deploying the stack" in screen.text) is True


def shown(terminal: bool = False, width: int = 120, **fields: Any) -> str:
    """What is shown of a result; `fields` are of RunResult, or of the summary."""
    of_result = {
        name: fields.pop(name) for name in ("execution", "failures", "locations", "local_run") if name in fields
    }
    screen = Screen(terminal=terminal, width=width)
    Terminal(screen.console).show_result(result(summary={**SUMMARY, **fields}, **of_result))
    return screen.text


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("width", [80, 120])
def test_the_result_has_the_state_then_counts_reasons_examples_and_files(terminal: bool, width: int) -> None:
    url = f"https://a.example/{'x' * 120}.jpg"
    rows = [{"row": "2", "reason": "http_4xx", "url": url, "message": "404 Not Found."}]

    text = shown(terminal, width, **RETRY, failures=rows, locations=[("Report", "out/report.html")])

    assert [line.rstrip() for line in re.sub("\x1b[^m]*m", "", text).splitlines()] == [
        "Succeeded with failures. 2 images stored, 3 rows failed.",
        "5 rows of manifests/[bold]demo.csv in 1.5 s, 1.3 images/s",
        "  stored  2  downloaded, verified and uploaded to the images bucket",
        "  failed  3  not mirrored, for the reasons below",
        "Why rows failed:",
        "  http_4xx: 2",
        f"    row 2: {url}",
        "      404 Not Found.",
        "  dns: 1, may succeed later",
        "    DNS lookup of the host failed.",
        "Retry the 2 rows that may still succeed:",
        "  aws s3 cp s3://input/runs/demo-1/retry.csv s3://input/manifests/demo-1-retry.csv",
        "Report:         out/report.html",
    ]


def test_of_each_reason_two_examples_are_read_and_no_more_than_necessary() -> None:
    rows = iter(
        [{"row": str(number), "reason": reason} for number, reason in enumerate(["a", "a", "a", "b", "b", "b"])]
    )

    found = failure_examples(rows, {"a": 3, "b": 3})

    assert [row["row"] for row in found] == ["0", "1", "3", "4"]
    assert next(rows)["row"] == "5"


@pytest.mark.parametrize(
    ("later", "text"), [({}, ""), ({"dns": 3}, ", may succeed later"), ({"dns": 1}, ", 1 may succeed later")]
)
def test_a_reason_says_how_many_rows_may_succeed_later(later: dict[str, int], text: str) -> None:
    lines = shown(failures_by_reason={"dns": 3}, retryable_by_reason=later).splitlines()

    assert f"  dns: 3{text}" in lines


RETRY = {"retry_manifest": "runs/demo-1/retry.csv", "retry_rows": 2, "retry_options": {"rounds": "3"}}


def test_the_command_that_retries_a_local_run_can_be_copied() -> None:
    local_run = LocalRun(command="run", out="my images", allow="10.0.0.0/8", demo=True)

    lines = shown(**RETRY, local_run=local_run).splitlines()

    assert lines[-2:] == [
        "Retry the 2 rows that may still succeed:",
        "  ./image-mirror run 'my images/runs/demo-1/retry.csv' --demo --out 'my images' --allow 10.0.0.0/8"
        " --option rounds=3",
    ]


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
    assert lines[-2:] == [sentence, copy]


@pytest.mark.parametrize(
    ("rows", "which"), [(1, "the row that"), (1_200, "the 1,200 rows that"), (None, "the rows that")]
)
def test_rows_to_retry_are_counted_unless_the_summary_is_of_an_earlier_version(rows: int | None, which: str) -> None:
    fields = {"retry_manifest": "runs/demo-1/retry.csv"} | ({"retry_rows": rows} if rows else {})

    assert f"Retry {which} may still succeed:" in shown(**fields)


def test_without_a_retry_manifest_no_command_is_shown() -> None:
    assert "Retry" not in shown()


def test_only_outcomes_that_occurred_are_counted() -> None:
    lines = shown(rows=7, unchanged=0, duplicate=2).splitlines()

    assert [line.split()[0] for line in lines if line.split()[0] in list(OutcomeKind)] == [
        "stored",
        "duplicate",
        "failed",
    ]


def test_a_run_of_no_rows_has_no_table() -> None:
    text = shown(
        rows=0,
        stored=0,
        failed=0,
        execution=ExecutionStatus("FAILED", "InvalidManifest", "No url column."),
        status="failed",
        error="InvalidManifest",
        cause="No url column.",
        failures_by_reason={},
    )

    assert text.splitlines() == ["Failed. The run could not start.", "InvalidManifest: No url column."]


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

    assert lines[0] == "Cancelled. The run was interrupted; 250 of 600 images were stored, 350 rows were not attempted."
    assert [line.split()[:3] for line in lines[2:4]] == [["stored", "250", "downloaded,"], ["not", "attempted", "350"]]
    assert lines[-1] == "  ./image-mirror run out/runs/demo-1/retry.csv --out out --option rounds=3"
    assert "Why rows failed:" not in lines


def test_a_cancelled_run_says_so_once() -> None:
    text = shown(status="cancelled", error="Cancelled", stored=2, failures_by_reason={"out_of_time": 2, "dns": 1})

    assert text.startswith("Cancelled. 2 of 5 images were stored, 1 row failed, 2 rows were not attempted.\n")
    assert text.lower().count("the run was cancelled") == 1, "as the meaning of rows that were not attempted"


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_colours_are_for_terminals_alone(status: str) -> None:
    plain, coloured = (shown(terminal=terminal, status=status, error="TooManyFailures") for terminal in (False, True))

    assert "\x1b" not in plain
    assert coloured.startswith("\x1b[1")


def test_without_colours_the_state_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    text = shown(terminal=True)

    assert "Succeeded with failures." in text
    assert re.findall("\x1b\\[[^m]*3[0-7]", text) == []


def test_text_of_the_internet_is_neither_markup_nor_a_control_sequence() -> None:
    screen = Screen(terminal=True)

    Terminal(screen.console).show_result(result(failures=[FAILURE | {"message": "[red]No such host."}]))

    assert "[red]No such host." in screen.text
    assert "\\u001b[2J\\u202egpj.exe" in screen.text
    assert "\x1b[2J" not in screen.text


@pytest.mark.parametrize(
    ("execution", "sentence"),
    [
        (ExecutionStatus("SUCCEEDED"), "Succeeded."),
        (ExecutionStatus("ABORTED"), "Cancelled."),
        (ExecutionStatus("ABORTED", "Interrupted"), "Cancelled. The run was interrupted."),
        (ExecutionStatus("FAILED", "E", "Why."), "Failed. E: Why."),
        (
            ExecutionStatus("FAILED", "E", '{"errorMessage": "Why.", "stackTrace": []}'),
            "Failed. E: Why.",
        ),
    ],
)
def test_a_run_that_did_not_succeed_says_why(execution: ExecutionStatus, sentence: str) -> None:
    screen = Screen()

    Terminal(screen.console).show_result(result(execution=execution, summary=None))

    assert screen.text.splitlines() == [sentence]


def test_a_probe_shows_its_estimate_its_reasons_and_its_hosts_instead_of_outcomes() -> None:
    screen = Screen()
    summary = {**SUMMARY, "probe": PROBE}
    row = {**FAILURE, "manifest_row": "4711"}

    Terminal(screen.console).show_result(RunResult(ExecutionStatus("SUCCEEDED"), summary, [], [row]))  # type: ignore[arg-type]

    text = screen.text
    assert text.startswith(
        "Succeeded. About 93 % of 12,000 rows can be mirrored (between 89.5 % and 95.7 %). Nothing was kept.\n"
    )
    assert "between 10,741 and 11,481" in text
    assert "http_4xx" in text
    assert "<b>.example" in text
    assert "A note about <this>." in text
    assert "4711" in text, "the number of a failed row is that of the list"
    assert "uploaded" not in text
