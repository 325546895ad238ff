"""The console in a real browser: its views, what a user does in them with a mouse and with the keyboard alone.

Screenshots are written to `build/console/`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from local.aws.cloud import Cloud
from local.console.server import ConsoleServer
from local.console.stack import stack_of_up
from tests.support.axe import violations
from tests.support.browser import Browser, Page
from tests.support.pipeline import FinishedRun, mirror
from tests.support.site import Answer, Site

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "console"
DEMO = sorted((ROOT / "manifests" / "demo").iterdir())
SECONDS = 900
"""Timeout of a test: the first one may have to install the browser."""

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HANDLER = "\"'><img src=x onerror=alert(2)>"

pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class World:
    """A console with a run of the demo's images, of which two failed; `first` is the URL of an image."""

    server: ConsoleServer
    site: Site
    run: FinishedRun
    first: str

    @property
    def address(self) -> str:
        return self.server.address.partition("/?")[0]


@pytest.fixture(scope="module")
def world(cloud: Cloud) -> Iterator[World]:
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


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_view_has_a_violation_an_error_or_something_outside_of_the_window(
    world: World, chromium: Browser, width: int, dark: bool
) -> None:
    with chromium.open(world.server.address) as begun:
        begun.value("0")
    for name, path in _views(world).items():
        with chromium.open(world.address + path, width=width, dark=dark) as page:
            page.value("document.querySelectorAll('details').forEach(element => element.open = true)")
            page.screenshot(SCREENSHOTS / f"{name}-{width}{'-dark' if dark else ''}.png")
            assert violations(page) == [], name
            assert [text for text in page.complaints if "404" not in text] == [], name
            assert page.value("document.documentElement.scrollWidth") == width, name
