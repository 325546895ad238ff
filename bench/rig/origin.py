"""A web of images: `python -m bench.rig.origin HOSTS COUNT [LOW HIGH]` prints its addresses, a port each, and serves.

`/NUMBER.jpg` comes from memory, `/200ms/NUMBER.jpg` after 200 ms on average, most sooner and some much later,
`/once/NUMBER.jpg` over a connection that then ends, and `/missing/NUMBER.jpg` and `/200ms/missing/NUMBER.jpg` are 404s.
Without LOW and HIGH sizes are as on the web.
"""

import math
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.rig.images import jpegs, web_jpegs
from bench.rig.servers import LAST, Answer, Request, Seen, answered, serve, server

HOSTS = 8
TAIL = 0.5
"""Of the logarithm of latencies, which are log-normal: one in a hundred takes 2.8 means, one in a thousand 4."""


def answer_from(count: int, *sizes: int) -> Answer:
    kept, once = (
        [answered("200 OK", image, "Content-Type: image/jpeg", *more) for image in _images(count, *sizes)]
        for more in ((), (LAST,))
    )
    missing = answered("404 Not Found", b"no such image", "Content-Type: text/plain")

    def answer(request: Request, seen: Seen) -> bytes | tuple[float, bytes]:
        *folders, name = request.path.partition("?")[0][1:].split("/")
        number = int(name.removesuffix(".jpg"))
        reply = missing if "missing" in folders else (once if "once" in folders else kept)[number % count]
        seen.count("bytes", len(reply))
        if folders and folders[0].endswith("ms"):
            return latency(int(folders[0].removesuffix("ms")) / 1000, number), reply
        return reply

    return answer


def latency(mean: float, number: int) -> float:
    """Seconds, the same for the same image in every run."""
    return mean * math.exp(random.Random(number).gauss(-(TAIL**2) / 2, TAIL))


def _images(count: int, *sizes: int) -> Iterator[bytes]:
    return iter(jpegs(count, *sizes) if sizes else web_jpegs(count))


@contextmanager
def origin(count: int, *sizes: int, hosts: int = HOSTS, certificate: Path | None = None) -> Iterator[list[str]]:
    """The addresses of a server in a process of its own."""
    with server("bench.rig.origin", hosts, count, *sizes, certificate=certificate) as addresses:
        yield addresses


if __name__ == "__main__":
    hosts, *images = map(int, sys.argv[1:])
    serve(answer_from(*images), hosts)
