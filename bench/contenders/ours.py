"""The handler of download_batch as Lambda invokes it: one process, one batch after the other.

`python -m bench.contenders.ours`. Its options are those of a run; what it writes as logs and metrics it writes.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import certifi

from bench.contenders.job import BUCKET, Job, contend
from functions.core.model.options import Options

RUN = "bench"
LAMBDA_SECONDS = 90


class Context:
    """What Lambda tells a handler of its invocation."""

    function_name = "download-batch"
    memory_limit_in_mb = 1769
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:download-batch"
    aws_request_id = "bench"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return LAMBDA_SECONDS * 1000


def environment(endpoint: str) -> dict[str, str]:
    """What the stack sets, and where AWS is."""
    return {
        "IMAGES_BUCKET": BUCKET,
        "IMAGES_TABLE": "images",
        "INPUT_BUCKET": "input-bucket",
        "TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:failures",
        "ALLOWED_NETWORKS": "127.0.0.0/8",
        "CONTACT": "",
        "AWS_ENDPOINT_URL": endpoint,
        "POWERTOOLS_SERVICE_NAME": "download_batch",
    }


def children(urls: list[str], run: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """What each child of a run is given, its batch filled."""
    items = [{"row": row, "item": {"url": url}} for row, url in enumerate(urls)]
    for begin in range(0, len(items), size):
        batch = {"BatchInput": {"run": run}, "Items": items[begin : begin + size]}
        yield {"batch": batch, "execution_arn": "bench"}


def _payload(options: Options) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps({name: getattr(options, name) for name in options.__slots__}))
    return found


def ready(job: Job) -> None:
    os.environ |= environment(job.endpoint)
    if authority := os.environ.get("AWS_CA_BUNDLE"):
        certifi.where = lambda: authority
    import functions.download_batch  # noqa: F401 - a cold start, which is measured by bench.measures.cold_start


def mirror(job: Job) -> None:
    options = Options(**job.options)
    run = {"id": RUN, "manifest": "manifests/bench.csv", "options": _payload(options)}
    for child in children(job.urls, run, options.batch_size):
        download(child)


def download(child: dict[str, Any]) -> None:
    """All its rounds, as the workflow goes through them."""
    from functions.download_batch import handler

    begun = {"started_at": datetime.now(UTC).isoformat(), "execution_arn": child["execution_arn"]}
    left = handler(child | begun, cast(Any, Context()))
    while left["Items"]:
        time.sleep(left["wait_seconds"])
        left = handler({"batch": left, **begun}, cast(Any, Context()))


if __name__ == "__main__":
    contend(mirror, ready)
