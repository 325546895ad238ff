"""HTML by construction."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.report.markup import Markup, foreign, joined, tag


class Reader(HTMLParser):
    """What a browser makes of it."""

    def __init__(self, markup: Markup) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(markup.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@given(text=st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs"))))
def test_text_comes_out_as_it_went_in_and_is_never_markup(text: str) -> None:
    read = Reader(tag("p", text, title=text))

    assert (read.tags, read.text, read.attributes) == (["p"], text, [("title", text)])


def test_names_of_attributes_that_python_cannot_spell() -> None:
    assert tag("p", class_="a", aria_label="b", id=None).text == '<p class="a" aria-label="b"></p>'


def test_nothing_is_written_of_a_child_that_is_none() -> None:
    assert joined(None, "a", 0, tag("br")).text == "a0<br></br>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert('1')</script>", "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;"),
        ("evil\u202egpj.exe", "evil\\u202egpj.exe"),
        ("\x00\x1b[2J\ud800", "\\u0000\\u001b[2J\\ud800"),
        ("שלום, 1\u200f", "שלום, 1\u200f"),
        ("a" * 300, "a" * 199 + "…"),
    ],
)
def test_foreign_text_is_isolated_cut_and_shows_what_hides(text: str, shown: str) -> None:
    assert foreign(text).text == f"<bdi>{shown}</bdi>"


@given(text=st.text())
def test_whatever_is_foreign_can_be_written_as_utf_8(text: str) -> None:
    foreign(text).text.encode()
