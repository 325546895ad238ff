"""The form that starts a run, of pasted URLs or of a file."""

import io
import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import IO

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from functions.core.api.requests import MAX_ROWS
from functions.core.model.errors import InvalidManifest
from functions.core.model.types import OptionValues
from functions.core.model.urls import urls_in
from local.console.options import option_fields, options_of
from local.console.pages import Site
from local.console.problems import StackError, request_key

MAX_PASTED_BYTES = 4_000_000
"""Pasted URLs with more bytes are uploaded: the body of a request to the API has at most 5 MiB, with its escapes."""

PASTED = "pasted.txt"
MAX_NAME = 100
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class StartViews:
    def __init__(self, site: Site) -> None:
        self._site = site

    def form(self, request: Request) -> Response:
        return self._form({})

    def start(self, request: Request) -> Response:
        form = request.form.to_dict()
        try:
            options = options_of(form)
            file = request.files.get("file")
            if file is not None and file.filename:
                return self._upload(_manifest_name(file.filename), file.stream, options)
            return self._start(_urls(form.get("urls", "")), form, options)
        except InvalidManifest as error:
            return self._form(form, str(error), HTTPStatus.UNPROCESSABLE_ENTITY)
        except StackError as error:
            return self._form(form, str(error), error.status)

    def _start(self, urls: list[str], form: Mapping[str, str], options: OptionValues) -> Response:
        if not urls:
            raise StackError(HTTPStatus.UNPROCESSABLE_ENTITY, "Paste the URLs of images, or choose a file.")
        text = "\n".join(urls).encode("utf-8", "replace")
        if len(urls) > MAX_ROWS or len(text) > MAX_PASTED_BYTES:
            return self._upload(PASTED, io.BytesIO(text), options)
        run_id = self._site.api.start(urls, options, form.get("key", ""))
        return redirect(f"/runs/{run_id}", HTTPStatus.SEE_OTHER, Response)

    def _upload(self, name: str, file: IO[bytes], options: OptionValues) -> Response:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        run_id = self._site.api.upload(name, file, size, options)
        return redirect(f"/runs/{run_id}?uploaded=1", HTTPStatus.SEE_OTHER, Response)

    def _form(self, form: Mapping[str, str], problem: str = "", status: int = HTTPStatus.OK) -> Response:
        options = option_fields(form)
        values = {
            "urls": form.get("urls", ""),
            "key": request_key(form.get("key", ""), status),
            "problem": problem,
            "options": options,
            "has_options": any(each.value for each in options),
        }
        return self._site.page("start", values, status)


def _urls(text: str) -> list[str]:
    """The URLs of pasted text: one or several in each line."""
    return [url for line in text.splitlines() if line.strip() for url in urls_in(line.strip())]


def _manifest_name(file_name: str) -> str:
    """A name that the API accepts, with the extension of the file."""
    name = _NOT_IN_NAMES.sub("-", file_name.replace("\\", "/").rpartition("/")[2]).lstrip("._-")
    return name[-MAX_NAME:].lstrip("._-") or PASTED
