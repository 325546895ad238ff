"""Our readers and those of the state machine, as in `local/states`, must read the same items in the same order.

Otherwise the row numbers of results would refer to other rows of the manifest. Our readers may reject what the others
read, but never read it differently.
"""

import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cdk.workflow.readers import READERS as STACKS_READERS
from functions.core.manifests.csv_rows import URL_LIST, URL_LIST_HEADER
from functions.core.manifests.formats import FORMATS, PARQUET
from functions.core.model.errors import InvalidManifest
from local.states.items.readers import READERS

CONFIGS = {reader.name: dict(reader.config) for reader in STACKS_READERS}
FORMS = {form.name: form for form in FORMATS}
BOM = "\ufeff"


def ours(reader: str, text: str) -> list[Any] | None:
    """None if it is rejected."""
    data = [text.encode()]
    try:
        contents = FORMS[reader].validate(data, lambda: False)
    except InvalidManifest:
        return None
    items = list(FORMS[reader].read(data))
    assert len(items) == contents.rows
    return items


def theirs(reader: str, text: str) -> list[Any] | None:
    """Without what DownloadBatch ignores: the first line of a list, and columns that a headerless row does not have."""
    config = CONFIGS[reader]
    try:
        items = list(READERS[config["InputType"]](io.BytesIO(text.encode()), config))
    except (ValueError, RecursionError):
        return None
    if reader.endswith("-bare"):
        width = (
            len(items[0]) - next((n for n, value in enumerate(reversed(items[0].values())) if value), 0) if items else 0
        )
        items = [dict(list(item.items())[:width]) for item in items]
    return items[1:] if reader == "tsv-list" else items


def assert_agreed(reader: str, text: str) -> None:
    found = ours(reader, text)
    if found:  # an empty manifest has no Map
        assert theirs(reader, text) == found


def test_every_reader_is_compared() -> None:
    assert list(CONFIGS) == [*FORMS, PARQUET]


@pytest.mark.parametrize(
    ("reader", "text", "count"),
    [
        ("csv", "url\nhttp://a/1\nhttp://a/2\n", 2),
        ("csv", "url,id\r\nhttp://a/1,7\r\n\r\nhttp://a/2,8", 2),
        ("csv", BOM + 'url,name\n"http://a/1,2","say ""hi"""\n', 1),
        ("csv", 'url,name\r\nhttp://a/1,"two\r\nlines"\r\n"http://a/2"\r\n', 2),
        ("csv", "\n\nurl,id\nhttp://a/1\n,\n  \n", 3),
        ("csv", 'url,name\nhttp://a/1,a"b\n', 1),
        ("tsv", 'url\tname\nhttp://a/1,2\t"a\tb"\n', 1),
        ("txt", "http://a/1\n\nhttp://a/2\r\n   \nhttp://a/3,4", 4),
        ("txt", BOM + '"http://a/1"\nhttp://a/"2"\n', 2),
        ("csv", 'url,name\n"http://a/1","x" \r\n', 1),
        ("csv-semicolon", 'url;name\nhttp://a/1,2;"x;y"\n', 1),
        ("csv-pipe", "name|url\nx;y|http://a/1\n|\n", 2),
        ("csv-bare", "http://a/1,x,y\nhttp://a/2\n", 2),
        ("csv-semicolon-bare", 'http://a/1;"x;y"\n', 1),
        ("csv-pipe-bare", BOM + "http://a/1|x\r\n", 1),
        ("tsv-bare", "http://a/1\tx\n\nhttp://a/2\ty\n", 2),
        ("tsv-list", URL_LIST_HEADER + "\nhttp://a/1\t5\tabc==\nhttp://a/2\n", 2),
        ("json", '["http://a/1", {"url": "http://a/2", "n": [1, -2.5e3, null, true]}]', 2),
        ("json", BOM + ' [ 1 , [ ], "x" ] \r\n', 3),
        ("jsonl", '"http://a/1"\r\n\r\n{"url": "\\u00e9\u2028", "url": "x"}\n  \n5', 3),
    ],
)
def test_both_read_the_same_items(reader: str, text: str, count: int) -> None:
    assert ours(reader, text) == theirs(reader, text)
    assert len(ours(reader, text) or []) == count


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        ("csv", "url,name\nhttp://a/1,C:\\temp\n"),
        ("csv", "url,name\nhttp://a/1\\,2,x\n"),
        ("csv", "url\nhttp://a/1,2\n"),
        ("csv", "url\rhttp://a/1\rhttp://a/2\r"),
        ("csv", 'url\n"http://a/1\n'),
        ("txt", "http://a/1\thttp://a/2\n"),
        ("txt", '"http://a/1\n'),
        ("json", "[NaN]"),
        ("json", '["a"'),
        ("jsonl", "Infinity\n"),
    ],
)
def test_what_could_be_read_in_two_ways_is_rejected(reader: str, text: str) -> None:
    assert ours(reader, text) is None


LINES = st.lists(st.text('ab,;\t"\\ \r\u00e9', max_size=6), max_size=6)
HEADERS = st.sampled_from(["url", "url,a", "a\turl", 'url,"a b"', BOM + "url"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("a\u00e9\n"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=400)
@given(
    reader=st.sampled_from(["csv", "csv-semicolon", "csv-pipe", "tsv", "tsv-list", "txt"]),
    header=HEADERS,
    lines=LINES,
    ends=st.sampled_from(["\n", "\r\n", "\n\n"]),
)
@example(reader="csv", header="url", lines=['""', '"a"', ""], ends="\n")
@example(reader="csv", header="url,a", lines=['"a', 'b",c'], ends="\r\n")
def test_both_read_any_lines_the_same_or_ours_rejects_them(
    reader: str, header: str, lines: list[str], ends: str
) -> None:
    """Except for doubled quotation marks in a field without quotes, which Step Functions halves."""
    text = ends.join([header, *lines, ""])
    found = ours(reader, text)

    if found:
        assert halved(theirs(reader, text)) == halved(found)


def halved(rows: list[dict[str, str]] | None) -> list[dict[str, str]] | None:
    def less(value: str) -> str:
        while '""' in value:
            value = value.replace('""', '"')
        return value

    return None if rows is None else [{name: less(value) for name, value in row.items()} for row in rows]


@given(items=st.lists(JSON, max_size=5), indent=st.sampled_from([None, 2]), mark=st.sampled_from(["", BOM]))
def test_both_read_any_array(items: list[Any], indent: int | None, mark: str) -> None:
    text = mark + json.dumps(items, indent=indent)

    found = ours("json", text)

    assert found is None or found == theirs("json", text) == items


@given(items=st.lists(JSON, max_size=5), ends=st.sampled_from(["\n", "\r\n", "\n \n"]))
def test_both_read_any_lines_of_json(items: list[Any], ends: str) -> None:
    text = ends.join(map(json.dumps, items))

    found = ours("jsonl", text)

    assert found is None or found == theirs("jsonl", text) == items


@settings(max_examples=300)
@given(reader=st.sampled_from(["json", "jsonl"]), text=st.text('[]{},:"1.eE-+ \n\r\\utrlnaN', max_size=12))
def test_both_read_any_json_the_same_or_ours_rejects_it(reader: str, text: str) -> None:
    assert_agreed(reader, text)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@given(rows=st.lists(st.text('ab,;\t" \u00e9', min_size=1, max_size=6), min_size=1, max_size=4))
def test_a_retry_manifest_is_read_by_both_as_it_was_written(form: Any, rows: list[str]) -> None:
    columns = URL_LIST.column_names if form.name == "tsv-list" else ("url",)
    items = [dict.fromkeys(columns, row) for row in rows]
    text = "".join(form.write(items))

    reader = form.name.removesuffix("-bare")  # a retry manifest has a header
    assert ours(reader, text) == theirs(reader, text) == items


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(st.text("ab,\\", max_size=6).filter(lambda line: line != "\\"), min_size=1, max_size=5),
    ends=st.sampled_from(["\n", "\r\n"]),
)
@example(lines=["a\\", "b\\,c", "\\\\"], ends="\n")
def test_what_ours_rejects_it_still_reads_as_the_other(lines: list[str], ends: str) -> None:
    """If only a part of a manifest is validated, SummarizeRun still has to number the rows correctly."""
    text = ends.join(["url,a", *lines, ""])

    assert list(FORMS["csv"].read([text.encode()])) == theirs("csv", text)
