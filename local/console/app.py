"""The application: the routes, and the answer to a request that fails."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING

from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from local.console import guard
from local.console.buckets import Buckets
from local.console.guard import Guard
from local.console.image_views import ImageViews, unavailable_image
from local.console.pages import Site, is_update
from local.console.problems import StackError, problem_of
from local.console.run_views import RunViews
from local.console.runs_api import RunsApi
from local.console.stack import ConsoleStack
from local.console.start_views import StartViews

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

View = Callable[..., Response]
"""Takes the request, and the variables of the path by name."""

STILL_TRYING = "This page tries again every few seconds."
INTERNAL = StackError(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Internal error of the console. The log has the details: local.log in the folder of --out (default: out).",
)

log = logging.getLogger(__name__)


class FormRequest(Request):
    max_form_memory_size = 64 * 1024 * 1024
    """Maximum size of the text fields in bytes: pasted URLs. A file is kept on the disk."""


class Console:
    """A WSGI application. `guard` decides which requests are answered."""

    def __init__(self, stack: ConsoleStack, guard: Guard) -> None:
        self._guard = guard
        self._site = Site(stack.title, guard.form_token, RunsApi(stack.api), Buckets(stack))
        self._routes = _routes(self._site)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with FormRequest(environ) as request:  # closes the files of its form
            response = self._answer(request)
        for name, value in guard.HEADERS.items():
            response.headers.setdefault(name, value)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            if refusal := self._guard.answer(request):
                return refusal
            view, variables = self._routes.bind_to_environ(request.environ).match()
            answer: Response = view(request, **variables)
            return answer
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                log.exception("%s %s failed", request.method, request.path)
                problem = INTERNAL
            return self._failed(request, problem)

    def _failed(self, request: Request, problem: StackError) -> Response:
        """The message, in the form that the browser has requested: a part of a page, an image or a page."""
        if is_update(request):
            return self._site.failed_update(f"{problem} {STILL_TRYING}", problem.status, request)
        if request.headers.get("Sec-Fetch-Dest") == "image":
            return unavailable_image(problem)
        again = f" Load the page again {problem.again}." if problem.again else ""
        values = {"title": responses.get(problem.status, "Error"), "message": f"{problem}{again}"}
        return self._site.page("problem", values, problem.status)


def _routes(site: Site) -> Map:
    runs, start, images = RunViews(site), StartViews(site), ImageViews(site)
    table: tuple[tuple[str, str, View], ...] = (
        ("GET", "/", runs.runs),
        ("GET", "/runs/<run_id>", runs.run),
        ("GET", "/runs/<run_id>/progress", runs.progress),
        ("GET", "/runs/<run_id>/files", runs.files),
        ("POST", "/runs/<run_id>/cancel", runs.cancel),
        ("POST", "/runs/<run_id>/retry", runs.retry),
        ("POST", "/runs/<run_id>/concurrency", runs.set_concurrency),
        ("GET", "/start", start.form),
        ("POST", "/start", start.start),
        ("GET", "/search", images.search),
        ("GET", "/runs/<run_id>/gallery", images.gallery),
        ("GET", "/runs/<run_id>/<name>", images.file),
        ("GET", "/image", images.image),
        ("GET", "/images/<path:name>", images.linked_image),
        ("GET", "/static/<name>", images.static),
    )
    return Map([Rule(path, endpoint=view, methods=[method]) for method, path, view in table], merge_slashes=False)
