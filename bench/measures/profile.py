"""CPU profile of `download_batch`, one row at a time: `python -m bench.measures.profile [--lines 60]`.

A single thread, so that the profile contains no time of other threads. The servers are processes of their own.
"""

import argparse
import cProfile
import os
import pstats
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import ParamSpec, TypeVar

from bench.contenders.job import Job
from bench.contenders.ours import mirror, prepare
from bench.rig.origin import origin
from bench.rig.race import AWS, image_urls
from bench.rig.sink import sink
from functions.core.download import batch
from functions.core.download.mirror import RowMirror

IMAGES = 2000
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=60)
    lines = parser.parse_args().lines
    os.environ |= AWS
    profile = cProfile.Profile()
    with origin(500) as sites, sink() as s3, open(os.devnull, "w") as log, redirect_stdout(log):
        prepare(Job(s3, []))
        vars(batch)["MAX_CONCURRENT_UPLOADS"] = 0
        mirror(Job(s3, image_urls(sites, IMAGES), {"concurrency": 1}))  # opens connections and fills caches
        RowMirror.mirror = _profiled(profile, RowMirror.mirror)  # type: ignore[method-assign]
        mirror(Job(s3, image_urls(sites, IMAGES), {"concurrency": 1}))
    pstats.Stats(profile).sort_stats("cumulative").print_stats(lines)


def _profiled(profile: cProfile.Profile, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        profile.enable()
        try:
            return function(*args, **kwargs)
        finally:
            profile.disable()

    return call


if __name__ == "__main__":
    main()
