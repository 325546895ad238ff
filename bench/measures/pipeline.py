"""The whole local pipeline, from upload to summary, and the pool of threads, into the same S3.

`python -m bench.measures.pipeline`. Rounds are interleaved. No image is in the table before.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.contenders.job import Job, read_usage
from bench.rig.origin import origin
from bench.rig.results import PipelineResult, Statistic
from local.aws.cloud import Cloud
from local.commands.run import LOOPBACK

IMAGES, ROUNDS = 2000, 3
LOW, HIGH = 20_000, 80_000
"""Sizes of the images in bytes."""

TIMEOUT_SECONDS = 600
"""Maximum duration of an execution."""


@dataclass(frozen=True)
class Pipeline:
    """Images per second, one value per round."""

    pipeline: Sequence[float]
    pool: Sequence[float]

    def ratios(self) -> dict[str, float]:
        return {"pipeline_vs_pool": Statistic.of(self.pipeline).median / Statistic.of(self.pool).median}

    def results(self) -> PipelineResult:
        return {"images": IMAGES, "pipeline": list(self.pipeline), "pool": list(self.pool)}


def measure() -> Pipeline:
    with (
        origin(IMAGES, LOW, HIGH) as sites,
        Cloud(assembly=Path("cdk.out"), allow=LOOPBACK) as cloud,
    ):
        pipeline, pool = [], []
        for number in range(ROUNDS):
            pool.append(IMAGES / _run_pool(cloud, _urls(sites, f"pool{number}")))
            pipeline.append(IMAGES / run_pipeline(cloud, _urls(sites, f"ours{number}")))
    return Pipeline(pipeline, pool)


def _urls(sites: Sequence[str], query: str) -> list[str]:
    return [f"{sites[image % len(sites)]}/{image}.jpg?{query}" for image in range(IMAGES)]


def _run_pool(cloud: Cloud, urls: list[str]) -> float:
    """Run the pool and return its own measurement in seconds."""
    job = Job(cloud.endpoint, urls, {"bucket": cloud.outputs["ImagesBucket"]})
    result = subprocess.run(
        [sys.executable, "-m", "bench.contenders.pool"],
        input=json.dumps(asdict(job)),
        text=True,
        capture_output=True,
        check=True,
        env=cloud.environment() | {"PATH": "/usr/bin:/bin"},
    )
    return read_usage(result.stdout).seconds


def run_pipeline(cloud: Cloud, urls: list[str]) -> float:
    """Upload a manifest and wait for the end of its execution. Returns seconds. Every row must be stored."""
    text = "url\n" + "\n".join(urls) + "\n"
    known_arns = _execution_arns(cloud)
    started = time.perf_counter()
    cloud.client("s3").put_object(Bucket=cloud.outputs["InputBucket"], Key="manifests/bench.csv", Body=text.encode())
    execution = _wait_for_new_execution(cloud, known_arns)
    seconds = time.perf_counter() - started
    counts = json.loads(execution["output"])["counts"]
    assert counts["stored"] == len(urls), counts
    return seconds


def _execution_arns(cloud: Cloud) -> set[str]:
    executions = cloud.client("stepfunctions").list_executions(stateMachineArn=cloud.outputs["StateMachineArn"])
    return {execution["executionArn"] for execution in executions["executions"]}


def _wait_for_new_execution(cloud: Cloud, known_arns: set[str]) -> Any:
    """Return the response of DescribeExecution."""
    cloud.settle()
    (arn,) = _execution_arns(cloud) - known_arns
    cloud.engine.wait_for(arn, timeout=TIMEOUT_SECONDS)
    return cloud.client("stepfunctions").describe_execution(executionArn=arn)


if __name__ == "__main__":
    result = measure()
    print(f"{IMAGES} images of {LOW // 1000} to {HIGH // 1000} KB, images per second, median of {ROUNDS} (range)")
    print(f"  pipeline  {Statistic.of(result.pipeline)}")
    print(f"  pool      {Statistic.of(result.pool)}")
    print(f"  pipeline_vs_pool  {result.ratios()['pipeline_vs_pool']:.2f}")
