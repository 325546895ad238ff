"""Pictures of pages for people to look at, and what can be checked in each of them.

They are written to the folder of the variable PICTURES, by default `build/pictures`: NAME-light.png and NAME-dark.png
of a wide window, NAME-narrow.png of a telephone, and NAME.pdf, the print.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tests.support import axe
from tests.support.browser import Page

FOLDER = Path(os.environ.get("PICTURES") or Path(__file__).parents[2] / "build" / "pictures")

LOAD_IMAGES = """Promise.all([...document.images].map(image => {
    image.loading = 'eager'; return image.decode().then(() => 1) })).then(loaded => loaded.length)"""
OPEN_DETAILS = "document.querySelectorAll('details').forEach(element => element.open = true)"
OUTSIDE = """[...document.querySelectorAll('body *')]
    .filter(element => element.getBoundingClientRect().right > window.innerWidth + 0.5)
    .map(element => element.outerHTML.slice(0, 100))"""

INK = "getComputedStyle(document.body).color.match(/[0-9]+/g).reduce((sum, part) => sum + Number(part), 0)"
MAX_INK = 200
"""Of red, green and blue together: paper is white, also for those whose screen is dark."""


@dataclass(frozen=True)
class Look:
    """A window, and the rules of axe-core that it can violate while the others do not."""

    width: int
    dark: bool
    rules: axe.Rules


LOOKS = {
    "light": Look(1280, dark=False, rules=axe.ALL),
    "dark": Look(1280, dark=True, rules=axe.COLOURS),
    "narrow": Look(390, dark=False, rules=axe.SIZES),
}


def photograph(page: Page, name: str) -> list[str]:
    """Writes the pictures of a page, each as it is opened, and its print. Returns what is wrong: elements outside the
    window and violations of accessibility, with all details open."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower())
    page.value(LOAD_IMAGES)  # fails if one cannot be decoded
    for look, seen in LOOKS.items():
        page.look(width=seen.width, dark=seen.dark)
        page.screenshot(FOLDER / f"{base}-{look}.png")
    page.look(width=1280, dark=True, medium="print")
    page.pdf(FOLDER / f"{base}.pdf")
    wrong = [] if page.value(INK) < MAX_INK else ["print: the text is too light"]
    page.value(OPEN_DETAILS)
    for look, seen in LOOKS.items():
        page.look(width=seen.width, dark=seen.dark)
        outside = page.value(OUTSIDE)
        if outside or page.value("document.documentElement.scrollWidth") != seen.width:
            wrong.append(f"{look}: outside the window: {outside}")
        wrong += [f"{look}: {violation}" for violation in axe.violations(page, seen.rules)]
    return wrong
