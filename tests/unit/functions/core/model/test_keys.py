"""Object keys in the images bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import RowError
from functions.core.model.keys import MAX_PREFIX_BYTES, default_key, requested_key
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
