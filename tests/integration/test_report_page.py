"""The run's page in a real browser, for usual runs and for hostile ones."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from local.aws.cloud import Cloud
from tests.support.browser import Browser, Page
from tests.support.pictures import OPEN_DETAILS, OUTSIDE
from tests.support.pipeline import FinishedRun, mirror
from tests.support.site import Answer, Site

ROOT = Path(__file__).parents[2]
DEMO = sorted((ROOT / "manifests" / "demo").iterdir())
WIDTHS = (390, 1280)
RUNS = ("usual", "hostile", "refused")
SECONDS = 900
"""Timeout of a test: the first one may have to install the browser."""

SCRIPT = "<script>alert(1)</script>"
HANDLER = "\"'><img src=x onerror=alert(2)>"
TITLE = "</title></style></bdi><h1>Owned</h1>"
ARABIC = "صورة من القاهرة (1)"
REVERSED = "\u202egnp.exe"

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Served:
    """A run, and the URL of its page."""

    run: FinishedRun
    site: Site
    url: str


def _usual(cloud: Cloud, site: Site) -> FinishedRun:
    urls = [site.put(f"/{path.name}", path.read_bytes()) for path in DEMO]
    urls += [site.put("/page.jpg", Answer(b"<html></html>")), site.put("/tired.jpg", Answer(b"", 500)), urls[0]]
    urls += [f"{site.url}/gone-{n}.jpg" for n in range(3)] + ["http://169.254.169.254/latest/meta-data/"]
    return mirror(cloud, "usual.csv", _manifest(("url", "title"), *((url, "A title") for url in urls)), {"rounds": "1"})


def _hostile(cloud: Cloud, site: Site) -> FinishedRun:
    names = (SCRIPT, REVERSED, HANDLER, ARABIC, "x" * 1500)
    rows = [(f"{site.url}/{name}", HANDLER, TITLE, ARABIC, f"{SCRIPT}/{n}") for n, name in enumerate(names)]
    rows.append((site.put("/good.jpg", DEMO[0].read_bytes()), HANDLER, TITLE, ARABIC, f"{SCRIPT}/{ARABIC}"))
    columns = ("url", SCRIPT, HANDLER, "عنوان", "key")
    options = {"tolerated-failure-percentage": "0", "rounds": "1"}
    return mirror(cloud, f"{HANDLER}{SCRIPT}.csv", _manifest(columns, *rows), options)


def _refused(cloud: Cloud, site: Site) -> FinishedRun:
    return mirror(cloud, "refused.csv", f"{SCRIPT},title\na,b\n")


def _manifest(*rows: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


@pytest.fixture(scope="module")
def served(cloud: Cloud) -> Iterator[dict[str, Served]]:
    """A run of each kind, with its page served as S3 has it."""
    with Site() as site:
        runs = {"usual": _usual(cloud, site), "hostile": _hostile(cloud, site), "refused": _refused(cloud, site)}
        site.asked.clear()
        pages = {}
        for name, run in runs.items():
            html = Answer(run.file(run.summary["report"]), headers={"Content-Type": "text/html; charset=utf-8"})
            pages[name] = Served(run, site, site.put(f"/runs/{name}/report.html", html))
        yield pages


@pytest.mark.parametrize("name", RUNS)
def test_the_page_has_no_errors_requests_nothing_and_fits(
    chromium: Browser, served: dict[str, Served], name: str
) -> None:
    at = served[name]
    path = at.url.removeprefix(at.site.url)
    before = at.site.asked.copy()

    with chromium.open(at.url) as page:
        page.value(OPEN_DETAILS)
        for width in WIDTHS:
            page.look(width=width)

            assert page.value("document.documentElement.scrollWidth") == width
            assert page.value(OUTSIDE) == []
        assert page.complaints == []
        assert page.requests == [at.url]
    assert at.site.asked - before == {path: 1}


@pytest.mark.parametrize("name", ["usual", "hostile"])
def test_the_figures_are_those_of_the_summary(chromium: Browser, served: dict[str, Served], name: str) -> None:
    summary = served[name].run.summary

    with chromium.open(served[name].url) as page:
        outcomes = _pairs(page, ".outcomes > div", "dt", "data")
        reasons = _pairs(page, ".group summary", "code", "data")
        later = _pairs(page, ".later summary", "code", "data")
        over_time, types = (
            page.value(f"""[...document.querySelectorAll('{cells}')]
                .reduce((sum, element) => sum + Number(element.value), 0)""")
            for cells in (".rate details data", ".pair table:nth-child(1) data")
        )

    names = ("rows", "stored", "unchanged", "skipped", "duplicate", "failed")
    assert outcomes == {name: summary[name] for name in names if summary[name]}
    assert reasons == summary["failures_by_reason"]
    assert later == summary["retryable_by_reason"]
    assert over_time == types == summary["stored"]


def _pairs(page: Page, each: str, name: str, value: str) -> dict[str, int]:
    pairs: dict[str, int] = page.value(f"""Object.fromEntries([...document.querySelectorAll('{each}')].map(entry =>
        [entry.querySelector('{name}').textContent, Number(entry.querySelector('{value}').value)]))""")
    return pairs


def test_hostile_text_is_shown_as_the_text_it_is(chromium: Browser, served: dict[str, Served]) -> None:
    with chromium.open(served["hostile"].url) as page:
        page.value(OPEN_DETAILS)
        shown = page.value("[...document.querySelectorAll('bdi')].map(element => element.innerText)")

    texts = (SCRIPT, HANDLER, TITLE, ARABIC, "\\u202egnp.exe", "عنوان")
    assert [text for text in texts if not any(text in element for element in shown)] == []


def test_hostile_text_makes_no_element_and_no_attribute_of_its_own(
    chromium: Browser, served: dict[str, Served]
) -> None:
    with chromium.open(served["hostile"].url) as page:
        counts = page.value("""Object.fromEntries(['script', 'img', 'iframe', 'h1', 'style', 'title', 'bdi *'].map(
            selector => [selector, document.querySelectorAll(selector).length]))""")
        handlers = page.value("""[...document.querySelectorAll('*')].flatMap(element => element.getAttributeNames())
            .filter(name => name.startsWith('on') || name === 'style')""")
        schemes = page.value("[...new Set([...document.links].map(link => link.protocol))]")

    # A title is a tooltip of the chart, too.
    assert {name: count for name, count in counts.items() if count} == {"h1": 1, "style": 1, "title": counts["title"]}
    assert (handlers, schemes) == ([], ["http:"])


def test_a_script_that_got_in_would_not_run(chromium: Browser, served: dict[str, Served]) -> None:
    """Tests the Content-Security-Policy on its own: nothing is escaped here."""
    with chromium.open(served["usual"].url) as page:
        page.value("""(() => {
            const script = document.createElement('script');
            script.textContent = 'document.title = "owned"';
            document.body.append(script);
        })()""")

        assert page.value("document.title") != "owned"
        assert any("Content Security Policy" in complaint for complaint in page.complaints)


def test_links_lead_to_the_files_beside_the_page(chromium: Browser, served: dict[str, Served]) -> None:
    at = served["usual"]

    with chromium.open(at.url) as page:
        links: set[str] = set(page.value("[...document.links].map(link => link.href)"))

    folder = at.url.removesuffix("report.html")
    assert {f"{folder}{name}" for name in ("failures.csv", "retry.csv", "summary.json", "results.csv")} < links
    assert {link.rpartition("/")[0] for link in links} == {folder.removesuffix("/")}


def test_dark_is_dark_and_print_is_not(chromium: Browser, served: dict[str, Served]) -> None:
    brightness = {}
    looks: dict[str, dict[str, Any]] = {"light": {}, "dark": {"dark": True}, "print": {"dark": True, "medium": "print"}}
    with chromium.open(served["usual"].url) as page:
        for name, look in looks.items():
            page.look(width=1280, **look)
            colour = page.value("getComputedStyle(document.body).backgroundColor")
            brightness[name] = sum(int(part) for part in colour.strip("rgb()").split(","))

    assert brightness["dark"] < 150 < 700 < brightness["light"] <= brightness["print"]


def test_headings_and_tables_have_what_screen_readers_need(chromium: Browser, served: dict[str, Served]) -> None:
    with chromium.open(served["usual"].url) as page:
        levels = page.value("[...document.querySelectorAll('h1, h2, h3')].map(element => element.tagName)")
        scopes = page.value("[...document.querySelectorAll('th')].map(element => element.scope)")
        drawings = page.value("""[...document.querySelectorAll('svg')].filter(drawing =>
            drawing.ariaHidden !== 'true' && !(drawing.getAttribute('role') === 'img' && drawing.ariaLabel)).length""")
        language = page.value("document.documentElement.lang")

    assert levels[0] == "H1"
    assert all(int(after[1]) - int(before[1]) <= 1 for before, after in pairwise(levels))
    assert set(scopes) == {"col", "row"}
    assert (drawings, language) == (0, "en")
