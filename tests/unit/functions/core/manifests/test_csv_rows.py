"""CSV, TSV and lists of URLs."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.manifests import csv_rows
from functions.core.manifests.csv_rows import URL_LINES, URL_LIST, Dialect
from functions.core.manifests.csv_validation import validate_csv
from functions.core.manifests.formats import FORMATS, known_format
from functions.core.model.errors import InvalidManifest

CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\"), max_size=8)


def read(data: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return validated(data, Dialect(delimiter))


def read_list(data: bytes) -> list[dict[str, str]]:
    return validated(data, URL_LINES)


def validated(data: bytes, dialect: Dialect) -> list[dict[str, str]]:
    """The rows, after validation has counted them."""
    contents = validate_csv([data], dialect)
    rows = [row for _, row in csv_rows.numbered_rows([data], dialect)]
    assert len(rows) == contents.rows
    return rows


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"url\nhttp://a/1\n", [{"url": "http://a/1"}]),
        (b"url\nhttp://a/1", [{"url": "http://a/1"}]),
        (b"\xef\xbb\xbfurl,id\nhttp://a/1,7\n", [{"url": "http://a/1", "id": "7"}]),
        (b"url,id\r\nhttp://a/1,7\r\n", [{"url": "http://a/1", "id": "7"}]),
        (b"\n\nurl\n\nhttp://a/1\n\r\n\n", [{"url": "http://a/1"}]),
        (b"url,id\nhttp://a/1\n", [{"url": "http://a/1", "id": ""}]),
        (b'url,name\n"http://a/1,2","say ""hi"""\n', [{"url": "http://a/1,2", "name": 'say "hi"'}]),
        (b'url,name\nhttp://a/1,"two\nlines"\n', [{"url": "http://a/1", "name": "two\nlines"}]),
        (b'url,name\r\nhttp://a/1,"two\r\nlines"\r\n', [{"url": "http://a/1", "name": "two\r\nlines"}]),
        (b"id,image_url\n7,http://a/1\n", [{"id": "7", "image_url": "http://a/1"}]),
        ("url\nhttp://a/\u00e9\u4e2d\U0001f600\n".encode(), [{"url": "http://a/\u00e9\u4e2d\U0001f600"}]),
        (b"", []),
        (b"\xef\xbb\xbf", []),
        (b"\n\r\n\n", []),
        (b"url\n", []),
    ],
)
def test_each_row_is_read_by_the_header(data: bytes, rows: list[dict[str, str]]) -> None:
    assert read(data) == rows


def test_tabs_separate_the_fields_of_tsv() -> None:
    assert read(b"url\tname\nhttp://a/1,2\tx\n", "\t") == [{"url": "http://a/1,2", "name": "x"}]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"name,link\nx,http://a/1\n", "no url column: its first line has name, link"),
        (b"url,id,id\nhttp://a/1,2,3\n", "Two columns of the manifest are named 'id'"),
        (b"url\nhttp://a/1,2\n", r"Line 2 of the manifest has 2 fields for 1 column\. Put quotes"),
        (b"url\nhttp://a/1\n\n\nhttp://a/1,2\n", "Line 5 of the manifest has 2 fields"),
        (b"url\n" + b"a,b\n" * 3, r"Lines 2, 3, 4 of the manifest have more fields than the 1 column\. Put quotes"),
        (b"url\n" + b"a,b\n" * 30, "Lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 20 more of the manifest have more"),
        (b'url\na,b\nx\\y\nz"\n"u\n', r"Line 2 .* fields.* Line 3 .* a backslash.* Line 5 .* is not closed"),
        (b'url\n"a"b\n"c"d\ne,f\n', r"Lines 2, 3 of .* quotation mark that is not closed.* Line 4 .* 2 fields"),
        (b"url,URL,url \n", r"Both 'url' and 'url ' could be the URL column"),
        (b"Url,URL\n", r"Both 'Url' and 'URL' could be the URL column\. Name one of them 'url'"),
        (b",url,,\nhttp://a/1,2,,3\n", r"Line 2 of the manifest has 4 fields for 2 columns"),
        (b",url,,id\n1,http://a/1,2,3\n", r"Two columns of the manifest have no name"),
        (b"url,url\nhttp://a/1,\n", "Two columns of the manifest are named 'url'"),
        (b"url,key,key\n", "Two columns of the manifest are named 'key'"),
        (b"url," + b"x" * 10_300 + b"\n", "longer than 10 KB, the limit of Step Functions"),
        (b'url,name\nhttp://a/1,"a\nb"\nhttp://a/2,3,4\n', "Line 4 of the manifest has 3 fields"),
        (b'url\nhttp://a/1\n"http://a/2\n', "Line 3 of the manifest has a quotation mark that is not closed"),
        (b'url\n"http://a/2"x\n', "Line 2 of the manifest has a quotation mark that is not closed"),
        (b"url\nhttp://a/1\nhttp://a\\b\n", "Line 3 of the manifest has a backslash"),
        (b"url\nhttp://a/1\rhttp://a/2\n", "Line 2 of the manifest has a carriage return"),
        (b"url\rhttp://a/1\rhttp://a/2\r", "Line 1 of the manifest has a carriage return"),
        (b"url\n" + b"x" * 300_000, "Line 2 of the manifest is larger than 180 KB, the limit of a row"),
        (
            b"url\n" + b"x" * 190_000 + b"\n",
            r"Line 2 .* larger than 180 KB, the limit of a row\. Remove the long columns",
        ),
        (b'url,a\nx,"' + b"y\n" * 95_000 + b'"\n', "Line 2 of the manifest is larger than 180 KB, the limit of a row"),
        (b"url\nhttp://a/\xe9\n", "byte 13 is 0xe9"),
        (b"url\nhttp://a/\0\n", "Byte 13 of the manifest is zero"),
    ],
)
def test_what_cannot_be_run_is_rejected_with_its_place(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        read(data)


def endless() -> Iterator[bytes]:
    yield b"url\n"
    for number in itertools.count():
        yield f"http://a/{number}\n".encode()


def test_rows_are_streamed() -> None:
    rows = csv_rows.numbered_rows(endless(), Dialect(","))

    assert list(itertools.islice(rows, 3)) == [(n + 2, {"url": f"http://a/{n}"}) for n in range(3)]


@given(
    names=st.lists(CELL.filter(lambda name: name != "url"), max_size=3, unique=True),
    values=st.lists(st.lists(CELL, min_size=4, max_size=4), max_size=4),
    delimiter=st.sampled_from([",", "\t"]),
)
def test_what_is_written_is_read_back(names: list[str], values: list[list[str]], delimiter: str) -> None:
    rows = [dict(zip(["url", *names], cells, strict=False)) for cells in values]

    text = "".join(known_format({",": "csv", "\t": "tsv"}[delimiter]).write(rows))

    assert read(text.encode(), delimiter) == rows


def test_nothing_is_written_for_no_rows() -> None:
    assert [list(form.write([])) for form in FORMATS] == [[] for _ in FORMATS]


@pytest.mark.parametrize(
    ("data", "urls"),
    [
        (b"http://a/1\nhttp://a/2\n", ["http://a/1", "http://a/2"]),
        (b"\xef\xbb\xbfhttp://a/1\r\n\r\n\nhttp://a/2", ["http://a/1", "http://a/2"]),
        (b"http://a/1,2;3 4|5\n", ["http://a/1,2;3 4|5"]),
        (b'"http://a/1"\n', ["http://a/1"]),
        (b"", []),
    ],
)
def test_a_list_is_one_url_a_line(data: bytes, urls: list[str]) -> None:
    assert [row["url"] for row in read_list(data)] == urls


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"http://a/1\nhttp://a/2\tx\n", "Line 2 of the manifest has 2 fields"),
        (b'http://a/1\n"http://a/2\nhttp://a/3\n', "Line 2 of the manifest has a quotation mark"),
        (b"http://a\\1\n", "Line 1 of the manifest has a backslash"),
    ],
)
def test_a_line_that_step_functions_would_read_differently_is_rejected(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        read_list(data)


@given(urls=st.lists(CELL, max_size=5))
def test_a_list_that_is_written_is_read_back(urls: list[str]) -> None:
    rows = [{"url": url} for url in urls]

    assert read_list("".join(known_format("txt").write(rows)).encode()) == rows


HEADERLESS = csv_rows.headerless(Dialect(","))


def test_without_a_header_columns_are_named_by_their_number() -> None:
    assert validated(b"http://a/1,x\nhttp://a/2\n", HEADERLESS) == [
        {"url": "http://a/1", "column_2": "x"},
        {"url": "http://a/2", "column_2": ""},
    ]


def test_without_a_header_the_first_row_says_how_many_columns_there_are() -> None:
    with pytest.raises(InvalidManifest, match="Line 2 of the manifest has 2 fields for 1 column"):
        validated(b"http://a/1\nhttp://a/2,x\n", HEADERLESS)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (b"http://a/1\n", "The manifest has no header: its first column was taken as url."),
        (b"http://a/1,x,y\n", "its first column was taken as url, the others as column_2 to column_3."),
        (b"", ""),
    ],
)
def test_a_missing_header_is_noted(data: bytes, note: str) -> None:
    assert validate_csv([data], HEADERLESS).note.endswith(note)


def test_the_first_line_of_a_url_list_is_not_a_row() -> None:
    assert validated(b"TsvHttpData-1.0\nhttp://a/1\t5\t1B2M2Y8AsgTpgAmY7PhCfg==\nhttp://a/2\n", URL_LIST) == [
        {"url": "http://a/1", "size": "5", "md5": "1B2M2Y8AsgTpgAmY7PhCfg=="},
        {"url": "http://a/2", "size": "", "md5": ""},
    ]


@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=4))
def test_a_url_list_that_is_written_is_read_back(rows: list[list[str]]) -> None:
    items = [dict(zip(URL_LIST.column_names, cells, strict=True)) for cells in rows]

    assert validated("".join(known_format("tsv-list").write(items)).encode(), URL_LIST) == items


def test_the_end_of_truncated_data_is_not_an_error() -> None:
    assert validate_csv([b'url\nhttp://a/1\n"http://a'], Dialect(","), lambda: True).rows == 1


def test_what_validation_would_reject_is_read_as_step_functions_does() -> None:
    data = b"url,a\nhttp://a/1,2,3\nC:\\x,\\,\n"

    assert [row for _, row in csv_rows.numbered_rows([data], Dialect(","))] == [
        {"url": "http://a/1", "a": "2"},
        {"url": "C:x", "a": ","},
    ]


@pytest.mark.parametrize(
    ("line", "field"),
    [("a", "a"), ("aX", "aX"), ("a\\", "a"), ("a\\\\", "a\\"), ("a\\\\\\", "a\\"), ("a\\X", "aX"), ("aX\\", "aX")],
)
def test_a_backslash_that_escapes_the_end_of_a_line_is_ignored(line: str, field: str) -> None:
    rows = csv_rows.numbered_rows([f"url,id\n1,{line}\n2,b\n".encode()], Dialect(","))

    assert list(rows) == [(2, {"url": "1", "id": field}), (3, {"url": "2", "id": "b"})]
