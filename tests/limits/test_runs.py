"""Whole runs under the limits of an AWS account: every row is accounted for."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from local.limits import Limits
from tests.support.pipeline import finish, is_reconciled, mirror, start
from tests.support.site import Answer, Site

IMAGE = (Path(__file__).parents[2] / "manifests" / "demo" / "dune.jpg").read_bytes()
ROWS = 40


class ImmediateClock:
    """A clock of the state machine whose waits return at once."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.is_set()


def manifest(site: Site, rows: int) -> str:
    return "url\n" + "".join(f"{site.put(f'/{number}.jpg', IMAGE)}\n" for number in range(rows))


@pytest.mark.parametrize(
    "limits",
    [
        Limits(s3_requests_per_second=20),
        Limits(write_capacity=15),
        Limits(read_capacity=15),
        Limits(lambda_concurrency=2),
        Limits(lambda_concurrency=2, environments=4, s3_requests_per_second=40, write_capacity=30, read_capacity=30),
    ],
    ids=["s3", "writes", "reads", "lambda", "all"],
)
def test_a_run_under_a_limit_stores_every_row(cloud_with: Callable[..., Cloud], site: Site, limits: Limits) -> None:
    run = mirror(cloud_with(limits), "limited.csv", manifest(site, ROWS), {"batch-size": "20"})

    assert run.status == "SUCCEEDED", run.cause
    assert is_reconciled(run.summary)
    assert (run.summary["rows"], run.summary["stored"]) == (ROWS, ROWS), run.summary["failures_by_reason"]


def test_a_function_has_as_many_environments_as_are_set(cloud_with: Callable[..., Cloud], site: Site) -> None:
    """Six batches are downloading at the same time, on any machine: each image is held until there are six."""
    together = threading.Barrier(6)
    urls = [site.put(f"/{number}.jpg", Answer(IMAGE, before=lambda: together.wait(60))) for number in range(6)]
    content = "url\n" + "".join(f"{url}\n" for url in urls)

    run = mirror(cloud_with(Limits(environments=6)), "six.csv", content, {"batch-size": "1"})

    assert (run.status, run.summary["stored"], together.broken) == ("SUCCEEDED", 6, False)


def test_batches_above_the_concurrency_of_the_account_are_lost_after_four_retries(
    cloud_with: Callable[..., Cloud], site: Site
) -> None:
    """Today's behaviour, with a concurrency of 10 and 50 batches of 4 rows: the 10 that run take longer than the
    retries of the others, whose waits are left out here."""
    batches, rows, concurrency = 50, 4, 10
    release = threading.Event()
    urls = [site.put(f"/{number}.jpg", Answer(IMAGE, before=lambda: release.wait(60))) for number in range(200)]
    cloud = cloud_with(Limits(lambda_concurrency=concurrency), engine_clock=ImmediateClock())
    options = {"batch-size": str(rows), "max-concurrency": str(batches)}

    arn = start(cloud, "throttled.csv", "url\n" + "".join(f"{url}\n" for url in urls), options)
    _wait_for_failed_batches(cloud, arn, batches - concurrency)
    release.set()
    run = finish(cloud, arn)

    summary = run.summary
    lost = (batches - concurrency) * rows
    assert is_reconciled(summary)
    assert (summary["rows"], summary["stored"], summary["failed"]) == (200, 200 - lost, lost)
    assert summary["failures_by_reason"] == {"batch_crashed": lost}
    assert {row["reason"] for row in run.failures()} == {"batch_crashed"}
    assert len(run.file(summary["retry_manifest"]).splitlines()) == lost + 1


def _wait_for_failed_batches(cloud: Cloud, arn: str, count: int) -> None:
    states = cloud.client("stepfunctions")
    for _ in range(600):
        runs = states.list_map_runs(executionArn=arn)["mapRuns"]
        if runs and states.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["executionCounts"]["failed"] >= count:
            return
        threading.Event().wait(0.05)
    raise AssertionError("too few batches have failed")
