"""The whole local pipeline, upload to summary, beside the plain pool, into the same S3: `python -m bench.measures.pipeline`.

Rounds are interleaved. Every image is new to the table.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.rig.origin import origin
from bench.rig.race import Figure
from local.aws.cloud import Cloud
from local.commands.run import LOOPBACK

IMAGES, ROUNDS = 2000, 3
LOW, HIGH = 20_000, 80_000


@dataclass(frozen=True)
class Pipeline:
    """Images a second, a round each."""

    pipeline: Sequence[float]
    pool: Sequence[float]

    def ratios(self) -> dict[str, float]:
        return {"pipeline_vs_pool": Figure.of(self.pipeline).median / Figure.of(self.pool).median}

    def raw(self) -> dict[str, Any]:
        return {"images": IMAGES, "pipeline": list(self.pipeline), "pool": list(self.pool)}


def measure() -> Pipeline:
    with (
        origin(IMAGES, LOW, HIGH) as sites,
        Cloud(assembly=Path("cdk.out"), parameters={"AllowedNetworks": LOOPBACK}) as cloud,
    ):
        ours, pool = [], []
        for number in range(ROUNDS):
            pool.append(IMAGES / _pool(cloud, _urls(sites, f"pool{number}")))
            ours.append(IMAGES / through_pipeline(cloud, _urls(sites, f"ours{number}")))
    return Pipeline(ours, pool)


def _urls(sites: Sequence[str], mark: str) -> list[str]:
    return [f"{sites[image % len(sites)]}/{image}.jpg?{mark}" for image in range(IMAGES)]


def _pool(cloud: Cloud, urls: list[str]) -> float:
    """Seconds, by its own clock."""
    job = {"endpoint": cloud.endpoint, "urls": urls, "options": {"bucket": cloud.outputs["ImagesBucket"]}}
    done = subprocess.run(
        [sys.executable, "-m", "bench.contenders.pool"],
        input=json.dumps(job),
        text=True,
        capture_output=True,
        check=True,
        env=cloud.environment() | {"PATH": "/usr/bin:/bin"},
    )
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


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
    found = measure()
    print(f"{IMAGES} images of {LOW // 1000} to {HIGH // 1000} KB, images a second, median of {ROUNDS} (range)")
    print(f"  pipeline  {Figure.of(found.pipeline)}")
    print(f"  pool      {Figure.of(found.pool)}")
    print(f"  pipeline_vs_pool  {found.ratios()['pipeline_vs_pool']:.2f}")
