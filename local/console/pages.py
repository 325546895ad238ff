"""HTML from the templates. Every text is escaped; text from the internet or the user has the filter `untrusted` too."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from functions.core.report import formatting
from functions.core.report.page import untrusted
from local.console.buckets import SHOWN_TYPES
from local.console.options import option_text
from local.console.progress import duration_of, state_of

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
SCRIPT = "htmx-2.0.11.min.js"
"""https://www.npmjs.com/package/htmx.org, its file dist/htmx.min.js. A test holds its SHA-256."""

STATIC_TYPES = {SCRIPT: "text/javascript; charset=utf-8", "console.css": "text/css; charset=utf-8"}


def render(template: str, values: Mapping[str, object]) -> str:
    return _environment().get_template(f"{template}.html.j2").render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "untrusted": untrusted,
        "number": formatting.number,
        "plural": formatting.plural,
        "size": formatting.size,
        "utc_time": formatting.utc_time,
        "state": state_of,
        "duration": duration_of,
        "encoded": lambda text: quote(str(text), safe=""),
        "option_text": option_text,
        "file_name": lambda uri: str(uri).rpartition("/")[2],
    }
    environment.globals |= {"script": SCRIPT, "shown_types": SHOWN_TYPES}
    return environment
