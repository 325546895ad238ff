"""Batches at an S3 that takes fewer PUTs than they could send: `python -m bench.measures.slow_down`.

A new bucket takes 3,500 a second; of that 40 batches have 87 each. Every image must be stored all the same; how often
S3 refused, and whether servers were asked again for what it had refused, is what is looked at.
"""

import math

from bench.rig.origin import origin
from bench.rig.race import OURS, race, urls
from functions.core.cost.estimate import STORE_MS

IMAGES, DISTINCT = 1000, 500
PUTS = (math.inf, 200, 87, 40)


def main() -> None:
    with origin(DISTINCT) as sites:
        for puts in PUTS:
            run = race(OURS, sites, urls(sites, IMAGES), store_ms=STORE_MS, puts=puts)
            refused = run.requests.get("slowed down", 0)
            print(
                f"{puts:4.0f} PUTs a second: {run.stored} images stored in {run.seconds:.1f} s, {refused} refused, "
                f"servers asked {run.asked - IMAGES} times more than once",
                flush=True,
            )


if __name__ == "__main__":
    main()
