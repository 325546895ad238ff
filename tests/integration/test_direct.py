"""Following a run in the process of its cloud: without HTTP for Step Functions, and without a wait after its end."""

import time
from pathlib import Path

from local.aws.cloud import Cloud
from local.aws.direct import direct_clients, stored_counter, waiter
from local.commands.watcher import StackOutputs, Watcher
from tests.support.pipeline import finish, start
from tests.support.site import Site

ROOT = Path(__file__).parents[2]
IMAGE = (ROOT / "manifests" / "demo" / "dune.jpg").read_bytes()
LONG_SECONDS = 250.0
"""Longer than the run, shorter than the time limit of a test."""


def test_the_direct_answers_are_those_over_http(cloud: Cloud, site: Site) -> None:
    arn = start(cloud, "direct.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n{site.url}/gone.jpg\n")
    finish(cloud, arn)
    http, direct = cloud.client("stepfunctions"), direct_clients(cloud)("stepfunctions")

    described = direct.describe_execution(executionArn=arn)
    (run,) = direct.list_map_runs(executionArn=arn)["mapRuns"]
    counts = direct.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]

    expected = http.describe_execution(executionArn=arn)
    assert (described["status"], described["input"]) == (expected["status"], expected["input"])
    assert run["mapRunArn"] == http.list_map_runs(executionArn=arn)["mapRuns"][0]["mapRunArn"]
    assert counts == http.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]


def test_a_run_that_has_ended_is_reported_at_once_however_long_the_interval(cloud: Cloud, site: Site) -> None:
    count_stored = stored_counter(cloud)
    urls = [site.put(f"/direct-{number}.jpg", IMAGE) for number in range(6)]
    arn = start(cloud, "waited.csv", "url\n" + "\n".join([*urls, urls[0]]) + "\n")
    outputs = StackOutputs.from_outputs(cloud.outputs)
    watcher = Watcher(direct_clients(cloud), outputs, arn, count_stored, waiter(cloud, arn))
    started = time.monotonic()

    polls = list(watcher.watch(LONG_SECONDS))

    assert time.monotonic() - started < LONG_SECONDS
    assert polls[-1].counts == {"stored": 6, "duplicate": 1}
    assert (polls[-1].rows, polls[-1].finished, polls[-1].running) == (7, 7, False)
    assert count_stored() == 6


def test_at_the_end_only_what_the_batches_have_recorded_counts(cloud: Cloud, site: Site) -> None:
    """A batch that ran twice has stored an image twice."""
    arn = start(cloud, "recorded.csv", f"url\n{site.put('/recorded.jpg', IMAGE)}\n")
    finish(cloud, arn)

    watcher = Watcher(direct_clients(cloud), StackOutputs.from_outputs(cloud.outputs), arn, lambda: 2)

    assert watcher.poll().counts == {"stored": 1}
