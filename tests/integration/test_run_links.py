"""The links to the files of a run that the API returns, and its report with such links in a browser.

Screenshots are written to `build/report-page/`.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import requests

from local.aws.cloud import Cloud
from tests.support import axe
from tests.support.api import Api
from tests.support.browser import Browser, Page
from tests.support.images import png
from tests.support.indexes import wait_for_index
from tests.support.pipeline import FinishedRun
from tests.support.report_runs import HOSTILE, RUNS
from tests.support.site import Answer, Site

SCREENSHOTS = Path(__file__).parents[2] / "build" / "report-page"
SECONDS = 900
"""Timeout of a test: the first one may have to install the browser and axe-core."""

LOAD_IMAGES = """Promise.all([...document.images].map(image => {
    image.loading = 'eager'; return image.decode().then(() => 1) })).then(loaded => loaded.length)"""
LINKS = "[...document.links].map(link => link.href).filter(link => !link.includes('#'))"
HANDLER = "\"'><img src=x onerror=alert(2)>"
LINK = '<a href="summary.json">summary.json</a>'

pytestmark = pytest.mark.timeout(SECONDS)


@pytest.fixture(scope="module")
def api(cloud: Cloud) -> Api:
    return Api(cloud)


@pytest.fixture(scope="module")
def run(api: Api) -> FinishedRun:
    """A run with every file: one host serves one image for ten URLs, one row may succeed later, and one will not."""
    with Site() as site:
        urls = [site.put(f"/{number}.png", png(note=b"same")) for number in range(10)]
        urls += [site.put("/busy.png", Answer(b"", 503)), f"{site.url}/{HANDLER}{LINK}"]
        items = [{"url": url, "title": LINK, HANDLER: HANDLER} for url in urls]
        options = {"rounds": 1, "passes": 0, "tolerated_failure_percentage": 100}
        finished = api.finish(api.submit({"items": items, "options": options}))
    assert wait_for_index(finished).status == "SUCCEEDED"
    return finished


@pytest.fixture(scope="module")
def links(api: Api, run: FinishedRun) -> dict[str, Any]:
    found: dict[str, Any] = api.describe(run.run_id)["links"]
    return found


def test_every_file_has_a_link_that_leads_to_it(run: FinishedRun, links: dict[str, Any]) -> None:
    urls = {name: link for name, link in links.items() if name != "index"}
    contents = {name: requests.get(link, timeout=20) for name, link in urls.items()}

    assert {name: content.status_code for name, content in contents.items()} == dict.fromkeys(urls, 200)
    assert len(contents["results"].text.splitlines()) == 1 + run.summary["rows"]
    assert len(contents["lock"].json()) == 10
    assert contents["athena"].text.startswith("CREATE EXTERNAL TABLE")
    assert {name: content.content for name, content in contents.items()}["report"] == run.file("report.html")


def test_the_index_is_named_by_its_folder(run: FinishedRun, links: dict[str, Any]) -> None:
    bucket = run.cloud.outputs["InputBucket"]

    assert links["index"] == f"s3://{bucket}/runs/{run.run_id}/index/"
    assert run.names("index/")


def test_the_report_with_presigned_links_has_the_policy_of_the_page(api: Api, run: FinishedRun) -> None:
    response = api.request("GET", f"/runs/{run.run_id}/report")

    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = response.headers["Content-Security-Policy"]
    assert policy.replace("'", "&#39;") in run.file("report.html").decode()
    assert "default-src 'none'; style-src 'sha256-" in policy
    assert len(response.content) < 300_000


def _statuses(page: Page) -> dict[str, int]:
    """The path of each link of the page, without the bucket, and the status that it has."""
    urls = page.value(LINKS)
    return {re.sub(r"^http://[^/]+/[^/]+/|\?.*", "", url): requests.get(url, timeout=20).status_code for url in urls}


def test_each_link_of_the_report_leads_to_its_file(api: Api, run: FinishedRun, chromium: Browser) -> None:
    with chromium.open(f"{api.cloud.api_url}/runs/{run.run_id}/report") as page:
        page.screenshot(SCREENSHOTS / "through-the-api.png")
        statuses, text = _statuses(page), page.value("document.querySelector('main').textContent")

        assert axe.violations(page) == []
        assert page.complaints == []
    files = ("summary.json", "failures.csv", "retry.json", "suspects.csv", "results.csv", "lock.json", "domains.csv")
    assert statuses == {f"runs/{run.run_id}/{name}": 200 for name in (*files, "croissant.json", "athena.sql")}
    assert text.lstrip().startswith("The links to files are valid until ")
    assert LINK in text


@pytest.mark.parametrize("name", ["demo", "hostile"])
def test_the_images_of_a_report_of_the_local_aws_are_shown(
    api: Api, chromium: Browser, tmp_path: Path, name: str
) -> None:
    """Its other files do not exist: their names are texts."""
    s3, outputs = api.cloud.client("s3"), api.cloud.outputs
    page_file = RUNS[name].write(tmp_path)
    s3.upload_file(str(page_file), outputs["InputBucket"], f"runs/{name}/report.html")
    for image in (tmp_path / "images").rglob("*.*"):
        s3.upload_file(str(image), outputs["ImagesBucket"], str(image.relative_to(tmp_path)))

    with chromium.open(f"{api.cloud.api_url}/runs/{name}/report") as page:
        shown, statuses = page.value(LOAD_IMAGES), _statuses(page)
        texts = page.value("[...document.querySelectorAll('bdi')].map(element => element.textContent)")
        others = page.value("document.querySelectorAll('script, iframe, bdi *, a a, img:not(.sheet img)').length")

        assert axe.violations(page) == []
        assert page.complaints == []
    assert (shown > 0, others, set(statuses.values())) == (True, 0, {200})
    assert all(path.startswith("images/") for path in statuses)
    if name == "hostile":
        expected = [text.replace("\u202e", "\\u202e")[-20:] for text in HOSTILE]  # the middle of a long URL is left out
        assert [text for text in expected if not any(text in each for each in texts)] == []
