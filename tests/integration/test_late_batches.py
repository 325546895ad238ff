"""Batches that are still running when their run is stopped: what they store is in the summary."""

import os
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local.aws.cloud import Cloud
from local.states.records.executions import TIMED_OUT, Outcome
from tests.support.images import png
from tests.support.pipeline import FinishedRun, finish, is_reconciled, start
from tests.support.site import Answer, Site

SEED = random.randrange(10**6)
MOMENTS = int(os.environ.get("MOMENTS", "2"))
ROWS = 300
SECONDS = 0.02
"""Time of each response."""

OPTIONS = {"batch-size": "30", "max-concurrency": "8", "concurrency": "4", "per-host": "4"}

Stop = Callable[[Cloud, str], object]


def cancel(cloud: Cloud, arn: str) -> object:
    return cloud.client("stepfunctions").stop_execution(executionArn=arn)


def time_out(cloud: Cloud, arn: str) -> None:
    """What the engine does when the time limit of the state machine is over."""
    execution = cloud.engine.execution(arn)
    cloud.engine.services.end_execution(execution, Outcome(TIMED_OUT))
    execution.stop.set()


def stopped(cloud: Cloud, site: Site, name: str, stop: Stop, images: int) -> FinishedRun:
    """A run that was stopped when the site had been asked for so many images, with all that its batches did."""
    urls = [
        site.put(f"/{name}-{n}.png", Answer(png(note=b"%d" % n), before=lambda: time.sleep(SECONDS)))
        for n in range(ROWS)
    ]
    asked = lambda: sum(site.asked[url.removeprefix(site.url)] for url in urls)  # noqa: E731
    arn = start(cloud, f"{name}.txt", "".join(f"{url}\n" for url in urls), OPTIONS)
    while asked() < images:
        time.sleep(0.001)
    stop(cloud, arn)
    run = finish(cloud, arn)
    cloud.settle()
    count = -1
    while count != asked():  # no batch is left
        count = asked()
        time.sleep(20 * SECONDS)
    return run


def rows_in_table(cloud: Cloud, run_id: str) -> set[int]:
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=cloud.outputs["ImagesTable"])
    items: list[dict[str, Any]] = [item for page in pages for item in page["Items"]]
    return {int(item["row"]["N"]) for item in items if item["run_id"]["S"] == run_id}


@pytest.mark.parametrize("stop", [cancel, time_out])
def test_a_row_is_in_the_table_if_and_only_if_the_summary_says_that_it_is_stored(
    cloud: Cloud, site: Site, stop: Stop
) -> None:
    sys.stdout.write(f"seed {SEED}\n")
    rng = random.Random(SEED)
    for moment in range(MOMENTS):
        images = rng.randrange(1, ROWS // 2)

        run = stopped(cloud, site, f"{stop.__name__}-{moment}", stop, images)

        context = (SEED, moment, images)
        summary = run.summary
        assert is_reconciled(summary), context
        assert (summary["rows"], summary["stored"] + summary["failed"]) == (ROWS, ROWS), context
        failed = {int(row["row"]) for row in run.failures() if row["reason"] == "out_of_time"}
        stored = {row for row, line in run.outcomes().items() if line["outcome"] == "stored"}
        assert len(stored) == summary["stored"], context
        assert rows_in_table(cloud, run.run_id) == stored, context
        assert (stored & failed, len(failed)) == (set(), summary["failed"]), context


def test_a_batch_that_begins_after_its_run_was_closed_does_nothing(cloud: Cloud, site: Site) -> None:
    url = site.put("/closed.png", png())
    cloud.client("s3").put_object(Bucket=cloud.outputs["InputBucket"], Key="runs/closed-run/closed", Body=b"")
    [function] = [name for name in cloud.functions.functions if "DownloadBatch" in name]
    batch = {"BatchInput": {"run": {"id": "closed-run", "options": {}}}, "Items": [{"row": 0, "item": url}]}
    started_at = datetime.now(UTC).isoformat()

    result = cloud.functions.invoke(function, {"batch": batch, "execution_arn": "arn:1", "started_at": started_at})

    assert (result.error, result.payload["Items"], site.asked["/closed.png"]) == (None, [], 0)
