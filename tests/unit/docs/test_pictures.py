"""The pictures of the README, which `python -m docs.pictures` makes from the demo."""

import re
from html import unescape
from pathlib import Path

import pytest

from docs.pictures import PAGE, ROOT, STATE, TERMINAL

MAX_BYTES = 150_000


@pytest.mark.parametrize("picture", [TERMINAL, PAGE], ids=lambda path: path.name)
def test_a_picture_is_shown_by_the_readme_and_is_small(picture: Path) -> None:
    assert f"(docs/{picture.name})" in (ROOT / "README.md").read_text()
    assert picture.stat().st_size < MAX_BYTES


def test_the_terminal_shows_the_result_of_the_demo_and_loads_nothing() -> None:
    picture = TERMINAL.read_text()

    text = unescape(re.sub("<[^>]*>", "", picture)).replace("\N{NO-BREAK SPACE}", " ")
    assert f"{STATE} 27 images stored, 5 rows failed." in text
    assert "@font-face" not in picture
