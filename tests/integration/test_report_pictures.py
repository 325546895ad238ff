"""The pages of runs of every kind in a browser: what they look like, and whether everybody can read them.

Screenshots and prints are written to `build/report-page/`. Each run is opened once: a page takes a second.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import axe
from tests.support.browser import Browser, Page
from tests.support.report_runs import HOSTILE, RUNS

SCREENSHOTS = Path(__file__).parents[2] / "build" / "report-page"
LOOKS = {"light": (1280, False), "dark": (1280, True), "narrow": (390, False)}
SECONDS = 900
"""Timeout of a test: the first one may have to install the browser and axe-core."""

LOAD_IMAGES = """Promise.all([...document.images].map(image => {
    image.loading = 'eager'; return image.decode().then(() => 1) })).then(loaded => loaded.length)"""
OPEN_ALL = "document.querySelectorAll('details').forEach(element => element.open = true)"

pytestmark = pytest.mark.timeout(SECONDS)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: run.write(tmp_path_factory.mktemp("out")) for name, run in RUNS.items()}


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(chromium: Browser, pages: dict[str, Path], run: str, look: str) -> Iterator[Page]:
    width, dark = LOOKS[look]
    with chromium.open(pages[run].as_uri(), width=width, dark=dark) as opened:
        yield opened


@pytest.mark.parametrize("run", RUNS)
def test_a_page_shows_its_images_and_axe_finds_no_violation(page: Page, run: str, look: str) -> None:
    images = page.value(LOAD_IMAGES)  # fails if one cannot be decoded
    page.screenshot(SCREENSHOTS / f"{re.sub('[^a-z0-9]+', '-', run)}-{look}.png")
    page.value(OPEN_ALL)

    assert bool(images) == (run in ("demo", "mixed", "hostile", "cancelled"))
    assert axe.violations(page) == []
    assert page.complaints == []
    assert page.value("document.documentElement.scrollWidth") == LOOKS[look][0]


def test_axe_finds_a_violation_where_there_is_one(chromium: Browser, pages: dict[str, Path]) -> None:
    with chromium.open(pages["demo"].as_uri()) as page:
        page.value("document.images[0].removeAttribute('alt')")

        assert any(violation.startswith("image-alt") for violation in axe.violations(page))


@pytest.mark.parametrize("run", ["mixed", "cancelled"])
def test_a_print_has_the_images_and_the_examples_of_failures(
    chromium: Browser, pages: dict[str, Path], run: str
) -> None:
    with chromium.open(pages[run].as_uri(), medium="print") as page:
        page.value(LOAD_IMAGES)
        page.pdf(SCREENSHOTS / f"{run}.pdf")
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
    texts = [text.replace("\u202e", "\\u202e") for text in HOSTILE]
    assert [text for text in texts if not any(text in each for each in shown)] == []
