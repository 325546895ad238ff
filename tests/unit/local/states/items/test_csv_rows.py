"""The documented rules for CSV; those marked "ours" are not documented."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.states.items import csv_rows
from local.states.language.resources import CSV_DELIMITERS


def read(text: str, delimiter: str = ",", header: list[str] | None = None) -> list[dict[str, str]]:
    return list(csv_rows.rows(io.StringIO(text, newline="\n"), delimiter, header))


AB = "a,b\n"
RULES = [
    ("fields are strings", AB + "1,true\n", [{"a": "1", "b": "true"}]),
    ("the last newline may be missing", AB + "1,2", [{"a": "1", "b": "2"}]),
    ("missing fields are empty", AB + "1\n", [{"a": "1", "b": ""}]),
    ("surplus fields are dropped", AB + "1,2,3\n", [{"a": "1", "b": "2"}]),
    ("a quoted delimiter", AB + '"1,2",3\n', [{"a": "1,2", "b": "3"}]),
    ("a quoted newline", AB + '"1\n2",3\n', [{"a": "1\n2", "b": "3"}]),
    ("a quoted CRLF stays one", AB + '"1\r\n2",3\r\n', [{"a": "1\r\n2", "b": "3"}]),
    ("a quoted empty line", AB + '"1\n\n2",3\n', [{"a": "1\n\n2", "b": "3"}]),
    ("a doubled quotation mark", AB + '"say ""x""",3\n', [{"a": 'say "x"', "b": "3"}]),
    ("the same without quotes", 'a\n{""k"":""v""}\n', [{"a": '{"k":"v"}'}]),
    ("an empty quoted field", AB + '"",3\n', [{"a": "", "b": "3"}]),
    ("a backslash before a delimiter", AB + "1\\,2,3\n", [{"a": "1,2", "b": "3"}]),
    ("a backslash before a backslash", AB + "C:\\\\x,3\n", [{"a": "C:\\x", "b": "3"}]),
    ("a backslash before a quotation mark", AB + '"1\\"2",3\n', [{"a": '1"2', "b": "3"}]),
    ("any other backslash is dropped", AB + "C:\\x,3\n", [{"a": "C:x", "b": "3"}]),
    ("a backslash at the end of a line", AB + "1,2\\\n3,4\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    ("a quoted header", '"a,1",b\n1,2\n', [{"a,1": "1", "b": "2"}]),
    ("spaces stay", "a, b\n1, 2\n", [{"a": "1", " b": " 2"}]),
    ("ours: empty lines are skipped", AB + "\n1,2\n\r\n", [{"a": "1", "b": "2"}]),
    ("ours: CRLF ends a record", "a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
    ("ours: a quotation mark inside a field stays", AB + 'x"y,2\n', [{"a": 'x"y', "b": "2"}]),
    ("ours: no header, no rows", "", []),
    ("ours: a header only", AB, []),
]


@pytest.mark.parametrize(("text", "expected"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_the_rule_holds(text: str, expected: list[dict[str, str]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("delimiter", CSV_DELIMITERS.values(), ids=CSV_DELIMITERS)
def test_every_delimiter_separates_and_can_be_escaped(delimiter: str) -> None:
    assert read(f"a{delimiter}b\n1\\{delimiter}2{delimiter}3\n", delimiter) == [{"a": f"1{delimiter}2", "b": "3"}]


def test_given_headers_make_the_first_line_a_row() -> None:
    assert read("x\ty\n1\n", "\t", ["url", "note"]) == [{"url": "x", "note": "y"}, {"url": "1", "note": ""}]


def test_a_quote_that_is_never_closed_is_an_error() -> None:
    with pytest.raises(ValueError, match="inside a quoted field"):
        read(AB + '"1,2\n3,4\n')


def test_a_header_over_ten_kib_is_an_error() -> None:
    with pytest.raises(ValueError, match="header"):
        read("a" * 10_241 + "\n")


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])), min_size=2, max_size=2)
    )
)
def test_what_is_quoted_comes_back_as_it_was(table: list[list[str]]) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace("\\", "\\\\").replace('"', '""') + '"'

    text = AB + "".join(",".join(map(quoted, row)) + "\n" for row in table)
    assert read(text) == [{"a": row[0], "b": row[1]} for row in table]
