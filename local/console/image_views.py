"""Images: the gallery of a run, the search by URL, and the bytes; and the files of a run."""

import re
from http import HTTPStatus

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Request, Response

from functions.core.model.limits import MAX_URL_BYTES
from local.console import guard
from local.console.buckets import FileBytes, Position
from local.console.pages import STATIC, STATIC_TYPES, Site
from local.console.problems import StackError

REPORT = "report.html"
IMAGE_CACHE = "private, max-age=60"
STATIC_CACHE = "private, max-age=3600"
MAX_DIGITS = 19
DOWNLOAD = "application/octet-stream"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ImageViews:
    def __init__(self, site: Site) -> None:
        self._site = site

    def gallery(self, request: Request, run_id: str) -> Response:
        found = self._site.buckets.gallery(run_id, Position.parse(request.args.get("after", "")))
        if not found.images and not found.next:
            self._site.api.run(run_id)  # raises StackError if there is no such run
        return self._site.page("gallery", {"run_id": run_id, "images": found.images, "next": found.next})

    def search(self, request: Request) -> Response:
        url = request.args.get("url", "").strip()
        is_valid = len(url.encode("utf-8", "replace")) <= MAX_URL_BYTES
        image = self._site.api.image(url) if url and is_valid else None
        status = HTTPStatus.NOT_FOUND if url and image is None else HTTPStatus.OK
        return self._site.page("search", {"url": url, "image": image}, status)

    def image(self, request: Request) -> Response:
        """The image of `key`; in a shard, that of `bytes` bytes at `offset`."""
        key, place = request.args.get("key", ""), [_number(request, name) for name in ("offset", "bytes")]
        if not key:
            raise BadRequest("The address names no image.")
        return _image_response(self._site.buckets.image(key, *place))

    def linked_image(self, request: Request, name: str) -> Response:
        """The target of the links in the report of a local run: `../../images/...`."""
        return _image_response(self._site.buckets.image(f"images/{name}"))

    def file(self, request: Request, run_id: str, name: str) -> Response:
        """A file of a run: the report as a page of its own, all others as downloads."""
        if not _FILE_NAME.fullmatch(name):
            raise NotFound
        file = self._site.buckets.file(run_id, name)
        if name == REPORT:
            policy = {"Content-Security-Policy": guard.REPORT_POLICY}
            return Response(file.pieces, headers=policy, content_type="text/html; charset=utf-8")
        return _download(file, name)

    def static(self, request: Request, name: str) -> Response:
        if name not in STATIC_TYPES:
            raise NotFound
        headers = {"Cache-Control": STATIC_CACHE}
        return Response((STATIC / name).read_bytes(), headers=headers, content_type=STATIC_TYPES[name])


def _image_response(image: FileBytes) -> Response:
    """The image, in the type of its bytes. What may contain scripts, and what no browser shows, is a download."""
    if not image.content_type:
        return _download(image, "image")
    headers = {
        "Content-Security-Policy": guard.FILE_POLICY,
        "Cache-Control": IMAGE_CACHE,
        "Content-Length": str(image.size),
    }
    return Response(image.pieces, headers=headers, content_type=image.content_type, direct_passthrough=True)


UNAVAILABLE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 160">
<rect width="160" height="160" fill="#fff"/>
<text x="80" y="84" text-anchor="middle" font-family="sans-serif" font-size="15" fill="#5c564c">{label}</text></svg>"""
"""In the place of an image, which a link opens with the whole message."""


def unavailable_image(problem: StackError) -> Response:
    headers = {"Content-Security-Policy": guard.FILE_POLICY}
    return Response(
        UNAVAILABLE.format(label=problem.label), problem.status, headers=headers, content_type="image/svg+xml"
    )


def _download(file: FileBytes, name: str) -> Response:
    headers = {
        "Content-Security-Policy": guard.FILE_POLICY,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(file.size),
    }
    return Response(file.pieces, headers=headers, content_type=DOWNLOAD, direct_passthrough=True)


def _number(request: Request, name: str) -> int | None:
    text = request.args.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise BadRequest(f"The parameter {name} is no number.")
    return int(text)
