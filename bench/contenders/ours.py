"""The handler of download_batch as Lambda invokes it: one process, one batch after the other.

`python -m bench.contenders.ours`. The options of the job are options of a run. Logs and metrics are written as in
Lambda.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TypedDict

import certifi

from bench.contenders.job import BUCKET, Job, run_contender
from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.limits import DOWNLOAD_MEMORY_MB, DOWNLOAD_TIMEOUT_SECONDS
from functions.core.model.options import Options
from functions.core.model.types import BatchItem, BatchPayload, BatchRun, OptionValues

RUN_ID = "bench"


class ChildInput(TypedDict):
    """The input of a child execution, with the ARN that Step Functions adds."""

    batch: BatchPayload
    execution_arn: str


class LambdaContext:
    """The context object of an invocation."""

    function_name = "download-batch"
    memory_limit_in_mb = DOWNLOAD_MEMORY_MB
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:download-batch"
    aws_request_id = "bench"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return DOWNLOAD_TIMEOUT_SECONDS * 1000


def lambda_context() -> Any:
    """The context for a handler, whose annotation is the class of Powertools."""
    return LambdaContext()


def environment_variables(endpoint: str) -> dict[str, str]:
    """The environment variables that the stack sets, and the AWS endpoint."""
    return {
        "IMAGES_BUCKET": BUCKET,
        "IMAGES_PREFIX": DEFAULT_PREFIX,
        "INDEX_MACHINE_ARN": "unused",
        "IMAGES_TABLE": "images",
        "HOSTS_TABLE": "hosts",
        "INPUT_BUCKET": "input-bucket",
        "TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:failures",
        "ALLOWED_NETWORKS": "127.0.0.0/8",
        "CONTACT": "",
        "AWS_ENDPOINT_URL": endpoint,
        "POWERTOOLS_SERVICE_NAME": "download_batch",
    }


def child_inputs(urls: Sequence[str], run: BatchRun, batch_size: int) -> Iterator[ChildInput]:
    """Divide the rows into batches, as ItemBatcher does."""
    items: list[BatchItem] = [{"row": row, "item": {"url": url}} for row, url in enumerate(urls)]
    for start in range(0, len(items), batch_size):
        batch: BatchPayload = {"BatchInput": {"run": run}, "Items": items[start : start + batch_size]}
        yield {"batch": batch, "execution_arn": "bench"}


def _option_values(options: Options) -> OptionValues:
    values: OptionValues = json.loads(json.dumps({each.name: getattr(options, each.name) for each in fields(options)}))
    return values


def prepare(job: Job) -> None:
    os.environ |= environment_variables(job.endpoint)
    if authority := os.environ.get("AWS_CA_BUNDLE"):
        certifi.where = lambda: authority
    import functions.download_batch  # noqa: F401 - bench.measures.cold_start measures the import


def mirror(job: Job) -> None:
    options = Options(
        concurrency=job.options.get("concurrency", Options().concurrency),
        robots=job.options.get("robots", Options().robots),
    )
    run: BatchRun = {"id": RUN_ID, "manifest": "manifests/bench.csv", "options": _option_values(options)}
    for child in child_inputs(job.urls, run, options.batch_size):
        download(child)


def download(child: ChildInput) -> None:
    """Run all rounds of a batch, as the state machine does."""
    from functions.download_batch import handler

    execution = {"started_at": datetime.now(UTC).isoformat(), "execution_arn": child["execution_arn"]}
    batch = handler({"batch": child["batch"], **execution}, lambda_context())
    while batch["Items"]:
        time.sleep(batch["wait_seconds"])
        batch = handler({"batch": batch, **execution}, lambda_context())


if __name__ == "__main__":
    run_contender(mirror, prepare)
