"""Probes of a list whose success rate is known, on the local AWS: how many of 20 samples have it in their interval?

    .venv/bin/python -m bench.probe [--seeds 20] [--rows 300]

Exit status 0 if 19 of 20 have it. The list has 2,000 rows of six hosts: one with most of the rows, one that fails, and
four small ones. The same with many seeds and other lists, without a network: tests/unit/functions/core/summary/probe.
"""

import argparse
import json
import math
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.core.model.runs import run_id_of
from functions.core.model.types import ProbeResult
from local.aws.cloud import Cloud
from local.aws.http.server import Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

HOSTS = ((1500, 0.95), (200, 0.0), (100, 0.8), (100, 1.0), (50, 0.5), (50, 0.9))
"""Rows of each host, and the probability that one of them succeeds."""

IMAGE = Path(__file__).parents[1] / "manifests" / "demo" / "spark.gif"
ASSEMBLY = Path("cdk.out")
TIMEOUT_SECONDS = 300
COVERAGE = 0.95


@dataclass(frozen=True)
class KnownList:
    manifest: bytes
    success: float


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.probe", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=300)
    chosen = parser.parse_args(arguments)
    with ExitStack() as stack:
        known = _list([_host(stack) for _ in HOSTS])
        cloud = stack.enter_context(Cloud(assembly=ASSEMBLY, allow="127.0.0.0/8"))
        results = (_probe(cloud, known.manifest, chosen.rows, seed) for seed in range(1, chosen.seeds + 1))
        inside = sum(_show(result, known.success) for result in results)
    print(f"{inside} of {chosen.seeds} intervals have the true success rate, {100 * known.success:.2f} %.")
    return 0 if inside >= math.floor(COVERAGE * chosen.seeds) else 1


def _host(stack: ExitStack) -> str:
    """The URL of a host that serves an image for paths that begin with /good, and nothing else."""
    server, image = Server(), IMAGE.read_bytes()

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        found = environ["PATH_INFO"].startswith("/good")
        body = image if found else b"Not found"
        start_response("200 OK" if found else "404 Not Found", [("Content-Length", str(len(body)))])
        return [body]

    server.start(serve)
    stack.callback(server.stop)
    return server.endpoint


def _list(hosts: Sequence[str]) -> KnownList:
    chance = random.Random(1)
    urls = [
        f"{host}/{'good' if chance.random() < success else 'bad'}-{number}.gif"
        for host, (rows, success) in zip(hosts, HOSTS, strict=True)
        for number in range(rows)
    ]
    chance.shuffle(urls)
    return KnownList("\n".join(["url", *urls, ""]).encode(), sum("/good" in url for url in urls) / len(urls))


def _probe(cloud: Cloud, manifest: bytes, rows: int, seed: int) -> ProbeResult:
    s3: S3Client = cloud.client("s3")
    states: SFNClient = cloud.client("stepfunctions")
    s3.put_object(
        Bucket=cloud.outputs["InputBucket"],
        Key=f"manifests/seed-{seed}.csv",
        Body=manifest,
        Metadata={"probe": str(rows), "probe-seed": str(seed), "passes": "0"},
    )
    cloud.settle()
    arn = states.list_executions(stateMachineArn=cloud.outputs["StateMachineArn"], maxResults=1)["executions"][0][
        "executionArn"
    ]
    cloud.engine.wait_for(arn, timeout=TIMEOUT_SECONDS)
    run_id = run_id_of(json.loads(states.describe_execution(executionArn=arn)["input"]))
    body = s3.get_object(Bucket=cloud.outputs["InputBucket"], Key=f"runs/{run_id}/summary.json")["Body"]
    result: ProbeResult = json.loads(body.read())["probe"]
    return result


def _show(result: ProbeResult, true_share: float) -> bool:
    success = result["success"]
    is_inside = success["low"] <= true_share <= success["high"]
    print(
        f"seed {result['seed']:2}: {100 * success['share']:5.1f} %, between {100 * success['low']:.1f} and "
        f"{100 * success['high']:.1f} %{'' if is_inside else '  (not inside)'}",
        flush=True,
    )
    return is_inside


if __name__ == "__main__":
    sys.exit(main())
