"""The report that people open in a spreadsheet."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.summary.failures_csv import COLUMNS, csv_header, csv_lines

LINE: dict[str, Any] = {
    "row": 3,
    "url": "http://a.example/1",
    "outcome": "failed",
    "reason": "http_4xx",
    "http_status": 404,
    "retryable": False,
    "message": "The server answered 404 Not Found.",
}


def report(lines: list[dict[str, Any]], *user_columns: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_header(user_columns) + "".join(csv_lines(lines, user_columns)), newline="")))


def cell(value: Any) -> str:
    return report([{**LINE, "columns": {"mine": value}}], "mine")[1][-1]


def test_each_failure_is_a_line_under_the_header() -> None:
    assert report([LINE]) == [
        ["row", "url", "reason", "http_status", "retryable", "message"],
        ["3", "http://a.example/1", "http_4xx", "404", "false", "The server answered 404 Not Found."],
    ]


def test_what_is_not_known_is_empty() -> None:
    assert report([{**LINE, "http_status": None}])[1][3] == ""


def test_the_users_columns_come_last_and_are_never_taken_for_ours() -> None:
    lines = [{**LINE, "columns": {"row": "mine", "id": 7}}, LINE]

    header, first, second = report(lines, "row", "id", "=x")

    assert header[len(COLUMNS) :] == ["your_row", "id", "'=x"]
    assert first[len(COLUMNS) :] == ["mine", "7", ""]
    assert second[len(COLUMNS) :] == ["", "", ""]


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "-", "=", "-1e5x"])
def test_what_a_spreadsheet_would_run_is_shown_as_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("-5", "-5"),
        ("+49,30", "+49,30"),
        (-5, "-5"),
        (-1.5, "-1.5"),
        (True, "true"),
        (None, ""),
        (["=1"], '["=1"]'),
        ({"a": "\u00e9"}, '{"a": "\u00e9"}'),
        ("a=b", "a=b"),
        ('say "hi", you\nthere', 'say "hi", you\nthere'),
    ],
)
def test_all_else_is_shown_as_it_is(value: Any, shown: str) -> None:
    assert cell(value) == shown


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12))
def test_no_text_ever_begins_like_a_formula(text: str) -> None:
    shown = cell(text)

    assert shown.removeprefix("'") == text.removeprefix("'")
    assert shown[:1] not in tuple("=@\t")
    assert shown[:1] not in tuple("+-") or shown[1:].replace(",", "").replace(".", "").isdigit()
