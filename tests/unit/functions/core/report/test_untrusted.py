"""Texts from the internet and the user, in the page."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from functions.core.report.page import _environment, untrusted


class Reader(HTMLParser):
    """The elements, attributes and text that a browser finds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(template: str, **values: object) -> str:
    return _environment().from_string(template).render(**values)


@given(text=st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs"))))
def test_text_comes_out_as_it_went_in_and_is_never_markup(text: str) -> None:
    read = Reader(rendered('<p title="{{ text }}">{{ text }}</p>', text=text))

    assert (read.tags, read.text, read.attributes) == (["p"], text, [("title", text)])


def test_a_value_that_does_not_exist_is_an_error_and_not_an_empty_text() -> None:
    with pytest.raises(UndefinedError):
        rendered("{{ summary.storde }}", summary={"stored": 1})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert('1')</script>", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"),
        ("evil\u202egpj.exe", "evil\\u202egpj.exe"),
        ("\x00\x1b[2J\ud800", "\\u0000\\u001b[2J\\ud800"),
        ("שלום, 1\u200f", "שלום, 1\u200f"),
        ("a" * 300, "a" * 199 + "…"),
    ],
)
def test_untrusted_text_is_isolated_cut_and_shows_what_hides(text: str, shown: str) -> None:
    assert rendered("{{ text | untrusted }}", text=text) == untrusted(text) == f"<bdi>{shown}</bdi>"


@given(text=st.text())
def test_whatever_is_untrusted_can_be_written_as_utf_8(text: str) -> None:
    untrusted(text).encode()
