"""The pages of runs of every kind in a browser: what they look like, and whether everybody can read them.

Pictures and prints are written to the folder of `tests.support.pictures`.
"""

from pathlib import Path

import pytest

from tests.support import axe
from tests.support.browser import Browser
from tests.support.pictures import photograph
from tests.support.report_runs import HOSTILE, RUNS

SECONDS = 900
"""Timeout of a test: the first one may have to install the browser and axe-core."""

pytestmark = pytest.mark.timeout(SECONDS)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: run.write(tmp_path_factory.mktemp("out")) for name, run in RUNS.items()}


@pytest.mark.parametrize("run", RUNS)
def test_a_page_shows_its_images_and_is_readable_in_every_look(
    chromium: Browser, pages: dict[str, Path], run: str
) -> None:
    with chromium.open(pages[run].as_uri()) as page:
        wrong = photograph(page, f"report {run}")

        assert wrong == []
        assert page.complaints == []
        assert bool(page.value("document.images.length")) == (run in ("demo", "mixed", "hostile", "cancelled"))


def test_axe_finds_a_violation_where_there_is_one(chromium: Browser, pages: dict[str, Path]) -> None:
    with chromium.open(pages["demo"].as_uri()) as page:
        page.value("document.images[0].removeAttribute('alt')")

        assert any(violation.startswith("image-alt") for violation in axe.violations(page))


def test_a_print_has_the_examples_of_failures(chromium: Browser, pages: dict[str, Path]) -> None:
    with chromium.open(pages["mixed"].as_uri(), medium="print") as page:
        heights = page.value("[...document.querySelectorAll('.example')].map(element => element.offsetHeight)")

    assert heights
    assert min(heights) > 0


def test_the_pictures_are_loaded_when_they_are_scrolled_to(chromium: Browser, pages: dict[str, Path]) -> None:
    with chromium.open(pages["mixed"].as_uri()) as page:
        loading = page.value("[...new Set([...document.images].map(image => image.loading))]")

    assert loading == ["lazy"]


def test_a_picture_can_be_reached_and_opened_with_the_keyboard(chromium: Browser, pages: dict[str, Path]) -> None:
    with chromium.open(pages["demo"].as_uri()) as page:
        links = page.value("[...document.querySelectorAll('.sheet a')].map(link => [link.tabIndex, link.innerText])")

    assert len(links) == 27
    assert all(tab_index == 0 and "kB" in text for tab_index, text in links)


def test_hostile_text_is_text(chromium: Browser, pages: dict[str, Path]) -> None:
    with chromium.open(pages["hostile"].as_uri()) as page:
        counts = page.value("""['script', 'iframe', 'h1', 'style', 'bdi *', 'a a', 'img:not(.sheet img)'].map(
            selector => document.querySelectorAll(selector).length)""")
        handlers = page.value("""[...document.querySelectorAll('*')].flatMap(element => element.getAttributeNames())
            .filter(name => name.startsWith('on') || name === 'style')""")
        links = page.value("[...document.links].map(link => link.href)")
        shown = page.value("[...document.querySelectorAll('bdi')].map(element => element.textContent)")
        sources = page.value("[...document.images].map(image => image.src)")

    assert (counts, handlers) == ([0, 0, 1, 1, 0, 0, 0], [])
    folder = pages["hostile"].parents[2].as_uri()
    assert all(link.startswith(folder) for link in links + sources)
    ends = [text.replace("\u202e", "\\u202e")[-20:] for text in HOSTILE]  # the middle of a long URL is left out
    assert [text for text in ends if not any(text in each for each in shown)] == []
