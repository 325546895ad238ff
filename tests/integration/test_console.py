"""The console in a real browser: its views, what a user does in them with a mouse and with the keyboard alone.

Pictures are written to the folder of `tests.support.pictures`.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from local.api_client import ApiClient
from local.aws.cloud import Cloud
from local.console.server import ConsoleServer
from local.console.stack import deployed_stack, stack_of_up
from tests.support.axe import violations
from tests.support.browser import Browser, Page
from tests.support.pictures import photograph
from tests.support.pipeline import FinishedRun, mirror
from tests.support.site import Answer, Site

ROOT = Path(__file__).parents[2]
DEMO = sorted((ROOT / "manifests" / "demo").iterdir())
SECONDS = 900
"""Timeout of a test: the first one may have to install the browser."""

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HANDLER = "\"'><img src=x onerror=alert(2)>"

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class World:
    """A console with a run of the demo's images, of which two failed; `first` is the URL of an image.

    The API answers only signed requests, as API Gateway with IAM authorization."""

    server: ConsoleServer
    site: Site
    run: FinishedRun
    first: str

    @property
    def address(self) -> str:
        return self.server.address.partition("/?")[0]


@pytest.fixture(scope="module")
def world(cloud: Cloud) -> Iterator[World]:
    cloud.access.api_signatures.required = True
    with Site() as site, ConsoleServer(stack_of_up(cloud.environment()), 0) as server:
        urls = [site.put(f"/{path.name}", path.read_bytes()) for path in DEMO]
        urls += [
            site.put("/drawing.svg", SVG),
            f"{site.url}/{quote(HANDLER)}",
            site.put("/tired.jpg", Answer(b"", 500)),
        ]
        options = {"rounds": "1", "passes": "0", "allowed-types": "any"}
        run = mirror(cloud, f"{HANDLER}.csv", "\n".join(["url", *urls]), options)
        yield World(server, site, run, urls[0])
    cloud.access.api_signatures.required = False


@pytest.fixture
def page(world: World, chromium: Browser) -> Iterator[Page]:
    """A page of the console, in a session."""
    with chromium.open(world.server.address) as page:
        yield page


def _views(world: World) -> dict[str, str]:
    run = f"/runs/{world.run.run_id}"
    return {
        "runs": "/",
        "start": "/start",
        "run": run,
        "gallery": f"{run}/gallery",
        "search": "/search",
        "found": f"/search?url={quote(world.first, safe='')}",
        "not-found": "/search?url=https://example.com/never.jpg",
        "problem": "/runs/nowhere",
    }


VIEWS = ("runs", "start", "run", "gallery", "search", "found", "not-found", "problem")


def _text(page: Page, selector: str = "main") -> str:
    return str(page.value(f"document.querySelector({selector!r})?.innerText ?? ''"))


def _option(page: Page, name: str) -> str:
    """An option of the run as its page shows it."""
    terms = "[...document.querySelectorAll('dl.options dt')]"
    return str(page.value(f"{terms}.find(term => term.textContent === {name!r}).nextElementSibling.textContent"))


def _path(page: Page) -> str:
    return str(page.value("location.pathname"))


def _open_run(page: Page) -> None:
    """Waits for the page of a run that a form has started."""
    page.wait_for("location.pathname.startsWith('/runs/') && document.readyState === 'complete'")


def test_a_run_of_pasted_urls_moves_without_a_reload_and_ends_with_its_report(
    world: World, page: Page, chromium: Browser
) -> None:
    """With the keyboard alone."""
    ready = threading.Event()
    slow = world.site.put("/slow.jpg", Answer(DEMO[0].read_bytes(), before=ready.wait))
    page.tab_to("a[href='/start']")
    page.press("Enter")
    page.wait_for("document.querySelector('#urls')")
    page.tab_to("#urls")
    page.press(f"{slow}\n{world.site.url}/gone.jpg", "Tab", "Tab", "7")
    page.tab_to("#option-on_existing")
    page.press("ArrowDown")
    page.tab_to("#option-concurrency")
    page.press("7")
    page.tab_to("#start")
    page.press("Enter")
    _open_run(page)
    page.value("window.untouched = true")
    page.wait_for("document.querySelector('#progress').innerText.includes('2 in progress')")
    page.tab_to("#batches")
    page.value("document.activeElement.select()")
    page.press("12")
    page.value("performance.clearResourceTimings()")
    page.wait_for("performance.getEntriesByType('resource').filter(entry => entry.name.includes('/progress')).length")
    assert page.value("document.activeElement.id + document.activeElement.value") == "batches12", "the focus is lost"
    assert photograph(page, "console running") == []
    ready.set()
    page.wait_for("document.querySelector('#progress .badge').innerText === 'succeeded with failures'")
    page.wait_for("document.querySelector('iframe')?.contentDocument?.querySelector('h1')")
    page.press("Tab")
    assert page.value("document.activeElement.id") in ("gallery", "files-count"), "Tab goes on where the field was"
    page.wait_for("document.getElementById('file-results.csv') && document.getElementById('file-athena.sql')")
    page.wait_for("!document.querySelector('#files').hasAttribute('hx-get')")
    assert _text(page, "#files-note") == ""

    assert page.value("window.untouched"), "the page was loaded again"
    assert "1 image stored, 1 row failed, of 2 rows" in _text(page)
    assert _text(page, "#announcement").startswith("succeeded with failures. 1 image stored")
    assert _option(page, "concurrency") == "7"
    assert _option(page, "on_existing") == "skip"
    assert page.complaints == []


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_a_run_of_a_file_begins_with_its_upload(world: World, page: Page, tmp_path: Path, way: str) -> None:
    """The page of the run is there before the run has a record."""
    manifest = tmp_path / "my list (1).csv"
    url = world.site.put(f"/{way}.jpg", DEMO[0].read_bytes())
    manifest.write_text(f"url;note\n{url};a\n{world.site.url}/gone.jpg;b\n")
    _go(page, world, "/start")

    if way == "chosen":
        page.tab_to("#file")
        page.choose_file(manifest)
    else:
        page.drop_file("#file", manifest)
    assert page.value("document.querySelector('#file').files[0].name") == manifest.name
    page.value("document.querySelector('#option-on_existing').value = 'refresh'")
    page.tab_to("#start")
    page.press("Enter")
    _open_run(page)
    page.wait_for("document.querySelector('#progress .badge').innerText === 'succeeded with failures'")

    assert _path(page).startswith("/runs/my-list-1-")
    assert _option(page, "on_existing") == "refresh"


def test_a_run_is_made_slower_cancelled_and_retried(world: World, page: Page) -> None:
    ready = threading.Event()
    urls = [world.site.put(f"/held-{n}.jpg", Answer(DEMO[0].read_bytes(), before=ready.wait)) for n in range(8)]
    _go(page, world, "/start")
    page.value(f"document.querySelector('#urls').value = {json.dumps(chr(10).join(urls))}")
    page.value("document.querySelector('#option-batch_size').value = '1'")
    page.value("document.querySelector('#start').click()")
    _open_run(page)
    started = _path(page)
    page.wait_for("document.querySelector('#progress').innerText.includes('in progress')")

    page.tab_to("#slower")
    page.press("Enter")
    page.wait_for("document.querySelector('#progress').innerText.includes('at most 20')")
    page.wait_for("document.activeElement.id === 'slower'")
    page.press("Enter")
    page.wait_for("document.querySelector('#progress').innerText.includes('at most 10')")
    page.tab_to("#batches")
    page.value("document.activeElement.select()")
    page.press("3", "Enter")
    page.wait_for("document.querySelector('#progress').innerText.includes('at most 3')")
    page.tab_to("#faster")
    page.press("Space")
    page.wait_for("document.querySelector('#progress').innerText.includes('at most 6')")
    page.tab_to("#cancel")
    page.press("Space")
    ready.set()
    page.wait_for("document.querySelector('#progress .badge').innerText === 'cancelled'")
    assert photograph(page, "console cancelled") == []
    page.tab_to("#retry")
    page.press("Enter")
    page.wait_for(f"location.pathname !== {started!r}")
    page.wait_for("document.querySelector('#progress .badge').innerText.startsWith('succeeded')")

    assert _path(page).startswith("/runs/retry-")


def test_an_image_is_found_and_the_gallery_opens_by_keyboard(world: World, page: Page) -> None:
    page.tab_to("a[href='/search']")
    page.press("Enter")
    page.wait_for("document.querySelector('#url')")
    page.tab_to("#url")
    page.press(world.first, "Enter")
    page.wait_for("document.querySelector('.found img')?.naturalWidth")
    page.tab_to(f"a[href='/runs/{world.run.run_id}']")
    page.press("Enter")
    page.wait_for("document.querySelector('#gallery')")
    page.tab_to("#gallery")
    page.press("Enter")
    page.wait_for("document.querySelectorAll('.gallery li').length === 25")
    page.wait_for("[...document.images].slice(0, 8).every(image => image.naturalWidth)")

    assert page.value("document.querySelectorAll('.gallery .no-picture').length") == 2  # TIFF and SVG
    assert page.complaints == []


SHA256 = """Promise.all([...document.querySelectorAll('main a[href^="/image?"]')].map(link => fetch(link.href)
    .then(answer => answer.arrayBuffer()).then(bytes => crypto.subtle.digest('SHA-256', bytes))
    .then(digest => [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join(''))))"""
"""Of the images to which the page links."""


def test_images_in_shards_of_a_private_bucket_are_shown_with_the_bytes_of_their_rows(
    world: World, page: Page, cloud: Cloud
) -> None:
    urls = [world.site.put(f"/sharded/{path.name}", path.read_bytes()) for path in DEMO]
    run = mirror(cloud, "sharded.csv", "\n".join(["url", *urls]), {"output": "shards", "allowed-types": "any"})
    lines = run.outcomes()
    shard = lines[1]["object_key"]
    unsigned = requests.get(f"{cloud.endpoint}/{cloud.outputs['ImagesBucket']}/{shard}", timeout=60)

    _go(page, world, f"/runs/{run.run_id}/gallery")
    page.value("[...document.images].forEach(image => image.loading = 'eager')")
    page.wait_for("[...document.images].every(image => image.naturalWidth)")
    of_gallery = page.value(SHA256)
    _go(page, world, f"/search?url={quote(urls[1], safe='')}")
    page.wait_for("document.querySelector('.found img')?.naturalWidth")
    of_search = page.value(SHA256)
    cloud.client("s3").delete_object(Bucket=cloud.outputs["ImagesBucket"], Key=shard)
    again = "Object.assign(new Image(), {alt: 'again', src: document.querySelector('.found img').src + '&again'})"
    page.value(f"document.querySelector('.found img').replaceWith({again})")
    page.wait_for("document.querySelector('.found img').complete")
    assert photograph(page, "console deleted") == []

    assert unsigned.status_code == 403
    assert of_gallery == [lines[row]["sha256"] for row in sorted(lines)]
    assert len(of_gallery) == len(urls)
    assert of_search == [lines[2]["sha256"]]
    assert page.value("document.querySelector('.found img').naturalWidth") > 0, "an image with the word `deleted`"


def test_while_the_api_does_not_answer_the_page_stays_and_says_so(
    world: World, page: Page, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = "document.querySelectorAll('#trouble [role=alert]')"
    page.tab_to(f"a[href='/runs/{world.run.run_id}']")
    page.value("window.untouched = true")
    with monkeypatch.context() as patched:
        patched.setattr(ApiClient, "send", lambda *_, **__: requests.get("http://127.0.0.1:1/", timeout=1))
        page.wait_for(f"{alerts}.length")
        page.value(f"window.alert_before = {alerts}[0]; 0")
        shown = _text(page, "#trouble")
        page.wait_for("performance.getEntriesByType('resource').filter(entry => entry.name.includes('trouble')).length")
        same = page.value(f"window.alert_before === {alerts}[0]")
        assert photograph(page, "console trouble") == []
    page.wait_for(f"!{alerts}.length")
    mirror(cloud, "one more.csv", "url\nhttp://127.0.0.1:1/a.jpg", {"rounds": "1", "passes": "0"})
    page.wait_for("document.querySelector('.runs').innerText.includes('one more.csv')")

    assert "Cannot connect to 127.0.0.1. Is `up` still running?" in shown
    assert same, "a screen reader would read the message again and again"
    assert page.value("window.untouched"), "the page was loaded again"
    assert page.value("document.activeElement.id") == f"run-{world.run.run_id}", "the focus is lost"


def test_a_mistake_in_the_form_is_named_and_nothing_is_lost(world: World, page: Page) -> None:
    _go(page, world, "/start")
    page.value("document.querySelector('#urls').value = 'https://example.com/a.jpg'")
    page.value("document.querySelector('#option-batch_size').value = 'many'")
    page.value("document.querySelector('#start').click()")
    page.wait_for("document.querySelector('#problem')")

    assert "batch_size" in _text(page, "#problem")
    assert page.value("document.querySelector('#urls').value") == "https://example.com/a.jpg"
    assert page.value("document.querySelector('#option-batch_size').value") == "many"
    assert violations(page) == []


def test_hostile_text_makes_no_element(world: World, page: Page) -> None:
    for path in _views(world).values():
        _go(page, world, path)

        assert page.value("document.querySelectorAll('img[onerror], [onerror], main script').length") == 0
    _go(page, world, "/")
    assert HANDLER in _text(page)
    assert page.value("document.title") == "Runs · Image Mirror"


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_readable_in_every_look(world: World, page: Page, name: str) -> None:
    _go(page, world, _views(world)[name])

    wrong = photograph(page, f"console {name}")

    assert wrong == []
    assert [text for text in page.complaints if "404" not in text] == []


def test_no_answer_about_a_real_run_has_a_credential(world: World, cloud: Cloud) -> None:
    secrets = (
        cloud.credentials.access_key,
        cloud.credentials.secret_key,
        world.server.address.partition("session=")[2],
    )
    files = [f"/runs/{world.run.run_id}/{name.rpartition('/')[2]}" for name in world.run.names() if "." in name]
    paths = [*_views(world).values(), f"/runs/{world.run.run_id}/progress", *files, "/static/console.css"]

    with requests.Session() as session:
        session.get(world.server.address, timeout=60)
        answers = [session.get(world.address + path, timeout=60) for path in paths]

    for answer in answers:
        assert [secret for secret in secrets if secret in answer.text + str(answer.headers)] == [], answer.url


def _go(page: Page, world: World, path: str) -> None:
    _go_to(page, world.address + path)


def _go_to(page: Page, address: str) -> None:
    page.value("window.earlier = true")
    page.value(f"location.href = {json.dumps(address)}; 0")
    page.wait_for("!window.earlier && document.readyState === 'complete'")


@pytest.fixture
def deployed(cloud: Cloud, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConsoleServer]:
    """A console of a stack that is found with the credentials of the shell."""
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    with ConsoleServer(deployed_stack("ImageMirror"), 0) as server:
        yield server


def test_requests_to_a_deployed_stack_are_signed(
    world: World, chromium: Browser, deployed: ConsoleServer, cloud: Cloud, tmp_path: Path
) -> None:
    """Start by paste and by file, follow, retry, find an image and open the gallery."""
    url = world.site.put("/a b+c.jpg", DEMO[0].read_bytes())
    manifest = tmp_path / "list.txt"
    manifest.write_text(f"{url}\n")
    address = deployed.address.partition("/?")[0]

    with chromium.open(deployed.address) as page:
        assert "ImageMirror in us-east-1" in _text(page, "body")
        _go_to(page, f"{address}/start")
        page.value(f"document.querySelector('#urls').value = '{url}\\n{world.site.url}/tired.jpg'")
        page.value("document.querySelector('#option-rounds').value = '1'")
        page.value("document.querySelector('#option-passes').value = '0'")
        page.value("document.querySelector('#start').click()")
        _open_run(page)
        page.wait_for("document.querySelector('#retry')")
        started = _path(page)
        page.value("document.querySelector('#retry').click()")
        page.wait_for(f"location.pathname !== {started!r}")
        _go_to(page, f"{address}/start")
        page.drop_file("#file", manifest)
        page.value("document.querySelector('#start').click()")
        _open_run(page)
        page.wait_for("document.querySelector('#progress .badge').innerText === 'succeeded'")
        _go_to(page, f"{address}/search?url={quote(url, safe='')}")
        page.wait_for("document.querySelector('.found img')?.naturalWidth")
        _go_to(page, f"{address}{started}/gallery")
        page.wait_for("document.querySelector('.gallery img')?.naturalWidth")

    assert requests.get(f"{cloud.api_url}/runs", timeout=60).json() == {"message": "Missing Authentication Token"}


def test_a_console_without_the_right_credentials_says_so(cloud: Cloud, chromium: Browser) -> None:
    stack = stack_of_up({**cloud.environment(), "AWS_SECRET_ACCESS_KEY": "wrong"})

    with ConsoleServer(stack, 0) as server, chromium.open(server.address) as page:
        assert "The API does not accept your credentials." in _text(page)
        assert violations(page) == []


FOREIGN = """<!doctype html><title>foreign</title>
<form id="form" method="post" target="frame" action="ADDRESS/runs/RUN/retry"><input name="token" value="x"></form>
<iframe name="frame"></iframe><img id="image" src="ADDRESS/image?key=KEY"><script src="ADDRESS/"></script>
<iframe src="ADDRESS/runs/RUN"></iframe>"""


def test_a_page_of_another_origin_gets_nothing_although_the_browser_has_a_session(
    world: World, page: Page, chromium: Browser
) -> None:
    """The other origin is another port of this machine, to which the cookie of the session is sent."""
    before = page.value("document.querySelectorAll('.runs tbody tr').length")
    html = FOREIGN.replace("ADDRESS", world.address).replace("RUN", world.run.run_id)
    url = world.site.put("/foreign", Answer(html.encode(), headers={"Content-Type": "text/html"}))

    with chromium.open(url) as foreign:
        fetched = [
            foreign.value(f"fetch('{world.address}/', {options}).then(answer => answer.type, error => error.name)")
            for options in ("{}", "{mode: 'no-cors'}", "{method: 'POST', mode: 'no-cors', body: 'token=x'}")
        ]
        loaded = "new Promise(done => document.querySelector('iframe').addEventListener('load', () => done('sent')))"
        sent = foreign.value(f"(() => {{ const loaded = {loaded}; form.submit(); return loaded; }})()")
        statuses = {status for address, status in foreign.statuses if address.startswith(world.address)}
        shown = foreign.value("document.querySelector('#image').naturalWidth")

    assert (fetched, sent, statuses) == (["TypeError"] * 3, "sent", {403})
    assert shown == 0
    _go(page, world, "/")
    assert page.value("document.querySelectorAll('.runs tbody tr').length") == before
