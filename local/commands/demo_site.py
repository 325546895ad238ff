"""The web site of the demo: the images of `manifests/demo/` on loopback, and some typical faults of servers."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Self

from werkzeug.wrappers import Request, Response

from local.aws.http.server import Server
from local.commands.usage import DEMO_PORT, demo_port
from local.errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SLOW_SECONDS = 1.5
"""Delay of the slow response."""

IMAGES = Path(__file__).parents[2] / "manifests" / "demo"

RECOVERED = "copper.jpg"
"""The image that /tired.jpg has once its server works."""


def demo_site(retry_manifest: Path | None) -> "DemoSite":
    """The site of the demo; for a retry manifest of the demo, on the port of its URLs, and with /tired.jpg as an image.

    Raises UsageError.
    """
    if retry_manifest is None:
        return DemoSite()
    port = demo_port(retry_manifest)
    site = DemoSite(port, recovered=True)
    if site.moved:
        site.close()
        raise UsageError(
            f"The web site of the demo cannot be served for {retry_manifest}: port {port} of its URLs is in use. Free"
            " the port, or run the whole demo again."
        )
    return site


class DemoSite:
    """Serves from construction to `close`; use it as a context manager.

    Another port is used if `port` is in use; `moved` is true then. `recovered`: /tired.jpg is an image, not an error.
    """

    def __init__(self, port: int = DEMO_PORT, *, recovered: bool = False) -> None:
        self._handlers: Mapping[str, Callable[[str], Response]] = {
            "slow": self._slow,
            "busy": self._busy,
            "moved": self._moved,
            "private": self._private,
            "page.jpg": self._page,
            "tired.jpg": self._tired,
        }
        self._recovered = recovered
        self._busy_names: set[str] = set()
        self._lock = threading.Lock()
        self._server = Server(port)
        self.url = self._server.endpoint
        self.moved = self._server.moved
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

    def _tired(self, name: str) -> Response:
        if self._recovered:
            return self._image(RECOVERED)
        return Response("Internal server error.\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    def close(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
