"""Keys by template."""

import hashlib
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import InvalidManifest, RowError
from functions.core.model.keys.fields import FIELDS
from functions.core.model.keys.row_numbers import ROW_COLUMN, original_row, with_row_number
from functions.core.model.keys.templates import (
    MAX_TEMPLATE_CHARACTERS,
    MIN_VALUE_BYTES,
    KeyTemplateError,
    OpenKey,
    parse_template,
    shortened,
)
from functions.core.model.limits import MAX_KEY_BYTES
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.model.rows import RowRules, parse_row

URL = "http://user@A.example:8080/Photos/caf%C3%A9%2F..%2fa.final.JPEG?size=2#x"
DIGEST = hashlib.sha256(b"image").hexdigest()
STARTED = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
PREFIX = "images/"


def key_of(template: str, columns: dict[str, Any] | None = None, *, row: int = 7, url: str = URL) -> str:
    """The key without the prefix, after the download of a JPEG."""
    key = parse_template(template).key(row, url, columns or {}, PREFIX)
    text = key.of(DIGEST, "jpg") if isinstance(key, OpenKey) else key
    return text.removeprefix(PREFIX)


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("by-host/{host}/{row:08}.{ext}", "by-host/a.example:8080/00000007.jpg"),
        ("{row}", "7"),
        ("{row:03d}", "007"),
        ("{ row }.{ext}", "7.jpg"),
        ("/{row}", "7"),
        ("images/{row}", "7"),
        ("  {row} ", "7"),
        ("{path}.{ext}", "Photos/caf\u00e9_.._a.final.jpg"),
        ("{name}.{ext}", "caf\u00e9_.._a.final.jpg"),
        ("{name:.3}", "caf"),
        ("{sha256:.2}/{sha256:.16}.{ext}", f"{DIGEST[:2]}/{DIGEST[:16]}.jpg"),
        ("{{{row}}}.{ext}", "{7}.jpg"),
        ("{{sha256}}-{row}.{ext}", "{sha256}-7.jpg"),
        ("e\u0301{row}", "\u00e97"),
    ],
)
def test_a_key_has_the_values_of_the_fields(template: str, key: str) -> None:
    assert key_of(template) == key


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Title", "Title"),
        (7, "7"),
        (7.0, "7"),
        (0.5, "0.5"),
        (True, "true"),
        (0, "0"),
        ("a/b\\c", "a_b_c"),
        ("..", "__"),
        (".", "_"),
        ("...", "..."),
        ("\x00\n\x9f\u2028", "____"),
        ("e\u0301", "\u00e9"),
        ("{row}{0}{", "{row}{0}{"),
        (" padded\t", "padded_"),
        ("\ud800", "_"),
        ("CON", "CON"),
    ],
)
def test_the_value_of_a_column_is_one_segment(value: object, text: str) -> None:
    assert key_of("x/{title}/{row}", {"title": value}) == f"x/{text}/7"
    assert key_of("x/{title}/{row}.{ext}", {"title": value}) == f"x/{text}/7.jpg"


@pytest.mark.parametrize(
    ("template", "columns", "key"),
    [
        ("{Image Title}", {"Image Title": "a"}, "a"),
        ("{ Image Title }", {" Image Title": "a"}, "a"),
        ("{a}", {" a": "padded", "a": "exact"}, "exact"),
        ("{column[row]}-{row}", {"row": "12"}, "12-7"),
        ("{column[a:b]:.2}", {"a:b": "xyz"}, "xy"),
        ("{id:05}", {"id": 12}, "00012"),
        ("{id:05}", {"id": "123456"}, "123456"),
        ("{\u56fe\u50cf}", {"\u56fe\u50cf": "\u732b"}, "\u732b"),
        ("{0}", {"0": "zero"}, "zero"),
        ("{column_2}", {"column_2": "b"}, "b"),
    ],
)
def test_columns_are_fields(template: str, columns: dict[str, Any], key: str) -> None:
    assert key_of(template, columns) == key


@pytest.mark.parametrize("value", [None, "", "  ", "\u3000"])
def test_a_row_without_a_value_fails(value: object) -> None:
    message = "^The column 'title' in key_template has no value in this row: add one, or give the row a key.$"
    with pytest.raises(RowError, match=message) as raised:
        key_of("{title}.{ext}", {"title": value})

    assert raised.value.reason is Reason.INVALID_ROW
    with pytest.raises(RowError, match=message):
        key_of("{title}.{ext}", {"other": "a"})


@pytest.mark.parametrize("value", [["a"], {"a": "b"}, []])
def test_a_row_with_a_value_that_is_no_text_fails(value: object) -> None:
    with pytest.raises(RowError, match=r"^The value of the column 'tags' in key_template is a list or an object"):
        key_of("{tags}", {"tags": value})


@pytest.mark.parametrize(
    ("url", "path", "name"),
    [
        ("http://a.example", "index", "index"),
        ("http://a.example/", "index", "index"),
        ("http://a.example//x//y.png/", "x/y", "y"),
        ("http://a.example/.png", ".png", ".png"),
        ("http://a.example/a.b/c", "a.b/c", "c"),
        ("http://a.example/a.tar.gz", "a.tar", "a.tar"),
        ("http://a.example/%2e%2e/%2E/x.png", "__/_/x", "x"),
        ("http://a.example/%00%0a%ff", "__\ufffd", "__\ufffd"),
        ("http://a.example/e%CC%81", "\u00e9", "\u00e9"),
        ("http://a.example/{row}", "{row}", "{row}"),
    ],
)
def test_path_and_name_are_those_of_the_url_without_extension(url: str, path: str, name: str) -> None:
    assert key_of("{path}", url=url) == path
    assert key_of("x/{name}", url=url) == f"x/{name}"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{date}/{run}/{row:08}.{ext}", "2026-01-31/demo-1/{row:08}.{ext}"),
        ("{date:%Y/%m}/{{x}}/{row}", "2026/01/{{x}}/{row}"),
        ("{date:%Y-%j}-{column[date]}-{column[a:b]:.2}", "2026-031-{column[date]}-{column[a:b]:.2}"),
    ],
)
def test_the_values_that_all_rows_share_are_part_of_the_template_of_the_run(template: str, text: str) -> None:
    parsed = parse_template(template).with_constants("demo-1", STARTED)

    assert parsed == text
    assert parse_template(parsed).with_constants("demo-2", STARTED) == text


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{row:>8}", r"has the format '>8' for {row}, which is not possible. Possible: {row:08} for eight digits."),
        ("{row:8}", r"has the format '8' for {row}"),
        ("{row:}", r"has the format '' for {row}"),
        ("{row}{ext:.2}", r"has the format '.2' for {ext}, which is not possible. Possible: {ext} has none."),
        ("{sha256:02}", r"Possible: {sha256:.2} for the first two characters."),
        ("{row}{date:%s}", r"Possible: {date:%Y/%m}, of %Y, %m, %d, %H and %j."),
        ("{title:x}", r"Possible: {title:08} for eight digits or {title:.2} for the first two characters."),
        ("{}", "has {} without a name. The fields are {row}, {host},"),
        ("{row", "has a brace without its counterpart at '{row'. A brace in a key is written twice."),
        ("row}", "has a brace without its counterpart at '}'."),
        ("{a{row}}", "has a brace without its counterpart at '{a{row}}'."),
        (
            "constant.jpg",
            "has no field that tells rows apart, so all of them would have the same key. Add {row}, {sha256}",
        ),
        ("{date}/{run}.{ext}", "has no field that tells rows apart"),
        ("{{row}}", "has no field that tells rows apart"),
        ("a/../{row}", "has a path segment that is empty, . or .."),
        ("a//{row}", "has a path segment that is empty, . or .."),
        ("{row}/", "has a path segment that is empty, . or .."),
        ("{date:/%Y}//{row}", "has a path segment that is empty, . or .."),
        ("{date:..}/{row}", "has a path segment that is empty, . or .."),
        ("{date:%Y/}/{row}", "has a path segment that is empty, . or .."),
        ("a\\{row}", "contains a control character or a backslash"),
        ("a\t{row}", "contains a control character or a backslash"),
        ("{a}" * 40, "makes keys that are longer than 1024 bytes, the limit of S3. Shorten it."),
        ("\U0001f600" * 250 + "{row}", "makes keys that are longer than 1024 bytes, the limit of S3. Shorten it."),
        ("x" * 200 + "{run}{row}", "has more than 256 characters with the ID and the date of a run. Shorten it."),
    ],
)
def test_a_template_that_cannot_be_used_is_rejected_with_the_options(template: str, problem: str) -> None:
    with pytest.raises(InvalidManifest) as raised:
        validate_options({"key-template": template})

    assert str(raised.value).startswith("Option 'key_template' ")
    assert problem in str(raised.value)


@pytest.mark.parametrize("template", ["x" * 257, 7, ["{row}"]])
def test_an_option_that_is_no_template_is_rejected(template: object) -> None:
    with pytest.raises(InvalidManifest, match="Option 'key_template' must be text of up to 256 characters"):
        validate_options({"key_template": template})


def test_the_row_wins() -> None:
    rules = RowRules.of(Options(key_template="t/{row}.{ext}"))

    assert parse_row(1, {"url": URL, "key": "mine.png"}, rules).key == "images/mine.png"
    assert parse_row(1, {"url": URL, "key": ""}, rules).key == OpenKey("images/t/1.{ext}")
    assert parse_row(2, URL, rules).key == OpenKey("images/t/2.{ext}")


@pytest.mark.parametrize("item", [URL, {"url": URL, "id": 7}, {"url": URL, ROW_COLUMN: "12"}, {"Link": URL}])
def test_a_row_of_a_retry_manifest_has_its_former_number_in_its_key(item: Any) -> None:
    is_link = isinstance(item, dict) and "Link" in item
    rules = RowRules.of(Options(key_template="{row:04}", url_column="Link" if is_link else ""))
    first = parse_row(12, item, rules)

    again = parse_row(1, with_row_number(12, item, rules.url_column), rules)
    third = parse_row(5, with_row_number(1, with_row_number(12, item, rules.url_column), rules.url_column), rules)

    assert first.key == again.key == third.key == "images/0012"
    assert (again.number, again.url, again.user_columns) == (1, first.url, first.user_columns)


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "x", ["1"], "1" * 16])
def test_a_number_that_no_row_has_is_an_error_of_the_row(value: object) -> None:
    with pytest.raises(RowError, match=f"^{ROW_COLUMN} is not the number of a row.$"):
        original_row(value, 1)
    assert [original_row(each, 3) for each in (None, "", " 12 ", 12, 12.0)] == [3, 3, 12, 12, 12]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
names = st.sampled_from([*FIELDS, "title", "column[row]", "Image Title"])
formats = st.sampled_from(["", ":.2", ":08", ":%Y"])
literals = st.text(st.sampled_from("ab./-_ \u00e9e\u0301\u0958\u0338=\U0001f600{}"), max_size=8).map(
    lambda text: text.replace("{", "{{").replace("}", "}}")
)
templates = st.lists(st.one_of(literals, st.builds("{{{}{}}}".format, names, formats)), min_size=1, max_size=8).map(
    "".join
)
values = st.one_of(st.text(max_size=400), st.text("./ \\\0a\u0958\u0301", max_size=12), st.integers(), st.floats())
paths = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="?#"), max_size=300)


def assert_safe(key: str) -> None:
    """The rules of `key`, which the tests of the local store use, too."""
    name = key.removeprefix(PREFIX)
    assert key.startswith(PREFIX)
    assert len(key.encode()) <= MAX_KEY_BYTES
    assert not re.search(r"[\x00-\x1f\x7f\\]", name)
    assert not {"", ".", ".."} & set(name.split("/"))
    assert unicodedata.is_normalized("NFC", name)


@given(templates, values, values, paths, st.integers(1, 10**15 - 1))
def test_every_key_is_safe(template: str, title: object, other: object, path: str, row: int) -> None:
    """Or the template, or the row, is an error with a message."""
    columns: dict[str, Any] = {"title": title, "Image Title": other, "row": other}
    try:
        parsed = parse_template(parse_template(template).with_constants("demo-1", STARTED))
        key = parsed.key(row, f"http://a.example/{path}", columns, PREFIX)
    except KeyTemplateError:
        return
    except RowError:
        return
    for extension in ("jpg", "jxl", "x" * 8):
        assert_safe(key.of(DIGEST, extension) if isinstance(key, OpenKey) else key)


@given(templates)
def test_a_template_that_is_accepted_makes_keys_of_ordinary_rows(template: str) -> None:
    try:
        parsed = parse_template(template)
    except KeyTemplateError:
        return
    columns = {"title": "a", "Image Title": "b", "row": "c"}

    key = parsed.key(1, "http://a.example/b.png", columns, PREFIX)

    assert parse_template(parsed.with_constants("r" * 64, STARTED)).key(1, URL, columns, PREFIX)
    assert_safe(key.of(DIGEST, "jpg") if isinstance(key, OpenKey) else key)


@given(texts, st.integers(MIN_VALUE_BYTES, 200))
def test_a_value_that_is_shortened_ends_with_its_digest(text: str, max_bytes: int) -> None:
    short = shortened(text, max_bytes)

    assert len(short.encode()) <= max_bytes
    if short != text:
        beginning, _, digest = short.rpartition("-")
        assert text.startswith(beginning)
        assert hashlib.sha256(text.encode()).hexdigest().startswith(digest)


def test_values_that_are_too_long_stay_different() -> None:
    long = "\u00e9" * 2000

    keys = {key_of("{title}/{row:08}.{ext}", {"title": long + end}) for end in ("", "a", "b")}

    assert len(keys) == 3
    assert all(key.endswith("/00000007.jpg") and len(key.encode()) > 900 for key in keys)
    assert len(min(keys)) > MAX_TEMPLATE_CHARACTERS
