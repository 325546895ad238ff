"""Renders the page from its template, `templates/report.html.j2`. Every text is escaped unless it is marked as safe."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.runs import LocalRun
from functions.core.model.types import RunFields, RunSummary
from functions.core.report import formatting
from functions.core.report.aggregates import RunAggregates
from functions.core.report.next_steps import environment_command, retry_command
from functions.core.report.sections import report_sections
from functions.core.report.sections.failures import column_texts

TEMPLATES = Path(__file__).parent / "templates"
MAX_CHARACTERS = 200
"""Default length at which text from outside is cut."""

_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Characters that HTML forbids, that are invisible, or that change the direction of text. Marks that Arabic and Hebrew
need are not among them."""


def render_page(
    summary: RunSummary,
    aggregates: RunAggregates,
    record: RunFields,
    local_run: LocalRun | None = None,
    images_prefix: str = DEFAULT_PREFIX,
) -> str:
    """HTML of at most 300 kB for any run: lists and texts from outside are cut. `local_run` is None in AWS."""
    css = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    sections = report_sections(summary, aggregates, record, local_run, images_prefix)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            summary=summary,
            sections=sections,
            local_run=local_run,
            retry_command=retry_command(summary, local_run),
            environment_command=environment_command(local_run),
            css=Markup(css),  # our own file, in which nothing may be escaped
            policy=_policy(css, has_images=bool(sections.contact_sheet and sections.contact_sheet.tiles)),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_load), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "untrusted": untrusted,
        "columns": column_texts,
        "number": formatting.number,
        "plural": formatting.plural,
        "rate": formatting.rate,
        "seconds": formatting.seconds,
        "share": formatting.share,
        "size": formatting.size,
        "utc_time": formatting.utc_time,
    }
    return environment


def _load(name: str) -> str:
    """The template without the line breaks between tags and without indentation: the page is a tenth smaller."""
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    return re.sub(r"\s*\n\s*", "\n", re.sub(r">\s*\n\s*(?=<|\{%)", ">", source))


def untrusted(text: object, limit: int = MAX_CHARACTERS) -> Markup:
    """Text from the internet or the user: escaped, cut, its direction isolated, invisible characters made visible."""
    content = str(text)
    if len(content) > limit:
        content = f"{content[: limit - 1]}…"
    visible = _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", content)
    return Markup("<bdi>{}</bdi>").format(visible)


def _policy(css: str, *, has_images: bool) -> str:
    """The Content-Security-Policy: nothing is loaded, run or sent but the style sheet, by its hash, the icon, and the
    images of a run on this machine, from the files beside the page: `file:` is for browsers in which a file has no
    origin."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    images = "'self' file: data:" if has_images else "data:"
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src {images}; base-uri 'none'; form-action 'none'"
