"""Delimited manifests as spreadsheets write them."""

import contextlib
import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.core.manifests.csv_layout import MAX_RECORDS, delimited_format
from functions.core.manifests.detection import EXTENSIONS, detect_format, format_from_name
from functions.core.manifests.formats import Format
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import RowRules

URL = "http://a.example/1.jpg"
RULES = RowRules()


def form_of(text: str, name: str = "a.csv", rules: RowRules = RULES) -> Format:
    return detect_format(format_from_name(name)[0], iter([text.encode()]), rules)[0]


def rows_of(text: str, name: str = "a.csv", rules: RowRules = RULES) -> list[object]:
    """The rows of a manifest that is valid."""
    form = form_of(text, name, rules)
    contents = form.validate([text.encode()], lambda: False, rules)
    rows = [row for _, row in form.numbered_rows([text.encode()], contents.rules)]
    assert len(rows) == contents.rows - contents.blank_rows
    return rows


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("url,title,,\n{u},A,,\n", {"url": URL, "title": "A"}),
        ("url,,title,,,\n{u},,A,,,\n", {"url": URL, "": "", "title": "A"}),
        (",url,title,,\n7,{u},A,,\n", {"": "7", "url": URL, "title": "A"}),
        ("url,title,title\n{u},,A\n", {"url": URL, "title": "A"}),
        ("url,title\n{u},A,, ,\n", {"url": URL, "title": "A"}),
        ("url;title\n;\n{u};A\n;;;;\n ; \n", {"url": URL, "title": "A"}),
        ("sep=;\nurl;title\n{u};A\n", {"url": URL, "title": "A"}),
        ('"sep=;"\nurl;title\n{u};A\n', {"url": URL, "title": "A"}),
        ("\ufeffsep=|\r\nurl|title\r\n{u}|A\r\n", {"url": URL, "title": "A"}),
        ("Sep=\t\nurl\ttitle\n{u}\tA\n", {"url": URL, "title": "A"}),
        ("sep=\\t\nurl\ttitle\n{u}\tA\n", {"url": URL, "title": "A"}),
        ("sep=,\n{u},A\n", {"url": URL, "column_2": "A"}),
        ("sep=;\n\n;;\nurl;title;;\n{u};A;;\n", {"url": URL, "title": "A"}),
        ("My products\n\nurl,title\n{u},A\n", {"url": URL, "title": "A"}),
        ("My products,,\n,,\nSpring,2026,\nurl,title,\n{u},A,\n", {"url": URL, "title": "A", "": ""}),
        (";;\n{u};A;\n", {"url": URL, "column_2": "A", "column_3": ""}),
        ('\ufeff"url","title"\n"{u}","A"\n', {"url": URL, "title": "A"}),
        ("A,{u}\n", {"column_1": "A", "url": URL}),
    ],
)
def test_a_copy_has_the_rows_and_columns_that_the_user_has_written(text: str, row: dict[str, str]) -> None:
    assert rows_of(text.replace("{u}", URL)) == [row]


@pytest.mark.parametrize(
    ("text", "name", "copied"),
    [
        ("url,title\n", "csv", ""),
        ("url,title,\n", "csv", ""),
        ("\ufeffurl,title\n", "csv", ""),
        ("url,title,,\n", "csv", "columns of its header have the same name, or none"),
        ("sep=;\nurl;title\n", "csv-semicolon", "its first line names the delimiter"),
        ("Products\nurl|title\n", "csv-pipe", "there are lines above its header"),
        ('\ufeff"url"\ttitle\n', "tsv", "it begins with a byte order mark and a quotation mark"),
        (f"A,{URL}\n", "csv", "it has no header, and its URLs are not in the first column"),
        (f"{URL},A\n", "csv-bare", ""),
    ],
)
def test_only_what_step_functions_cannot_read_is_copied(text: str, name: str, copied: str) -> None:
    form = form_of(text)

    assert (form.name, form.copied) == (name, copied)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"url,title,,\n{URL},A,b,\n", r"Line 2 of the manifest has 3 fields for 2 columns\. Put quotes"),
        (f"sep=;\nurl;title\n{URL};A;b\n", r"Line 3 of the manifest has 3 fields for 2 columns"),
        (f"url,title,title\n{URL},A,B\n", r"Two columns of the manifest are named 'title'"),
        (f"sep=^\nurl^title\n{URL}^A\n", r"says that '\^' separates the values\. Supported are commas, semicolons"),
        (f"sep=;\ntitle;link\nA;{URL}\n", r"its first line has title, link.*option url_column=link"),
        (f"A,{URL},{URL}\n", r"no header, and its first line has 2 URLs.*url_column=column_2 or url_column=column_3"),
        ("sep=,\nurl,note\n1.jpg,C:\\temp\n", "Line 3 of the manifest has a backslash"),
    ],
)
def test_what_would_lose_text_is_rejected(text: str, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        rows_of(text)


def test_the_header_is_looked_for_in_the_first_records_and_above_the_first_url() -> None:
    above = "Note,x\n" * (MAX_RECORDS - 1)

    assert form_of(above + "url,title\n").copied
    assert not form_of("Note,x\n" + above + "url,title\n").copied
    assert not form_of(f"title,link\nA,{URL}\nurl,{URL}\n").copied
    assert form_of("1.jpg\nurl\n2.jpg\n", "a.txt").name == "txt"


@pytest.mark.parametrize(
    ("above", "names"),
    [
        ("", "sku\tmain_image_url"),
        ("Version=2026\tFor Example only\nItem\tPicture\n", "sku\tmain_image_url"),
        ("Version=2026\tFor Example only\nSKU\tMain Image URL\n", "sku\tmain_image_url"),
        ("", "gbifID\tidentifier"),
    ],
)
def test_a_text_file_of_a_table_is_a_table(above: str, names: str) -> None:
    assert rows_of(f"{above}{names}\nA\t{URL}\n", "a.txt") == [dict(zip(names.split("\t"), ["A", URL], strict=True))]


def test_a_named_column_of_a_manifest_without_a_header_has_the_urls() -> None:
    rules = RowRules(url_column="column_3")

    assert rows_of(f"A,{URL},{URL}\n", rules=rules) == [{"column_1": "A", "column_2": URL, "column_3": URL}]


def test_the_option_url_column_is_not_for_manifests_whose_columns_are_known() -> None:
    rules = RowRules(url_column="link")

    assert rows_of(f"{URL}\n", "a.txt", rules) == [{"url": URL}]
    assert rows_of(f"TsvHttpData-1.0\n{URL}\t5\n", "a.tsv", rules) == [{"url": URL, "size": "5", "md5": ""}]
    assert rows_of(f"link,url\n{URL},x\n", rules=rules) == [{"link": URL, "url": "x"}]


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\\ufeff"), max_size=8)
NAME = st.text("abcXY _-", min_size=1, max_size=8).map(lambda name: f"{name.strip()}9")


@given(
    names=st.lists(NAME, min_size=1, max_size=4, unique=True),
    cells=st.lists(st.lists(CELL, min_size=4, max_size=4), max_size=5),
    delimiter=st.sampled_from(",;|\t"),
    padding=st.integers(0, 3),
    longer=st.integers(0, 2),
    first_line=st.sampled_from(["", "sep={}\n", '"sep={}"\r\n', "A list\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
@example(["a9"], [["", "", "", ""]], ",", 3, 0, "", "")
def test_what_a_spreadsheet_writes_is_read_back(
    names: list[str],
    cells: list[list[str]],
    delimiter: str,
    padding: int,
    longer: int,
    first_line: str,
    mark: str,
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(["url", *names, *[""] * padding])
    for row in cells:
        writer.writerow([f"1{row[0].strip()}.jpg", *row[: len(names)], *[""] * (padding + longer)])
        writer.writerow([""] * (len(names) + padding + 1))
    text = mark + first_line.format(delimiter) + file.getvalue()
    columns = ["url", *names]

    found = rows_of(text)

    assert [{name: row[name] for name in columns} for row in found if isinstance(row, dict)] == [
        dict(zip(columns, [f"1{row[0].strip()}.jpg", *row], strict=False)) for row in cells
    ]


FRAGMENTS = st.sampled_from(
    ["sep=", "url", "title", URL, ",", ";", "|", "\t", '"', "\n", "\r\n", "\r", "\ufeff", " ", "\xa0", "\\", "\0", "x"]
)


@given(
    text=st.lists(FRAGMENTS, max_size=30).map("".join) | st.text(max_size=40),
    name=st.sampled_from([f"a{extension.suffix}" for extension in EXTENSIONS if extension.suffix != ".parquet"]),
    rules=st.sampled_from([RULES, RowRules(url_column="title"), RowRules(split_urls=True), RowRules("http://b")]),
)
def test_any_text_has_rows_or_is_rejected(text: str, name: str, rules: RowRules) -> None:
    with contextlib.suppress(InvalidManifest):
        form = form_of(text, name, rules)
        contents = form.validate([text.encode()], lambda: False, rules)
        rows = list(form.numbered_rows([text.encode()], contents.rules))
        assert len(rows) == contents.rows - contents.blank_rows or rules.split_urls


@given(head=st.binary(max_size=60))
def test_any_head_has_a_layout_or_is_rejected(head: bytes) -> None:
    with contextlib.suppress(InvalidManifest):
        assert delimited_format(head.decode("utf-8", "replace"), ",;|\t", "csv", RULES).name
