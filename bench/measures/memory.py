"""The peak of a batch of 500 images of up to 25 MB each, in a process of its own."""

from bench.rig.origin import origin
from bench.rig.race import OURS, Run, race, urls

IMAGES = 500
DISTINCT, LOW, HIGH = 20, 1_000_000, 25_000_000
"""The origin keeps them in memory, so they come again and again."""


def measure() -> Run:
    with origin(DISTINCT, LOW, HIGH) as sites:
        return race(OURS, sites, urls(sites, IMAGES))


if __name__ == "__main__":
    run = measure()
    print(f"{run.stored} images stored in {run.seconds:.0f} s, peak {run.rss_mb:.0f} MB")
