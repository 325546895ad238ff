"""moto's services as one WSGI application, and the account and region in which everything exists."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from moto.core.common_models import BaseModel
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server import werkzeug_app
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ACCOUNT = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"

HTML = b"<!doctype html>"
"""Start of the page that Flask sends for an unknown path."""

TRACKED = ("FakeKey", "FakeMultipart")
"""Names of the S3 classes whose instances moto closes when it resets."""

logging.getLogger("moto").addHandler(logging.NullHandler())
vars(werkzeug_app)["DISABLE_GLOBAL_CORS"] = True  # else moto lets every web page in

_tracking_new: Any = BaseModel.__new__


def _new(cls: type[BaseModel], *_: object, **__: object) -> Any:
    """Replaces moto's `BaseModel.__new__`, which adds every object to a list of its class, for moto's dashboard: each
    version of an item, each message and each log event would stay in memory until the process ends."""
    return _tracking_new(cls) if cls.__name__ in TRACKED else object.__new__(cls)


BaseModel.__new__ = staticmethod(_new)  # type: ignore[method-assign]


class _Dispatcher(DomainDispatcherApplication):
    """Caches the service of a host: moto searches its 180 service folders on disk at every request, under a lock,
    which takes half of the time of a request. An unknown service is an error; moto prints it and fails later."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backends: dict[str | None, Any] = {}  # Any: moto's method has no type

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Raises NotImplementedError for a path that the service does not have; moto answers with a page in HTML."""
        held: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
            if not status.startswith("404 "):
                return start_response(status, headers, exc_info)
            held.append((status, headers))
            return lambda _: None

        chunks: Iterable[bytes] = super().__call__(environ, start)
        if not held:
            return chunks
        content = b"".join(chunks)
        if content.startswith(HTML):
            raise NotImplementedError(f"The local AWS has no {environ['REQUEST_METHOD']} {environ['PATH_INFO']}.")
        start_response(*held[0])
        return [content]

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._backends:
            self._backends[host] = self._find(host)
        return self._backends[host]

    def _find(self, host: str | None) -> Any:
        if host is not None and host.endswith(".amazonaws.com"):
            found = next((name for name, url in self.backend_url_patterns if url.match(f"http://{host}")), None)
            if found is None:
                raise NotImplementedError(f"The local AWS does not have the service {host.partition('.')[0]}.")
            return found
        return super().get_backend_for_host(host)


def application() -> WSGIApplication:
    """All of moto's services as one WSGI application."""
    return _Dispatcher()


def reset() -> None:
    """Delete every resource of every service."""
    moto_api_backend.reset()
