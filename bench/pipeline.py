"""The whole local pipeline, upload to summary, beside the plain pool, into the same S3: `python -m bench.pipeline`.

Rounds are interleaved; medians and ranges are printed, and the ratio of the medians. Every image is new to the table.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.origin import origin
from local.cloud import Cloud
from local.run import LOOPBACK

LOW, HIGH = 20_000, 80_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    count = arguments.images
    with (
        origin(count, LOW, HIGH) as site,
        Cloud(assembly=Path("cdk.out"), parameters={"AllowedNetworks": LOOPBACK}) as cloud,
    ):
        ours, pool = [], []
        for number in range(arguments.rounds):
            pool.append(count / _pool(cloud, [f"{site}/{image}.jpg?pool{number}" for image in range(count)]))
            ours.append(count / through_pipeline(cloud, [f"{site}/{image}.jpg?ours{number}" for image in range(count)]))
    print(
        f"{count} images of {LOW // 1000} to {HIGH // 1000} KB, images a second, median of {arguments.rounds} (range)"
    )
    print(f"  pipeline  {_shown(ours)}")
    print(f"  pool      {_shown(pool)}")
    print(f"  pipeline_vs_pool  {median(ours) / median(pool):.2f}")


def _shown(rates: list[float]) -> str:
    return f"{median(rates):7.1f} ({min(rates):.1f} to {max(rates):.1f})"


def _pool(cloud: Cloud, urls: list[str]) -> float:
    command = [sys.executable, "-m", "bench.pool", cloud.endpoint, cloud.outputs["ImagesBucket"]]
    done = subprocess.run(
        command, input="\n".join(urls), text=True, capture_output=True, check=True, env=cloud.environment() | _PATH
    )
    return float(done.stdout)


_PATH = {"PATH": "/usr/bin:/bin"}


def through_pipeline(cloud: Cloud, urls: list[str]) -> float:
    """Seconds, from before the upload to the end of the execution. Every row must be stored."""
    text = "url\n" + "\n".join(urls) + "\n"
    states = cloud.client("stepfunctions")
    machine = cloud.outputs["StateMachineArn"]
    known = {found["executionArn"] for found in states.list_executions(stateMachineArn=machine)["executions"]}
    started = time.perf_counter()
    cloud.client("s3").put_object(Bucket=cloud.outputs["InputBucket"], Key="manifests/bench.csv", Body=text.encode())
    execution = _ended(cloud, known)
    seconds = time.perf_counter() - started
    counts = json.loads(execution["output"])["counts"]
    assert counts["stored"] == len(urls), counts
    return seconds


def _ended(cloud: Cloud, known: set[str]) -> Any:
    cloud.settle()
    states = cloud.client("stepfunctions")
    found = states.list_executions(stateMachineArn=cloud.outputs["StateMachineArn"])["executions"]
    (arn,) = {execution["executionArn"] for execution in found} - known
    cloud.engine.wait_for(arn, timeout=600)
    return states.describe_execution(executionArn=arn)


if __name__ == "__main__":
    main()
