"""moto's services as one WSGI application, and the account and region in which everything exists."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ACCOUNT = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"

logging.getLogger("moto").addHandler(logging.NullHandler())


class _Dispatcher(DomainDispatcherApplication):
    """Caches the service of a host: moto searches its 180 service folders on disk at every request, under a lock,
    which takes half of the time of a request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backends: dict[str | None, Any] = {}  # Any: moto's method has no type

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


def application() -> WSGIApplication:
    """All of moto's services as one WSGI application."""
    return _Dispatcher()


def reset() -> None:
    """Delete every resource of every service."""
    moto_api_backend.reset()
