"""Keys of objects in the images bucket, and of rows in the images table."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import RowError
from functions.core.model.keys import (
    MAX_PREFIX_BYTES,
    default_key,
    from_table_row,
    requested_key,
    table_key,
    to_table_row,
)
from functions.core.model.limits import MAX_TABLE_KEY_BYTES
from functions.core.model.reasons import Reason


def test_a_key_is_spread_by_the_digest_of_the_url() -> None:
    digest = "54fe04d59eea85d2e2d89391f59984ffe9e1b1420072e2ca81a581c55cbbc34b"

    assert default_key("http://a.example/1.png", "png") == f"images/{digest[:2]}/{digest}.png"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a.png", "images/a.png"),
        ("  cats/tom.jpg ", "images/cats/tom.jpg"),
        ("/cats/tom", "images/cats/tom"),
        ("images/cats/tom", "images/cats/tom"),
        ("e\u0301.png", "images/\u00e9.png"),
        ("a b+%20?.png", "images/a b+%20?.png"),
        ("...", "images/..."),
        ("x" * 1_017, "images/" + "x" * 1_017),
    ],
)
def test_a_row_may_request_a_key(text: str, key: str) -> None:
    assert requested_key(text) == key


def test_keys_have_the_prefix_of_the_stack() -> None:
    prefix = "mirror/pictures/"

    assert default_key("http://a.example/1.png", "png", prefix).startswith("mirror/pictures/54/54fe04d5")
    assert requested_key("/cats/tom", prefix) == "mirror/pictures/cats/tom"
    assert requested_key("mirror/pictures/cats/tom", prefix) == "mirror/pictures/cats/tom"
    assert requested_key("images/cats/tom", prefix) == "mirror/pictures/images/cats/tom"


@pytest.mark.parametrize("length", [1, MAX_PREFIX_BYTES])
def test_a_key_with_its_prefix_fits_into_s3(length: int) -> None:
    prefix = "p" * (length - 1) + "/"

    assert len(requested_key("x" * (1024 - length), prefix)) == 1024
    with pytest.raises(RowError, match="longer than 1024 bytes"):
        requested_key("x" * (1025 - length), prefix)
    assert len(default_key("http://a.example/1", "jpeg", prefix)) < 1024


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (5, "is not text"),
        ("", "path segment that is empty"),
        ("images/", "path segment that is empty"),
        ("a//b", "path segment that is empty"),
        ("a/", "path segment that is empty"),
        ("//a", "path segment that is empty"),
        ("../a", r"path segment that is empty, \. or \.\."),
        ("a/../b", r"path segment that is empty, \. or \.\."),
        ("./a", r"path segment that is empty, \. or \.\."),
        ("a\nb", "control character or a backslash"),
        ("a\\b", "control character or a backslash"),
        ("x" * 1_018, "longer than 1024 bytes"),
        ("\u00e9" * 509, "longer than 1024 bytes"),
        ("a\ud800", "not valid Unicode"),
    ],
)
def test_an_unsafe_key_is_an_invalid_row(text: object, sentence: str) -> None:
    with pytest.raises(RowError, match=sentence) as raised:
        requested_key(text)

    assert raised.value.reason is Reason.INVALID_ROW


@given(text=st.text(max_size=30) | st.text("./\\ aimges", max_size=30))
def test_any_requested_key_stays_under_images(text: str) -> None:
    try:
        key = requested_key(text)
    except RowError:
        return
    assert key.startswith("images/")
    assert not {"", ".", ".."} & set(key.split("/"))
    assert len(key.encode()) <= 1024


def test_a_key_that_could_be_the_default_of_another_url_is_rejected() -> None:
    name = default_key("http://a.example/1", "png").removeprefix("images/")

    with pytest.raises(RowError, match="has the form of a default key"):
        requested_key(name)
    assert requested_key(name.upper()) == f"images/{name.upper()}"


START = "http://a.example/"
AT_THE_LIMIT = [START + "x" * 2_031, START + "x" + "\u00e9" * 1_015, START + "xxx" + "\U0001f600" * 507]
"""URLs of 2,048 bytes, of one, two and four bytes a character."""


@pytest.mark.parametrize("url", ["http://a", *AT_THE_LIMIT])
def test_the_key_of_a_row_is_the_url_up_to_2048_bytes(url: str) -> None:
    assert table_key(url) == url
    assert to_table_row({"url": url, "row": 1}) == {"url": url, "row": 1}


@pytest.mark.parametrize("url", [f"{url}x" for url in AT_THE_LIMIT])
def test_the_key_of_a_row_is_a_digest_of_a_longer_url(url: str) -> None:
    key = f"sha256:{hashlib.sha256(url.encode()).hexdigest()}"

    assert table_key(url) == key
    assert to_table_row({"url": url, "row": 1}) == {"url": key, "full_url": url, "row": 1}
    assert from_table_row({"url": key, "full_url": url, "row": 1}) == {"url": url, "row": 1}


def test_urls_that_differ_in_their_last_byte_have_different_keys() -> None:
    assert table_key(f"{AT_THE_LIMIT[0]}a") != table_key(f"{AT_THE_LIMIT[0]}b")
    assert table_key(f"sha256:{'0' * 64}") == f"sha256:{'0' * 64}"  # what GET /images asks for


LENGTHS = st.sampled_from([1, 512, 1_015, 2_030, 2_031, 2_032, 8_000])
LONG_URLS = st.builds(
    lambda character, times, end: START + character * times + end,
    st.characters(exclude_categories=["Cs"]),
    LENGTHS,
    st.text(max_size=4),
)


@given(one=LONG_URLS, other=LONG_URLS)
def test_any_url_has_a_key_of_its_own_that_fits_and_is_no_other_url(one: str, other: str) -> None:
    key = table_key(one)

    assert len(key.encode()) <= MAX_TABLE_KEY_BYTES
    assert key == one or key.startswith("sha256:")
    assert (key == table_key(other)) == (one == other)
    assert from_table_row(to_table_row({"url": one})) == {"url": one}
