"""A batch under load: its memory with large images, and its behaviour when S3 throttles PUTs.

`python -m bench.measures.batch_limits [memory|slow-down]` measures both, or one of them.

Memory: 500 images of up to 25 MB, in a process of its own. SlowDown: a new bucket accepts 3,500 PUTs per second per
partition, which is 87 for each of 40 batches. Every image must be stored; the output shows how many PUTs were
throttled, and whether images were downloaded again because of it.
"""

import argparse
import math

from bench.rig.origin import origin
from bench.rig.race import OURS, Run, image_urls, race
from functions.core.cost.estimate import STORE_MS

LARGE_IMAGES = 500
LARGE_DISTINCT, LARGE_LOW, LARGE_HIGH = 20, 1_000_000, 25_000_000
"""The origin keeps the distinct images in memory and serves them repeatedly. Sizes are in bytes."""

IMAGES, DISTINCT = 1000, 500
PUTS_PER_SECOND = (math.inf, 200, 87, 40)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measurement", nargs="?", choices=("memory", "slow-down"))
    measurement = parser.parse_args().measurement
    if measurement != "slow-down":
        print_memory()
    if measurement != "memory":
        print_slow_down()


if __name__ == "__main__":
    main()
