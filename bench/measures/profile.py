"""Where the CPU goes: cProfile over `download_batch`, one row at a time: `python -m bench.measures.profile [--lines 60]`.

One thread, so that nothing of it is another thread's; the servers are processes of their own.
"""

import argparse
import cProfile
import os
import pstats
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from bench.contenders.job import Job
from bench.contenders.ours import mirror, ready
from bench.rig.origin import origin
from bench.rig.race import AWS, urls
from bench.rig.sink import sink
from functions.core.download import batch
from functions.core.download.mirror import RowMirror

IMAGES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=60)
    lines = parser.parse_args().lines
    os.environ |= AWS
    profile = cProfile.Profile()
    with origin(500) as sites, sink() as s3, open(os.devnull, "w") as log, redirect_stdout(log):
        ready(Job(s3, []))
        vars(batch)["MAX_CONCURRENT_UPLOADS"] = 0
        mirror(Job(s3, urls(sites, IMAGES), {"concurrency": 1}))  # connections, caches
        RowMirror.mirror = _profiled(profile, RowMirror.mirror)  # type: ignore[method-assign]
        mirror(Job(s3, urls(sites, IMAGES), {"concurrency": 1}))
    pstats.Stats(profile).sort_stats("cumulative").print_stats(lines)


def _profiled(profile: cProfile.Profile, call: Callable[..., Any]) -> Callable[..., Any]:
    def measured(*arguments: Any) -> Any:
        profile.enable()
        try:
            return call(*arguments)
        finally:
            profile.disable()

    return measured


if __name__ == "__main__":
    main()
