"""S3's SlowDown: requests above a rate are answered 503.

S3 takes 3,500 PUT, COPY, POST and DELETE and 5,500 GET and HEAD requests per second and prefix; here both are counted
for each bucket: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from local.aws.limits.token_bucket import TokenBucket
from local.aws.s3.documents import document

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READS = ("GET", "HEAD")
SLOW_DOWN = document("Error", {"Code": "SlowDown", "Message": "Please reduce your request rate."}, namespace=False)


class LimitedObjects:
    """`is_limited` says which requests count: those about objects. `rate` is for reads and for writes of a bucket."""

    def __init__(
        self,
        app: WSGIApplication,
        is_limited: Callable[[WSGIEnvironment], bool],
        rate: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._is_limited = is_limited
        self._rate = rate
        self._now = now
        self._buckets: dict[tuple[str, bool], TokenBucket] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._is_limited(environ) or self._bucket(environ).take():
            return self._app(environ, start_response)
        start_response("503 Slow Down", [("Content-Type", "application/xml")])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [SLOW_DOWN]

    def _bucket(self, environ: WSGIEnvironment) -> TokenBucket:
        name = environ["REQUEST_URI"].partition("?")[0].lstrip("/").partition("/")[0]
        key = name, environ["REQUEST_METHOD"] in READS
        if key not in self._buckets:
            self._buckets.setdefault(key, TokenBucket(self._rate, self._now))
        return self._buckets[key]
