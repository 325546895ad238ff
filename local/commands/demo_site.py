"""The demo's web site: the images of `manifests/demo/` on loopback, and a few servers' bad habits."""

import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from local.aws.http.server import Server

PORT = 8437
"""The same at every start, where it is free: a second run then finds the URLs of the first in its table."""

SLOW_SECONDS = 1.5

IMAGES = Path(__file__).parents[2] / "manifests" / "demo"

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Answer = tuple[HTTPStatus, dict[str, str], bytes]


class DemoSite:
    """Serves from construction to `close`; use it as a context manager."""

    def __init__(self, port: int = PORT) -> None:
        self._busy_asked: set[str] = set()
        self._lock = threading.Lock()
        self._server = Server(port)
        self.url = self._server.endpoint
        self._server.start(self._answer)

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        folder, _, name = environ["PATH_INFO"].strip("/").rpartition("/")
        habit = getattr(self, f"_{folder or Path(name).stem}", self._image)
        status, headers, body = habit(name)
        start_response(f"{status.value} {status.phrase}", [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    def _image(self, name: str) -> Answer:
        path = IMAGES / name
        if path.parent != IMAGES or not path.is_file():
            return HTTPStatus.NOT_FOUND, {"Content-Type": "text/plain"}, b"There is no such image.\n"
        return HTTPStatus.OK, {"Content-Type": "application/octet-stream"}, path.read_bytes()

    def _slow(self, name: str) -> Answer:
        time.sleep(SLOW_SECONDS)
        return self._image(name)

    def _busy(self, name: str) -> Answer:
        """Has no time at first."""
        with self._lock:
            first = name not in self._busy_asked
            self._busy_asked.add(name)
        if first:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "1"}, b""
        return self._image(name)

    def _moved(self, name: str) -> Answer:
        return HTTPStatus.FOUND, {"Location": f"/{name}"}, b""

    def _private(self, name: str) -> Answer:
        status, headers, body = self._image(name)
        return status, {**headers, "X-Robots-Tag": "noai, noimageai"}, body

    def _page(self, name: str) -> Answer:
        return HTTPStatus.OK, {"Content-Type": "image/jpeg"}, b"<!doctype html><title>Please log in</title>"

    def _tired(self, name: str) -> Answer:
        return HTTPStatus.INTERNAL_SERVER_ERROR, {"Content-Type": "text/plain"}, b"Ask me tomorrow.\n"

    def close(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
