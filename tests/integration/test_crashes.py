"""A function that is killed, and a topic that does not exist: no row is lost."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from tests.support.kill_functions import kill_download_batch
from tests.support.pipeline import finish, is_reconciled, start
from tests.support.site import Answer, Site

IMAGE = (Path(__file__).parents[2] / "manifests" / "demo" / "dune.jpg").read_bytes()
ROWS = 40


def _manifest(site: Site, before: Callable[[], object]) -> str:
    """A manifest whose row 31 calls `before` while it is served."""
    urls = [site.put(f"/{n}.jpg", IMAGE) for n in range(ROWS)]
    site.put("/30.jpg", Answer(IMAGE, before=before))
    return "url\n" + "".join(f"{url}\n" for url in urls)


def test_a_batch_that_is_killed_once_is_retried_and_loses_no_row(cloud: Cloud, site: Site) -> None:
    once = threading.Lock()
    kill = lambda: once.acquire(blocking=False) and kill_download_batch()  # noqa: E731

    run = finish(cloud, start(cloud, "killed.csv", _manifest(site, kill)))

    assert run.status == "SUCCEEDED"
    assert is_reconciled(run.summary)
    assert (run.summary["rows"], run.summary["stored"]) == (ROWS, ROWS)
    assert site.asked["/30.jpg"] >= 2


def test_rows_of_a_batch_that_is_killed_at_every_attempt_are_retryable_failures(cloud: Cloud, site: Site) -> None:
    manifest = _manifest(site, kill_download_batch)

    options = {"batch-size": "20", "max-concurrency": "1", "host-concurrency": "0"}  # its places expire after 105 s
    run = finish(cloud, start(cloud, "killed-always.csv", manifest, options))

    summary = run.summary
    assert is_reconciled(summary)
    assert (summary["rows"], summary["stored"], summary["failed"]) == (ROWS, 20, 20)
    assert summary["failures_by_reason"] == {"batch_crashed": 20}
    assert [int(row["row"]) for row in run.failures()] == list(range(21, 41))
    retry = run.file(summary["retry_manifest"]).decode().splitlines()
    assert retry == ["url", *manifest.splitlines()[21:]]


def test_a_deleted_topic_costs_no_image(cloud: Cloud, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishing to a deleted topic fails in moto, as in SNS."""
    sns = cloud.client("sns")
    arn = cloud.outputs["TopicArn"]
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    sns.delete_topic(TopicArn=arn)
    try:
        run = finish(cloud, start(cloud, "no-topic.csv", f"url\n{site.put('/a.jpg', IMAGE)}\n{site.url}/gone.jpg\n"))
    finally:
        settings = {name: attributes[name] for name in ("KmsMasterKeyId", "Policy") if name in attributes}
        created = sns.create_topic(Name=arn.rpartition(":")[2], Attributes=settings)["TopicArn"]
        assert created == arn == attributes["TopicArn"]
        for subscription in subscriptions:
            sns.subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])

    assert run.status == "SUCCEEDED"
    assert [run.summary[name] for name in ("stored", "failed")] == [1, 1]
