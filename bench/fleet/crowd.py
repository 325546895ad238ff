"""Many runs at once over overlapping lists of the same hosts, in a local AWS."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from local.aws.cloud import Cloud
from local.commands.run import LOOPBACK
from local.lambdas.function import FunctionConfig
from local.limits import Limits

ENVIRONMENTS = 24
TIMEOUT_SECONDS = 900
"""Maximum duration of a run."""

REPORT_FIELD = "Billed Duration: "


@dataclass(frozen=True, slots=True)
class Crowd:
    """`runs` lists of `rows` rows each; every second row of a list is in the next list, too. The rows of a list are
    those of the hosts in turn."""

    runs: int = 12
    rows: int = 400
    batch_size: int = 50

    @property
    def images(self) -> int:
        """Number of different images in all lists."""
        return self.runs * (self.rows - self.rows // 2)

    def lists(self, sites: Sequence[str]) -> Iterator[list[str]]:
        step = self.rows - self.rows // 2
        for run in range(self.runs):
            numbers = (number % self.images for number in range(run * step, run * step + self.rows))
            yield [f"{sites[number % len(sites)]}/{number}.jpg" for number in numbers]


@contextmanager
def fleet(environments: int = ENVIRONMENTS, assembly: Path = Path("cdk.out")) -> Iterator[Cloud]:
    """A local AWS with so many environments of each function, all of DownloadBatch started."""
    with Cloud(assembly=assembly, allow=LOOPBACK, limits=Limits(environments=environments)) as cloud:
        warm_up(cloud, environments)
        yield cloud


def warm_up(cloud: Cloud, environments: int) -> None:
    """Start the environments of DownloadBatch, so that a measurement does not include it."""
    cloud.functions.prewarm(_download_batch(cloud).name, environments)


def start_runs(cloud: Cloud, lists: Mapping[str, Sequence[str]], options: Mapping[str, str]) -> list[str]:
    """Upload the lists, by name, and return the ARNs of the executions."""
    known = _execution_arns(cloud)
    for name, urls in lists.items():
        body = "url\n" + "".join(f"{url}\n" for url in urls)
        cloud.client("s3").put_object(
            Bucket=cloud.outputs["InputBucket"], Key=f"manifests/{name}.csv", Body=body.encode(), Metadata=dict(options)
        )
    cloud.settle()
    return sorted(_execution_arns(cloud) - known)


def finished_counts(cloud: Cloud, arn: str, timeout: float = TIMEOUT_SECONDS) -> Mapping[str, int]:
    """Wait for the end of a run; return its rows by outcome. Raises RuntimeError if it has failed."""
    cloud.engine.wait_for(arn, timeout=timeout)
    execution = cloud.client("stepfunctions").describe_execution(executionArn=arn)
    if execution["status"] != "SUCCEEDED":
        raise RuntimeError(f"The run {arn} has the status {execution['status']}: {execution.get('cause')}")
    return cast(Mapping[str, int], json.loads(execution["output"])["counts"])


def start_crowd(cloud: Cloud, crowd: Crowd, sites: Sequence[str], options: Mapping[str, str]) -> list[str]:
    """Start a run of each list and return the ARNs of the executions."""
    lists = {f"crowd-{number}": urls for number, urls in enumerate(crowd.lists(sites))}
    return start_runs(cloud, lists, {"batch-size": str(crowd.batch_size), **options})


def all_counts(cloud: Cloud, arns: Iterable[str]) -> Mapping[str, int]:
    """Wait for the end of all runs; return their rows by outcome. Raises RuntimeError if one has failed."""
    totals: Counter[str] = Counter()
    for arn in arns:
        totals.update(finished_counts(cloud, arn))
    return totals


def billed_seconds(cloud: Cloud) -> float:
    """Billed time of DownloadBatch since the start of the cloud, of all invocations that have ended by themselves."""
    cloud.settle()
    name = _download_batch(cloud).log_group_name
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=name)
    reports = (event["message"] for page in pages for event in page["events"] if REPORT_FIELD in event["message"])
    return math.fsum(int(line.partition(REPORT_FIELD)[2].split()[0]) for line in reports) / 1000


def _download_batch(cloud: Cloud) -> FunctionConfig:
    (found,) = (function for function in cloud.stack.functions() if "download_batch" in function.handler)
    return found


def _execution_arns(cloud: Cloud) -> set[str]:
    pages = cloud.client("stepfunctions").get_paginator("list_executions")
    listing: Any = pages.paginate(stateMachineArn=cloud.outputs["StateMachineArn"])
    return {execution["executionArn"] for page in listing for execution in page["executions"]}
