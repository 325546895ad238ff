"""What a part of a vCPU does to a batch: `python -m bench.measures.quota`, as root on Linux.

Lambda gives a function of 1,769 MB one vCPU and of 885 MB a half: so much CPU time in each 20 ms, and then nobody runs
until they are over. Linux' own quota (a control group of either version) does the same here.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.rig.origin import origin
from bench.rig.race import OURS, Figure, race, urls

GROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 20_000
SHARES = {"one vCPU": 1.0, "half a vCPU": 0.5}
LATENCIES = {0: 1000, 50: 1000, 200: 1000}
"""Images by milliseconds."""

ROUNDS, DISTINCT = 3, 500


@contextmanager
def quota(share: float) -> Iterator[list[str]]:
    """What to begin a command with, so that it has no more than this of one CPU. Raises OSError without the right."""
    if (GROUPS / "cgroup.controllers").exists():
        (GROUPS / "cgroup.subtree_control").write_text("+cpu")
        group, limits = GROUPS / "bench", {"cpu.max": f"{share * PERIOD_US:.0f} {PERIOD_US}"}
    else:
        group = GROUPS / "cpu" / "bench"
        limits = {"cpu.cfs_period_us": f"{PERIOD_US}", "cpu.cfs_quota_us": f"{share * PERIOD_US:.0f}"}
    group.mkdir(exist_ok=True)
    try:
        for name, value in limits.items():
            (group / name).write_text(value)
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"]
    finally:
        group.rmdir()


def main() -> int:
    if sys.platform != "linux" or os.geteuid():
        print("Only root on Linux may set a quota: nothing was measured.", file=sys.stderr)
        return 2
    with origin(DISTINCT) as sites:
        for ms, images in LATENCIES.items():
            wanted = urls(sites, images, f"{ms}ms/" if ms else "")
            for name, share in SHARES.items():
                with quota(share) as within:
                    runs = [race(OURS, sites, wanted, within=within) for _ in range(ROUNDS)]
                rates, cpu = (
                    Figure.of(of) for of in zip(*((run.rate, run.cpu_ms_per_image) for run in runs), strict=True)
                )
                print(f"{ms:4} ms, {name:12} {rates} images a second, {cpu} ms of CPU an image", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
