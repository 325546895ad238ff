"""The origin server of the images: `python -m bench.rig.origin HOSTS COUNT [LOW HIGH]` prints its addresses and serves.

It listens on one port per host. `/NUMBER.jpg` is served from memory, `/200ms/NUMBER.jpg` with a latency of 200 ms on
average (log-normal), `/once/NUMBER.jpg` with `Connection: close`; `/missing/NUMBER.jpg` and `/200ms/missing/NUMBER.jpg`
are 404s, as is `/robots.txt`. `/fixed-window/NUMBER.jpg` is limited to eight requests a second (`rate_limits`).
Without LOW and HIGH (bytes) the sizes are those of the web.
"""

import math
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.rig.images import jpegs, web_jpegs
from bench.rig.rate_limits import RATE_LIMITS, refusal
from bench.rig.servers import CONNECTION_CLOSE, Handler, Request, ServerStats, response, serve, server

HOSTS = 8
SIGMA = 0.5
"""Standard deviation of the logarithm of the latencies: the 99th percentile is 2.8 times the mean, the 99.9th 4 times.
"""


def image_handler(count: int, *sizes: int) -> Handler:
    kept_alive, closed = (
        [response("200 OK", image, "Content-Type: image/jpeg", *headers) for image in _images(count, *sizes)]
        for headers in ((), (CONNECTION_CLOSE,))
    )
    limiters = {name: limit.make() for name, limit in RATE_LIMITS.items()}
    not_found = response("404 Not Found", b"no such image", "Content-Type: text/plain")

    def handle(request: Request, stats: ServerStats) -> bytes | tuple[float, bytes]:
        *folders, name = request.path.partition("?")[0][1:].split("/")
        if name == "robots.txt":
            stats.count("robots")
            return not_found
        if folders and (limiter := limiters.get(folders[0])) and not limiter.allows(time.monotonic()):
            return refusal(RATE_LIMITS[folders[0]])
        number = int(name.removesuffix(".jpg"))
        images = closed if "once" in folders else kept_alive
        reply = not_found if "missing" in folders else images[number % count]
        stats.count("bytes", len(reply))
        if folders and folders[0].endswith("ms"):
            return latency(int(folders[0].removesuffix("ms")) / 1000, number), reply
        return reply

    return handle


def latency(mean: float, number: int) -> float:
    """Compute the latency of an image in seconds. It is the same in every run."""
    return mean * math.exp(random.Random(number).gauss(-(SIGMA**2) / 2, SIGMA))


def _images(count: int, *sizes: int) -> Iterator[bytes]:
    return iter(jpegs(count, *sizes) if sizes else web_jpegs(count))


@contextmanager
def origin(count: int, *sizes: int, hosts: int = HOSTS, certificate: Path | None = None) -> Iterator[list[str]]:
    """Start an origin in its own process and yield its addresses."""
    with server("bench.rig.origin", hosts, count, *sizes, certificate=certificate) as addresses:
        yield addresses


if __name__ == "__main__":
    hosts, *images = map(int, sys.argv[1:])
    serve(image_handler(*images), hosts)
