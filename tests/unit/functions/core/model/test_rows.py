"""Rows of a manifest."""

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import (
    Row,
    RowRules,
    classify_columns,
    display_url,
    parse_row,
    with_absolute_url,
)

URL = "http://a.example/1.png"
SHA256 = hashlib.sha256(b"x")
MD5 = hashlib.md5(b"x")
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
COLUMN = st.sampled_from(["url", "image_url", "key", "sha256", "md5", "size", "headers", "header:X-A", "header:", "id"])
WITHOUT_URL = st.dictionaries(COLUMN, SCALAR | st.dictionaries(COLUMN, SCALAR))
ITEM = SCALAR | st.lists(SCALAR, max_size=2) | WITHOUT_URL | WITHOUT_URL.map(lambda item: {**item, "url": URL})


def test_a_text_is_a_url() -> None:
    assert parse_row(7, URL) == Row(7, URL)


@pytest.mark.parametrize(
    "column", ["url", "image_url", "URL", "Image URL", "imageUrl", "image-url", "\ufeffurl", "url\r", " Url "]
)
def test_the_url_column_may_have_several_names(column: str) -> None:
    row = parse_row(1, {column: URL, "id": "7"})

    assert row.url == URL
    assert row.user_columns == {"id": "7"}


def test_of_several_names_the_first_counts_that_holds_text() -> None:
    assert parse_row(1, {"url": None, "image_url": URL}).url == URL
    assert parse_row(1, {"image_url": "http://b.example/", "url": URL}).url == URL


def test_the_columns_that_are_not_taken_as_the_url_are_the_users_own() -> None:
    row = parse_row(1, {"URL": "http://b.example/", "url": URL, "image_url": "x", "Size": "XL"})

    assert row.url == URL
    assert row.user_columns == {"URL": "http://b.example/", "image_url": "x", "Size": "XL"}


def test_two_columns_that_could_both_be_the_url_are_an_error() -> None:
    with pytest.raises(RowError, match="Both 'URL' and 'Url' could be the URL column"):
        parse_row(1, {"URL": URL, "Url": "x"})


def test_spaces_around_a_name_are_no_part_of_it() -> None:
    row = parse_row(1, {"url": URL, " key": "a.png", " mine ": "x"})

    assert (row.key, row.user_columns) == ("images/a.png", {" mine ": "x"})


def test_columns_that_a_csv_without_a_header_does_not_have_are_not_the_users() -> None:
    row = parse_row(1, {"url": URL, "column_2": "x", "column_3": "", "other": ""})

    assert row.user_columns == {"column_2": "x", "other": ""}


def test_a_byte_order_mark_that_was_left_on_is_no_part_of_the_url() -> None:
    assert parse_row(1, "\ufeff" + URL).url == URL


def test_a_relative_url_is_relative_to_the_runs_base() -> None:
    assert parse_row(1, {"url": "1.png"}, RowRules("http://a.example")).url == URL


def test_every_column_that_we_know_is_read_and_the_others_are_the_users_own() -> None:
    item = {
        "url": URL,
        "key": "cats/tom.png",
        "sha256": SHA256.hexdigest().upper(),
        "md5": base64.b64encode(MD5.digest()).decode(),
        "size": "12",
        "headers": {"Authorization": "Bearer x"},
        "id": 7,
        "tags": ["a"],
    }

    row = parse_row(3, item)

    assert row == Row(
        number=3,
        url=URL,
        key="images/cats/tom.png",
        sha256=SHA256.hexdigest(),
        md5=MD5.hexdigest(),
        size=12,
        headers={"Authorization": "Bearer x"},
        user_columns={"id": 7, "tags": ["a"]},
    )


def test_empty_columns_ask_for_nothing() -> None:
    item = {"url": URL, "key": "", "sha256": "", "md5": None, "size": "", "headers": ""}

    assert parse_row(1, item) == Row(1, URL)


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (None, "The row is null"),
        (5, "The row is a number"),
        (True, "The row is a boolean"),
        ([URL], "The row is a list"),
        ({}, "has no url"),
        ({"link": URL}, "has no url"),
        ({"url": 5}, "has no url"),
        ({"url": URL, "key": "../x"}, "key has"),
        ({"url": URL, "key": 5}, "key is not text"),
        ({"url": URL, "sha256": "x"}, "sha256 is neither hex nor base64 of 32 bytes"),
        ({"url": URL, "sha256": MD5.hexdigest()}, "sha256 is neither"),
        ({"url": URL, "md5": SHA256.hexdigest()}, "md5 is neither hex nor base64 of 16 bytes"),
        ({"url": URL, "md5": "\u00e9" * 32}, "md5 is neither"),
        ({"url": URL, "md5": 5}, "md5 is neither"),
        ({"url": URL, "size": "-1"}, "size is not a number"),
        ({"url": URL, "size": "1.5"}, "size is not a number"),
        ({"url": URL, "size": "9" * 16}, "size is not a number"),
        ({"url": URL, "size": "\u0663"}, "size is not a number"),
        ({"url": URL, "size": True}, "size is not a number"),
        ({"url": URL, "headers": "x"}, "Line 1 of the headers has no colon"),
        ({"url": URL, "headers": ["x"]}, "Headers are an object of names and values"),
        ({"url": URL, "headers": {"Host": "b.example"}}, "The header Host cannot be set"),
        ({"url": URL, "headers": {"X Y": "x"}}, "The name of header 1 is not valid in HTTP"),
        ({"url": URL, "headers": {"X-A": "x\r\nHost: y"}}, "The value of the header X-A is not valid in HTTP"),
        ({"url": URL, "headers": {"X-A": 5}}, "The value of the header X-A is not valid in HTTP"),
        ({"url": URL, "header:Host": "b.example"}, "The header Host cannot be set"),
        ({"url": URL, "header:": "x"}, "The name of header 1 is not valid in HTTP"),
        ({"url": URL, "header:X-A": "\u4e2d"}, "The value of the header X-A is not valid in HTTP"),
        ({"url": URL, "header:X-A": "1", "header:x-a": ""}, "The header x-a is set twice"),
        ({"url": URL, "header:X-A": "1", "headers": {"X-a": "2"}}, "The header X-A is set twice"),
    ],
)
def test_the_error_of_an_invalid_row_names_the_column(item: object, sentence: str) -> None:
    with pytest.raises(RowError, match=sentence) as raised:
        parse_row(1, item)

    assert raised.value.reason is Reason.INVALID_ROW
    assert not raised.value.retryable


def test_the_error_of_a_header_does_not_show_its_value() -> None:
    with pytest.raises(RowError) as raised:
        parse_row(1, {"url": URL, "headers": {"Authorization": "secret\n"}})

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["header:Referer", "Header:Referer", "HEADER: Referer ", "\ufeffheader:Referer\r"])
def test_a_column_of_a_header_is_a_header_and_no_column_of_the_user(name: str) -> None:
    row = parse_row(1, {"url": URL, name: " http://a.example/ ", "header": "mine", "referer": "mine"})

    assert row.headers == {"Referer": "http://a.example/"}
    assert row.user_columns == {"header": "mine", "referer": "mine"}


def test_columns_and_the_object_of_headers_are_taken_together() -> None:
    row = parse_row(1, {"url": URL, "headers": {"Cookie": "a=b"}, "header:Referer": "", "header:X-A": None})

    assert row.headers == {"Cookie": "a=b", "Referer": "", "X-A": ""}


def test_headers_are_not_in_the_representation_of_a_row() -> None:
    assert "secret" not in repr(parse_row(1, {"url": URL, "headers": {"Authorization": "secret"}}))


@given(item=ITEM)
def test_any_item_is_a_row_or_an_error(item: Any) -> None:
    try:
        row = parse_row(1, item)
    except RowError:
        return
    assert row.url.startswith("http")


@given(item=ITEM, base_url=st.sampled_from(["", "http://a.example/img"]))
def test_any_item_can_be_displayed(item: Any, base_url: str) -> None:
    display_url(item, RowRules(base_url)).encode()


@pytest.mark.parametrize(
    ("column", "value", "parsed"),
    [
        ("size", "0", 0),
        ("size", 12, 12),
        ("size", " 12 ", 12),
        ("size", "9" * 15, 10**15 - 1),
        ("sha256", f" {SHA256.hexdigest()} ", SHA256.hexdigest()),
        ("sha256", base64.b64encode(SHA256.digest()).decode(), SHA256.hexdigest()),
        ("md5", MD5.hexdigest().upper(), MD5.hexdigest()),
        ("headers", {"X-A": " \t\xff "}, {"X-A": "\xff"}),
        ("headers", {"!#$%&'*+.^_`|~-9aZ": ""}, {"!#$%&'*+.^_`|~-9aZ": ""}),
        ("headers", "Referer: http://a.example/\nX-A: b", {"Referer": "http://a.example/", "X-A": "b"}),
    ],
)
def test_a_column_is_parsed(column: str, value: object, parsed: object) -> None:
    assert getattr(parse_row(1, {"url": URL, column: value}), column) == parsed


def test_nine_columns_of_a_csv_without_a_header_are_not_the_users_where_they_are_empty() -> None:
    names = [f"column_{number}" for number in range(1, 12)]

    assert list(parse_row(1, {"url": URL, **dict.fromkeys(names, "")}).user_columns) == ["column_1", "column_11"]


def test_a_name_of_the_url_column_takes_precedence_by_its_place_and_then_by_its_case() -> None:
    assert classify_columns(("imageurl", "Image-URL", "Url", " url ", "id")).urls == (
        " url ",
        "Url",
        "Image-URL",
        "imageurl",
    )
    assert classify_columns(("image url", "IMAGE_URL")).conflicting == "IMAGE_URL"
    assert classify_columns(("url", "URL", "Url")).conflicting is None


@pytest.mark.parametrize(
    ("item", "base_url", "shown"),
    [
        ("http://u:p@a.example/1", "", "http://a.example/1"),
        ({"url": "1.png"}, "http://a.example", URL),
        ({"url": "1.png?sig=1"}, "", "1.png?sig=\u2026"),
        ({"link": URL}, "", ""),
        (5, "", ""),
    ],
)
def test_a_rows_url_is_shown_absolute_and_redacted(item: object, base_url: str, shown: str) -> None:
    assert display_url(item, RowRules(base_url)) == shown


@pytest.mark.parametrize(
    ("item", "absolute"),
    [
        ("1.png", URL),
        ({"id": 7, "image_url": "1.png"}, {"id": 7, "image_url": URL}),
        ({"url": "ftp://x"}, {"url": "ftp://x"}),
        (5, 5),
    ],
)
def test_an_item_can_be_made_independent_of_its_base(item: object, absolute: object) -> None:
    assert with_absolute_url(item, RowRules("http://a.example")) == absolute


def test_a_run_names_the_url_column_and_the_users_own_columns() -> None:
    rules = RowRules(url_column="Image Src", own_columns=("size", "md5"))
    item = {"url": "x", " image_src": URL, "size": "XL", "md5": "yes", "sha256": SHA256.hexdigest()}

    row = parse_row(1, item, rules)

    assert (row.url, row.size, row.md5, row.sha256) == (URL, None, None, SHA256.hexdigest())
    assert row.user_columns == {"url": "x", "size": "XL", "md5": "yes"}
    assert with_absolute_url({"url": "x", "Image Src": "1.png"}, RowRules("http://a.example", "Image Src")) == {
        "url": "x",
        "Image Src": URL,
    }


def test_a_column_that_has_the_urls_has_no_other_meaning() -> None:
    assert parse_row(1, {"key": URL}, RowRules(url_column="key")) == Row(1, URL)


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (f"{URL}, {URL}", "The URL is several URLs in one value"),
        ({"url": f"{URL}|{URL}"}, "The URL is several URLs in one value"),
        ({"url": [URL, URL]}, "The value of url is a list"),
    ],
)
def test_several_urls_in_one_value_are_an_error_that_names_the_option(item: Any, sentence: str) -> None:
    with pytest.raises(RowError, match=rf"{sentence}\. The option split_urls=true makes a row of each\."):
        parse_row(1, item)
