"""The page as a whole: what a browser may do with it, and the parts in their order."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from functions.core.report import sections
from functions.core.report.figures import Figures
from functions.core.report.headline import headline
from functions.core.report.markup import Markup, style, tag

_COLOURS = {"succeeded": "#2f7d5b", "failed": "#b3412e", "cancelled": "#728097"}


def page(summary: Mapping[str, Any], figures: Figures) -> str:
    """HTML of at most 200 kB, whatever the run: lists are cut, and so is every text that is not ours."""
    parts = (
        sections.header(summary),
        sections.books(summary),
        sections.what_next(summary),
        sections.rate_over_time(summary, figures),
        sections.failures(summary),
        sections.first_failures(summary, figures),
        sections.slowest_hosts(figures),
        sections.images(figures),
    )
    body = tag("body", tag("main", *parts))
    return f"<!doctype html>\n{tag('html', _head(summary), body, lang='en').text}\n"


def _head(summary: Mapping[str, Any]) -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(_css())),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", f"{headline(summary)} · Image Mirror"),
        tag("link", rel="icon", href=_icon(_COLOURS[summary["status"]])),
        style(_css()),
    )


def _policy(css: str) -> str:
    """Nothing is loaded, run or sent; one style sheet, by its hash, and the icon that the page holds itself."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def _css() -> str:
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def _icon(colour: str) -> str:
    """A dot in the tab, so that no browser asks for /favicon.ico."""
    circle = tag("circle", cx=8, cy=8, r=6, fill=colour)
    drawing = tag("svg", circle, xmlns="http://www.w3.org/2000/svg", viewBox="0 0 16 16")
    return f"data:image/svg+xml,{quote(drawing.text)}"
