"""A function that is killed, or that our own side breaks: no row is lost, whatever happens."""

import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from local.aws.cloud import Cloud
from tests.support.pipeline import books_balance, ended, start
from tests.support.site import Answer, Site

IMAGE = (Path(__file__).parents[2] / "manifests" / "demo" / "dune.jpg").read_bytes()
ROWS = 40


def _kill_download_batch() -> None:
    """Every environment of the function, as the kernel would."""
    for process in psutil.Process().children(recursive=True):
        if process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").find("Download") >= 0:
            process.kill()


def _manifest(site: Site, before: Callable[[], object]) -> str:
    """Row 31 calls `before` while it is being served."""
    urls = [site.put(f"/{n}.jpg", IMAGE) for n in range(ROWS)]
    site.put("/30.jpg", Answer(IMAGE, before=before))
    return "url\n" + "".join(f"{url}\n" for url in urls)


def test_a_batch_killed_in_the_middle_is_run_again_and_loses_nothing(cloud: Cloud, site: Site) -> None:
    once = threading.Lock()
    kill = lambda: once.acquire(blocking=False) and _kill_download_batch()  # noqa: E731

    run = ended(cloud, start(cloud, "killed.csv", _manifest(site, kill)))

    assert run.status == "SUCCEEDED"
    assert books_balance(run.summary)
    assert (run.summary["rows"], run.summary["stored"]) == (ROWS, ROWS)
    assert site.asked["/30.jpg"] >= 2


def test_rows_of_a_batch_that_is_killed_every_time_are_failures_to_run_again(cloud: Cloud, site: Site) -> None:
    manifest = _manifest(site, _kill_download_batch)

    run = ended(cloud, start(cloud, "doomed.csv", manifest, {"batch-size": "20", "max-concurrency": "1"}))

    summary = run.summary
    assert books_balance(summary)
    assert (summary["rows"], summary["stored"], summary["failed"]) == (ROWS, 20, 20)
    assert summary["failures_by_reason"] == {"batch_crashed": 20}
    assert [int(row["row"]) for row in run.failures()] == list(range(21, 41))
    retry = run.file(summary["retry_manifest"]).decode().splitlines()
    assert retry == ["url", *manifest.splitlines()[21:]]


def test_a_topic_that_is_gone_costs_no_image(cloud: Cloud, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto refuses to publish to a topic that was deleted, as SNS does."""
    sns = cloud.client("sns")
    arn = cloud.outputs["TopicArn"]
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    sns.delete_topic(TopicArn=arn)
    try:
        run = ended(cloud, start(cloud, "untold.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n{site.url}/gone.jpg\n"))
    finally:
        created = sns.create_topic(Name=arn.rpartition(":")[2])["TopicArn"]
        assert created == arn == attributes["TopicArn"]
        for subscription in subscriptions:
            sns.subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])

    assert run.status == "SUCCEEDED"
    assert [run.summary[name] for name in ("stored", "failed")] == [1, 1]
