"""Hosts that list the requests which they receive: `python -m bench.fleet.counted_hosts HOSTS LATENCY_MS [LIMIT]`.

Each host is a port on loopback. `/NUMBER.jpg` is an image, sent after the latency, which is the same for all requests:
what a number of places allows is then known exactly. Other paths are 404s, as is `/robots.txt`. LIMIT is the name of a
limit of `bench.rig.rate_limits`, which each host has for itself.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from bench.rig.images import jpegs
from bench.rig.rate_limits import RATE_LIMITS, Limiter, refusal
from bench.rig.servers import Handler, Request, ServerStats, response, serve, server

DISTINCT, LOW, HIGH = 100, 500, 1500
"""The number of distinct images, and their sizes in bytes: small, so that the servers are never the bottleneck."""


def counted_handler(latency_seconds: float, limit: str = "") -> Handler:
    images = [response("200 OK", image, "Content-Type: image/jpeg") for image in jpegs(DISTINCT, LOW, HIGH)]
    not_found = response("404 Not Found", b"no such image", "Content-Type: text/plain")
    limiters: defaultdict[int, Limiter] = defaultdict(RATE_LIMITS[limit].make) if limit else defaultdict()

    def handle(request: Request, stats: ServerStats) -> bytes | tuple[float, bytes]:
        name, _, extension = request.path.partition("?")[0].rpartition("/")[2].partition(".")
        if extension != "jpg":
            return not_found
        if limit and not limiters[request.port].allows(time.monotonic()):
            return refusal(RATE_LIMITS[limit])
        return latency_seconds, images[int(name) % DISTINCT]

    return handle


@contextmanager
def counted_hosts(hosts: int, latency_ms: float, limit: str = "") -> Iterator[list[str]]:
    """Start the hosts in one process of their own and yield their addresses."""
    with server("bench.fleet.counted_hosts", hosts, latency_ms, *([limit] if limit else [])) as addresses:
        yield addresses


if __name__ == "__main__":
    serve(counted_handler(float(sys.argv[2]) / 1000, *sys.argv[3:]), int(sys.argv[1]), lists_requests=True)
