"""A batch with a part of a vCPU: `python -m bench.measures.quota`, as root on Linux.

A Lambda function with 1,769 MB has one vCPU, one with 885 MB half: in each period of 20 ms it may use that share of CPU
time, and is then paused until the next period. A CPU quota of a Linux control group (version 1 or 2) works in the same
way.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.rig.origin import origin
from bench.rig.race import OURS, image_urls, race
from bench.rig.results import Statistic

CGROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 20_000
SHARES = {"one vCPU": 1.0, "half a vCPU": 0.5}
LATENCIES = {0: 1000, 50: 1000, 200: 1000}
"""The number of images by latency in milliseconds."""

ROUNDS, DISTINCT = 3, 500


@contextmanager
def cpu_quota(share: float) -> Iterator[list[str]]:
    """Yield a command prefix that limits a command to a share of one CPU. Raises OSError without the permission."""
    if (CGROUPS / "cgroup.controllers").exists():
        (CGROUPS / "cgroup.subtree_control").write_text("+cpu")
        group, limits = CGROUPS / "bench", {"cpu.max": f"{share * PERIOD_US:.0f} {PERIOD_US}"}
    else:
        group = CGROUPS / "cpu" / "bench"
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
        print("A CPU quota requires root on Linux. Nothing was measured.", file=sys.stderr)
        return 2
    with origin(DISTINCT) as sites:
        for ms, images in LATENCIES.items():
            urls = image_urls(sites, images, f"{ms}ms/" if ms else "")
            for name, share in SHARES.items():
                with cpu_quota(share) as command_prefix:
                    runs = [race(OURS, sites, urls, command_prefix=command_prefix) for _ in range(ROUNDS)]
                rate = Statistic.of([run.rate for run in runs])
                cpu = Statistic.of([run.cpu_ms_per_image for run in runs])
                print(f"{ms:4} ms, {name:12} {rate} images per second, {cpu} ms of CPU per image", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
