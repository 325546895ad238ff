"""All of moto's services, served and forgotten."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logging.getLogger("moto").addHandler(logging.NullHandler())


class _Dispatcher(DomainDispatcherApplication):
    """moto looks for each of its 180 service folders on disk, every request, under a lock: half its time."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._known: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._known:
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


def application() -> WSGIApplication:
    """All of moto's services as one WSGI application."""
    return _Dispatcher()


def reset() -> None:
    """Forgets every resource of every service."""
    moto_api_backend.reset()
