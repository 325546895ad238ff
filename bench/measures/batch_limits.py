"""A batch under load: its memory with large images, and its behaviour when S3 or a host limits requests.

`python -m bench.measures.batch_limits [memory|slow-down|rate-limit]` measures all, or one of them.

Memory: 500 images of up to 25 MB, in a process of its own. SlowDown: a new bucket accepts 3,500 PUTs per second per
partition, which is 87 for each of 40 batches. Every image must be stored; the output shows how many PUTs were
throttled, and whether images were downloaded again because of it.

Rate limit: a host answers eight requests a second and refuses the others, in the forms of `bench.rig.rate_limits`. Of
200 rows with default options, every image must be stored; the output shows the time, relative to the 25 seconds that
the limit makes of it, and the requests that were refused. `make bench-rate-limit` runs it, in about 45 seconds.
"""

import argparse
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from bench.rig.origin import origin
from bench.rig.race import OURS, Run, image_urls, race
from bench.rig.rate_limits import RATE, RATE_LIMITS
from functions.core.cost.storage import STORE_MS

LARGE_IMAGES = 500
LARGE_DISTINCT, LARGE_LOW, LARGE_HIGH = 20, 1_000_000, 25_000_000
"""The origin keeps the distinct images in memory and serves them repeatedly. Sizes are in bytes."""

IMAGES, DISTINCT = 1000, 500
PUTS_PER_SECOND = (math.inf, 200, 87, 40)

LIMITED_IMAGES = 200


def measure_memory() -> Run:
    with origin(LARGE_DISTINCT, LARGE_LOW, LARGE_HIGH) as sites:
        return race(OURS, sites, image_urls(sites, LARGE_IMAGES))


def print_memory() -> None:
    run = measure_memory()
    print(f"{run.stored} images stored in {run.seconds:.0f} s, peak {run.rss_mb:.0f} MB")


def print_slow_down() -> None:
    with origin(DISTINCT) as sites:
        for puts in PUTS_PER_SECOND:
            run = race(OURS, sites, image_urls(sites, IMAGES), store_ms=STORE_MS, puts=puts)
            throttled = run.requests.get("slowed down", 0)
            print(
                f"{puts:4.0f} PUTs per second: {run.stored} images stored in {run.seconds:.1f} s, {throttled} PUTs "
                f"throttled, {run.asked - IMAGES} repeated downloads",
                flush=True,
            )


def print_rate_limits() -> None:
    """One process for each form, at the same time: they wait most of the time."""
    with ThreadPoolExecutor(len(RATE_LIMITS)) as pool:
        for name, run in zip(RATE_LIMITS, pool.map(_measure_rate_limit, RATE_LIMITS), strict=True):
            ratio = run.seconds * RATE / LIMITED_IMAGES
            print(
                f"{name:26}: {run.stored} images stored in {run.seconds:.1f} s, {ratio:.2f} times the ideal time, "
                f"{run.asked - LIMITED_IMAGES} requests refused",
                flush=True,
            )


def _measure_rate_limit(name: str) -> Run:
    with origin(LIMITED_IMAGES, hosts=1) as sites:
        return race(OURS, sites, [f"{sites[0]}/{name}/{number}.jpg" for number in range(LIMITED_IMAGES)])


MEASUREMENTS: Mapping[str, Callable[[], None]] = {
    "memory": print_memory,
    "slow-down": print_slow_down,
    "rate-limit": print_rate_limits,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measurement", nargs="?", choices=tuple(MEASUREMENTS))
    measurement = parser.parse_args().measurement
    for name in [measurement] if measurement else MEASUREMENTS:
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
