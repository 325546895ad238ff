"""The applications of the limits that are set."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from local.aws import backend
from local.aws.limits.objects import LimitedObjects
from local.aws.limits.tables import Capacity, LimitedTables
from local.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


def limited(
    app: WSGIApplication, limits: Limits, is_about_objects: Callable[[WSGIEnvironment], bool]
) -> WSGIApplication:
    """The application behind the limits; itself where none is set, so that a request costs nothing more."""
    if limits.s3_requests_per_second is not None:
        app = LimitedObjects(app, is_about_objects, limits.s3_requests_per_second)
    if limits.write_capacity is not None or limits.read_capacity is not None:
        writes, reads = Capacity(limits.write_capacity), Capacity(limits.read_capacity)
        app = LimitedTables(app, backend.is_on_demand, writes=writes, reads=reads)
    return app
