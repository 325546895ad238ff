"""HTML from the templates. Every text is escaped; text from the internet or the user has the filter `untrusted` too.

`Site` is what the views share: the stack, its API and buckets, and the pages with the token of their forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.wrappers import Request, Response

from functions.core.report import formatting
from functions.core.report.page import untrusted
from local.console.buckets import SHOWN_TYPES, Buckets
from local.console.options import option_text
from local.console.progress import duration_of, state_of
from local.console.runs_api import RunsApi

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
SCRIPT = "htmx-2.0.11.min.js"
"""https://www.npmjs.com/package/htmx.org, its file dist/htmx.min.js. A test holds its SHA-256."""

STATIC_TYPES = {SCRIPT: "text/javascript; charset=utf-8", "console.css": "text/css; charset=utf-8"}


HTML = "text/html; charset=utf-8"

UPDATE = "HX-Request"
"""Header of the requests of htmx for a part of the page."""

ONLY_MARKED = {"HX-Reswap": "none"}
"""htmx changes only the elements of the response that are marked with `hx-swap-oob`."""


def is_update(request: Request) -> bool:
    return UPDATE in request.headers


@dataclass(frozen=True)
class Site:
    title: str
    form_token: str
    api: RunsApi
    buckets: Buckets

    def page(self, template: str, values: Mapping[str, object], status: int = HTTPStatus.OK) -> Response:
        return Response(self._html(template, values), status, content_type=HTML)

    def update(self, template: str, values: Mapping[str, object], request: Request) -> Response:
        """A part of the page. It removes the message that the page may show of an update that has failed."""
        return Response(self._html(template, values) + self._trouble("", request), content_type=HTML)

    def no_update(self, request: Request) -> Response:
        """The part of the page has not changed."""
        return self._marked(self._trouble("", request), HTTPStatus.OK)

    def failed_update(self, message: str, status: int, request: Request) -> Response:
        """The part of the page stays, below the message. Screen readers hear of it once."""
        return self._marked(self._trouble(message, request), status)

    def _trouble(self, message: str, request: Request) -> str:
        """Empty if the page shows it already."""
        if request.args.get("trouble", "") == message:
            return ""
        return self._html("trouble", {"message": message})

    def _marked(self, html: str, status: int) -> Response:
        if not html:
            return Response(status=HTTPStatus.NO_CONTENT)
        return Response(html, status, headers=ONLY_MARKED, content_type=HTML)

    def _html(self, template: str, values: Mapping[str, object]) -> str:
        html: str = (
            _environment()
            .get_template(f"{template}.html.j2")
            .render({"stack": self.title, "token": self.form_token, **values})
        )
        return html


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
