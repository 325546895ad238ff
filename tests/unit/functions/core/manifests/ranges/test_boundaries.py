"""Where a row of a manifest may begin, found without reading what is before it."""

import csv
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.core.manifests.line_errors import LineErrors
from functions.core.manifests.ranges import boundaries
from functions.core.manifests.ranges.boundaries import find_boundary
from functions.core.manifests.ranges.csv_records import CsvLines

FIELD_CHARACTERS = 12


@pytest.fixture
def small_values() -> Iterator[None]:
    limit = csv.field_size_limit(FIELD_CHARACTERS)
    yield
    csv.field_size_limit(limit)


def is_between_rows(text: str) -> bool:
    """Whether the reader of the whole manifest is between two rows after the text."""
    reader = csv.reader(CsvLines(text.splitlines(keepends=True), LineErrors()), delimiter=",", strict=True)
    error = ""
    while True:
        try:
            for _ in reader:
                error = ""
            return "end of data" not in error
        except csv.Error as found:
            error = str(found)


PIECES = st.sampled_from(['"', '"', '"', '""', ",", ",", "\n", "\n", "a", "bc d", '" ', "\u00e9", "\r", "x" * 5])


@pytest.mark.usefixtures("small_values")
@settings(max_examples=150)
@given(st.lists(PIECES, max_size=40).map("".join))
@example('"\n,bc dbc d\n')  # a value of as many characters as are allowed
@example('\n"bc d\nxxxxx\n\n","\n"')  # a value that was opened later ends later
def test_it_is_always_between_two_rows(text: str) -> None:
    data = text.encode()
    for start in range(len(data)):
        found = find_boundary([data[start:]], ",")
        if found is not None:
            assert data[start + found - 1 : start + found] == b"\n"
            assert is_between_rows(data[: start + found].decode())


def boundary(data: bytes, delimiter: str | None = ",") -> int | None:
    found = find_boundary([data], delimiter)
    assert found == find_boundary((data[at : at + 1] for at in range(len(data))), delimiter), "as in one chunk"
    return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'rest\nhttp://a/1,"Title"\nhttp://a/2,x\n', b'rest\nhttp://a/1,"Title"\n'),
        (b'rest\n"http://a/1","x"\n', b'rest\n"http://a/1","x"\n'),
        (b'in a value\nstill in it","x"\nhttp://a/1,x\n', b'in a value\nstill in it","x"\n'),
        (b'rest\nhttp://a/1,"two\nlines"\nhttp://a/2,x\n', b'rest\nhttp://a/1,"two\nlines"\n'),
        (b'rest\r\n"http://a/1","\xc3\xa9"\r\n', b'rest\r\n"http://a/1","\xc3\xa9"\r\n'),
    ],
)
def test_it_is_after_the_first_quotation_marks_that_tell(data: bytes, expected: bytes) -> None:
    assert data[: boundary(data)] == expected


@pytest.mark.usefixtures("small_values")
@pytest.mark.parametrize("row", ["a,x\n", 'a,"",""\n', "\n", "\u00e9,\u00e9\n"])
def test_without_any_it_is_after_as_many_characters_as_a_value_may_have(row: str) -> None:
    found = boundary((row * 20).encode())

    assert found is not None
    characters = len((row * 20).encode()[:found].decode()) - len(row)
    assert FIELD_CHARACTERS < characters <= 2 * (FIELD_CHARACTERS + len(row))


def test_each_line_of_json_is_a_row() -> None:
    assert boundary(b'rest"}\n{"url": "u"}\n', None) == len(b'rest"}\n')


@pytest.mark.parametrize("data", [b"", b"no line feed", b"rest\n", b"rest\nhttp://a/1\n"])
def test_there_is_none_where_the_end_comes_first(data: bytes) -> None:
    assert boundary(data) is None


def test_there_is_none_in_what_can_be_read_in_two_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundaries, "MAX_SEARCH_BYTES", 10_000)
    read: list[bytes] = []

    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            read.append(b'http://a/1,","\n' * 100)
            yield read[-1]

    assert find_boundary(chunks(), ",") is None
    assert sum(map(len, read)) < 12_000
