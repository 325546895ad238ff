"""The application: the routes, and the answer to a request that fails."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from cdk.account.aws import sentence
from local.console import guard
from local.console.buckets import Buckets
from local.console.guard import Guard
from local.console.image_views import ImageViews
from local.console.run_views import RunViews
from local.console.runs_api import ApiError, RunsApi
from local.console.site import Site
from local.console.stack import ConsoleStack
from local.console.start_views import StartViews

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

View = Callable[..., Response]
"""Takes the request, and the variables of the path by name."""

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
            status, message = _problem(error)
            if status == HTTPStatus.INTERNAL_SERVER_ERROR:
                log.exception("%s %s failed", request.method, request.path)
            return self._site.page("problem", {"title": HTTPStatus(status).phrase, "message": message}, status)


def _routes(site: Site) -> Map:
    runs, start, images = RunViews(site), StartViews(site), ImageViews(site)
    table: tuple[tuple[str, str, View], ...] = (
        ("GET", "/", runs.runs),
        ("GET", "/runs/<run_id>", runs.run),
        ("GET", "/runs/<run_id>/progress", runs.progress),
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


def _problem(error: Exception) -> tuple[int, str]:
    """The status and the sentence for an exception of a view."""
    if isinstance(error, HTTPException):
        return error.code or HTTPStatus.INTERNAL_SERVER_ERROR, error.description or error.name
    if isinstance(error, ApiError):
        return error.status, str(error)
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.BAD_GATEWAY))
        return status, f"AWS request failed: {sentence(error)}"
    if isinstance(error, BotoCoreError | RequestException):
        return HTTPStatus.BAD_GATEWAY, f"Cannot connect to the stack: {sentence(error)}"
    return HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error. The log of the command has the details."
