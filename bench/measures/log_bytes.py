"""Bytes per image that a run writes into CloudWatch Logs: `python -m bench.measures.log_bytes [--images 10000]`.

All functions and all lines are counted. The run has no failures.
"""

import argparse
from collections import Counter
from pathlib import Path

from bench.measures.pipeline import run_pipeline
from bench.rig.origin import origin
from functions.core.cost.prices import LOG_GB
from local.aws.cloud import Cloud
from local.commands.run import LOOPBACK

SIZE = 2_000
"""Size of an image in bytes."""

MILLION = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    count = parser.parse_args().images
    with (
        origin(count, SIZE, SIZE + 1) as (site, *_),
        Cloud(assembly=Path("cdk.out"), allow=LOOPBACK) as cloud,
    ):
        seconds = run_pipeline(cloud, [f"{site}/{image}.jpg" for image in range(count)])
        sizes = _log_bytes(cloud)
    total = sum(sizes.values())
    print(f"{count} images in {seconds:.0f} s; log bytes per image:")
    for kind, size in sizes.most_common():
        print(f"  {kind:<12} {size / count:6.2f}")
    cost = total / count * MILLION / 1e9 * LOG_GB.dollars
    print(f"  {'total':<12} {total / count:6.2f}, ${cost:.3f} per million images")


def _log_bytes(cloud: Cloud) -> Counter[str]:
    """Return the bytes by kind of line."""
    cloud.settle()
    logs = cloud.client("logs")
    sizes: Counter[str] = Counter()
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            for event in page["events"]:
                sizes[_kind(event["message"])] += len(event["message"].encode())
    return sizes


def _kind(line: str) -> str:
    if '"_aws"' in line:
        return "metrics"
    return "functions" if line.startswith("{") else "Lambda"


if __name__ == "__main__":
    main()
