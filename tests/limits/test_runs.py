"""Whole runs under the limits of an AWS account: every row is accounted for."""

import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.core.model.runs import run_id_of
from local.aws.cloud import Cloud
from local.limits import Limits
from tests.support.pipeline import FinishedRun, finish, is_reconciled, mirror, start
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


BATCHES, BATCH_ROWS, CONCURRENCY = 20, 4, 10
OPTIONS = {"batch-size": str(BATCH_ROWS), "max-concurrency": str(BATCHES), "host-concurrency": "0"}
LOWERED = (
    f"At most {{}} batches run at once instead of {BATCHES}: the account allows 10 concurrent Lambda executions, and"
)


def test_two_runs_in_an_account_with_10_concurrent_executions_lose_nothing(
    cloud_with: Callable[..., Cloud], site: Site
) -> None:
    """The images are held: the first run is lowered while it uses its share, and raised when the second has ended."""
    release_first, release_second = threading.Event(), threading.Event()
    cloud = cloud_with(Limits(lambda_concurrency=CONCURRENCY))
    first = start(cloud, "first.csv", held(site, "first", release_first), OPTIONS)
    alone = concurrency_of(cloud, first, running=7), note_of(cloud, first)

    second = start(cloud, "second.csv", held(site, "second", release_second), OPTIONS)
    together = concurrency_of(cloud, second, running=3), concurrency_of(cloud, first, running=7)
    notes = [note_of(cloud, arn) for arn in (first, second)]
    release_second.set()
    second_run = finish(cloud, second)
    raised = concurrency_of(cloud, first, running=7), note_of(cloud, first)
    release_first.set()
    first_run = finish(cloud, first)

    assert alone == raised == (7, f"{LOWERED.format(7)} 1 run is active.")
    assert (together, notes) == ((3, 3), [f"{LOWERED.format(3)} 2 runs are active."] * 2)
    for run in (first_run, second_run):
        nothing_is_lost(run)


def test_three_runs_that_start_at_once_in_an_account_with_10_concurrent_executions_lose_nothing(
    cloud_with: Callable[..., Cloud], site: Site
) -> None:
    cloud = cloud_with(Limits(lambda_concurrency=CONCURRENCY))
    released = threading.Event()
    released.set()
    contents = {f"{name}.csv": held(site, name, released) for name in ("one", "two", "three")}
    states, machine = cloud.client("stepfunctions"), cloud.outputs["StateMachineArn"]

    for name, content in contents.items():
        cloud.client("s3").put_object(
            Bucket=cloud.outputs["InputBucket"], Key=f"manifests/{name}", Body=content.encode(), Metadata=OPTIONS
        )
    cloud.settle()

    runs = states.list_executions(stateMachineArn=machine)["executions"]
    assert len(runs) == 3
    for run in runs:
        nothing_is_lost(finish(cloud, run["executionArn"]))


def test_batches_above_a_number_that_was_set_by_hand_are_lost_after_all_retries(
    cloud_with: Callable[..., Cloud], site: Site
) -> None:
    """The batches that run take longer than the retries of the others, whose waits of 147 seconds are left out here."""
    release = threading.Event()
    cloud = cloud_with(Limits(lambda_concurrency=CONCURRENCY), engine_clock=ImmediateClock())
    arn = start(cloud, "throttled.csv", held(site, "throttled", release), OPTIONS)
    concurrency_of(cloud, arn, running=7)

    states = cloud.client("stepfunctions")
    states.update_map_run(mapRunArn=map_run_of(cloud, arn), maxConcurrency=BATCHES)
    _wait_for_failed_batches(cloud, arn, BATCHES - CONCURRENCY)
    release.set()
    run = finish(cloud, arn)

    summary = run.summary
    rows, lost = BATCHES * BATCH_ROWS, (BATCHES - CONCURRENCY) * BATCH_ROWS
    assert is_reconciled(summary)
    assert (summary["rows"], summary["stored"], summary["failed"]) == (rows, rows - lost, lost)
    assert summary["failures_by_reason"] == {"batch_crashed": lost}
    assert {row["reason"] for row in run.failures()} == {"batch_crashed"}
    assert len(run.file(summary["retry_manifest"]).splitlines()) == lost + 1


def held(site: Site, name: str, release: threading.Event) -> str:
    """A manifest of images that the server holds back until `release` is set."""
    answer = Answer(IMAGE, before=lambda: release.wait(60))
    return "url\n" + "".join(f"{site.put(f'/{name}/{row}.jpg', answer)}\n" for row in range(BATCHES * BATCH_ROWS))


def nothing_is_lost(run: FinishedRun) -> None:
    summary, rows = run.summary, BATCHES * BATCH_ROWS
    assert is_reconciled(summary)
    assert (run.status, summary["rows"], summary["stored"]) == ("SUCCEEDED", rows, rows), summary["failures_by_reason"]
    assert re.match(LOWERED.format(r"\d"), summary["note"]), summary["note"]


def map_run_of(cloud: Cloud, arn: str) -> str:
    runs = cloud.client("stepfunctions").list_map_runs(executionArn=arn)["mapRuns"]
    return runs[0]["mapRunArn"] if runs else ""


def concurrency_of(cloud: Cloud, arn: str, running: int) -> int:
    """The maximum concurrency of a run, as soon as so many of its batches run."""
    states = cloud.client("stepfunctions")
    for _ in range(600):
        if map_run := map_run_of(cloud, arn):
            described = states.describe_map_run(mapRunArn=map_run)
            if described["executionCounts"]["running"] >= running:
                return int(described["maxConcurrency"])
        threading.Event().wait(0.05)
    raise AssertionError(f"fewer than {running} batches run")


def note_of(cloud: Cloud, arn: str) -> str:
    execution = cloud.client("stepfunctions").describe_execution(executionArn=arn)
    key = {"run_id": {"S": run_id_of(json.loads(execution["input"]))}}
    item = cloud.client("dynamodb").get_item(TableName=cloud.outputs["RunsTable"], Key=key)["Item"]
    return str(item["concurrency_note"].get("S"))


def _wait_for_failed_batches(cloud: Cloud, arn: str, count: int) -> None:
    states = cloud.client("stepfunctions")
    for _ in range(600):
        runs = states.list_map_runs(executionArn=arn)["mapRuns"]
        if runs and states.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["executionCounts"]["failed"] >= count:
            return
        threading.Event().wait(0.05)
    raise AssertionError("too few batches have failed")
