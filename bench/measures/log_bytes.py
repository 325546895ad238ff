"""What a run of good images writes into CloudWatch Logs: `python -m bench.measures.log_bytes`. All functions, every line."""

import argparse
from collections import Counter
from pathlib import Path

from bench.measures.pipeline import through_pipeline
from bench.rig.origin import origin
from functions.core.cost.prices import LOG_GB
from local.aws.cloud import Cloud
from local.commands.run import LOOPBACK

SIZE = 2_000
MILLION = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    count = parser.parse_args().images
    with (
        origin(count, SIZE, SIZE + 1) as (site, *_),
        Cloud(assembly=Path("cdk.out"), parameters={"AllowedNetworks": LOOPBACK}) as cloud,
    ):
        seconds = through_pipeline(cloud, [f"{site}/{image}.jpg" for image in range(count)])
        found = _bytes(cloud)
    total = sum(found.values())
    print(f"{count} images in {seconds:.0f} s; bytes of log an image:")
    for kind, size in found.most_common():
        print(f"  {kind:<12} {size / count:6.2f}")
    print(f"  {'all':<12} {total / count:6.2f}, ${total / count * MILLION / 1e9 * LOG_GB.dollars:.3f} a million images")


def _bytes(cloud: Cloud) -> Counter[str]:
    """By what the line is."""
    cloud.settle()
    logs = cloud.client("logs")
    found: Counter[str] = Counter()
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            for event in page["events"]:
                found[_kind(event["message"])] += len(event["message"].encode())
    return found


def _kind(line: str) -> str:
    if '"_aws"' in line:
        return "metrics"
    return "our lines" if line.startswith("{") else "Lambda's own"


if __name__ == "__main__":
    main()
