"""The web site of the demo: the images of `manifests/demo/` on loopback, and some typical faults of servers."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Self

from werkzeug.wrappers import Request, Response

from local.aws.http.server import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PORT = 8437
"""The preferred port: with the same port in every run, a second run finds the URLs of the first in its table."""

SLOW_SECONDS = 1.5
"""Delay of the slow response."""

IMAGES = Path(__file__).parents[2] / "manifests" / "demo"


class DemoSite:
    """Serves from construction to `close`; use it as a context manager."""

    def __init__(self, port: int = PORT) -> None:
        self._handlers: Mapping[str, Callable[[str], Response]] = {
            "slow": self._slow,
            "busy": self._busy,
            "moved": self._moved,
            "private": self._private,
            "page.jpg": self._page,
            "tired.jpg": self._server_error,
        }
        self._busy_names: set[str] = set()
        self._lock = threading.Lock()
        self._server = Server(port)
        self.url = self._server.endpoint
        self._server.start(self._serve)

    def _serve(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        folder, _, name = Request(environ).path.strip("/").rpartition("/")
        handler = self._handlers.get(folder or name, self._image)
        return handler(name)(environ, start_response)

    def _image(self, name: str) -> Response:
        path = IMAGES / name
        if path.parent != IMAGES or not path.is_file():
            return Response("Not found.\n", HTTPStatus.NOT_FOUND)
        return Response(path.read_bytes(), HTTPStatus.OK, content_type="application/octet-stream")

    def _slow(self, name: str) -> Response:
        time.sleep(SLOW_SECONDS)
        return self._image(name)

    def _busy(self, name: str) -> Response:
        """Reject the first request for each name."""
        with self._lock:
            first = name not in self._busy_names
            self._busy_names.add(name)
        if first:
            return Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "1"})
        return self._image(name)

    def _moved(self, name: str) -> Response:
        return Response(status=HTTPStatus.FOUND, headers={"Location": f"/{name}"})

    def _private(self, name: str) -> Response:
        response = self._image(name)
        response.headers["X-Robots-Tag"] = "noai, noimageai"
        return response

    def _page(self, name: str) -> Response:
        return Response("<!doctype html><title>Please log in</title>", HTTPStatus.OK, content_type="image/jpeg")

    def _server_error(self, name: str) -> Response:
        return Response("Internal server error.\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    def close(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
