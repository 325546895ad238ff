"""What the views share: the stack, its API and buckets, and the pages with the token of their forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from werkzeug.wrappers import Response

from local.console.buckets import Buckets
from local.console.pages import render
from local.console.runs_api import RunsApi


@dataclass(frozen=True)
class Site:
    title: str
    form_token: str
    api: RunsApi
    buckets: Buckets

    def page(self, template: str, values: Mapping[str, object], status: int = HTTPStatus.OK) -> Response:
        html = render(template, {"stack": self.title, "token": self.form_token, **values})
        return Response(html, status, content_type="text/html; charset=utf-8")
