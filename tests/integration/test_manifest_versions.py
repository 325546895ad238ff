"""A manifest that is replaced or deleted while its run is on: every run is about the version that started it."""

import json
import os
import random
import sys
import time
from functools import cache
from typing import Any

import pytest

from functions.core.model.runs import ManifestObject
from local.aws.cloud import Cloud
from tests.support.api import Api
from tests.support.images import png
from tests.support.pipeline import FinishedRun, finish, is_reconciled
from tests.support.site import Answer, Site

SEED = random.randrange(10**6)
MOMENTS = int(os.environ.get("MOMENTS", "4"))
"""Number of manifests that are replaced at random moments; more of them with MOMENTS=20."""

SECONDS = 0.6
"""A run of these manifests takes about as long."""

OPTIONS = {"tolerated-failure-percentage": "100", "batch-size": "500"}


def rows_of(name: str, count: int, image: str) -> list[str]:
    """URLs of which the first is an image; the others fail at once, with the URL in failures.csv."""
    return [image, *(f"ftp://{name}.example/{n:06d}" for n in range(1, count))]


def put(cloud: Cloud, key: str, urls: list[str]) -> str:
    """The version of the manifest."""
    body = "".join(f"{line}\n" for line in ("url", *urls))
    stored = cloud.client("s3").put_object(
        Bucket=cloud.outputs["InputBucket"], Key=key, Body=body.encode(), Metadata=OPTIONS
    )
    return str(stored.get("VersionId", "null"))


@cache
def event_of(cloud: Cloud, arn: str) -> dict[str, Any]:
    """The input of an execution."""
    event: dict[str, Any] = json.loads(cloud.client("stepfunctions").describe_execution(executionArn=arn)["input"])
    return event


def runs_of(cloud: Cloud, key: str) -> list[FinishedRun]:
    """The ended runs of the manifests with this key, in the order of their uploads."""
    cloud.settle()
    states = cloud.client("stepfunctions")
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=cloud.outputs["StateMachineArn"])
    arns = [execution["executionArn"] for page in pages for execution in page["executions"]]
    found = [arn for arn in arns if ManifestObject.from_event(event_of(cloud, arn)).key == key]
    found.sort(key=lambda arn: str(event_of(cloud, arn)["detail"]["object"].get("sequencer", "")))
    return [finish(cloud, arn) for arn in found]


def check(run: FinishedRun, urls: list[str]) -> None:
    """Every row of the run is about its own URL, and its image is stored."""
    context = (SEED, run.run_id, run.cause)
    summary = run.summary
    assert is_reconciled(summary), context
    assert (summary["rows"], summary["stored"] + summary["skipped"]) == (len(urls), 1), context
    assert [row["url"] for row in run.failures()] == urls[1:], context
    assert {row: line["url"] for row, line in run.outcomes().items()} == dict(enumerate(urls, start=1)), context


def test_manifests_replaced_at_random_moments_have_runs_about_their_own_lists(cloud: Cloud, site: Site) -> None:
    sys.stdout.write(f"seed {SEED}\n")
    rng = random.Random(SEED)
    for moment in range(MOMENTS):
        key = f"manifests/moment-{moment}.csv"
        images = [site.put(f"/{moment}-{n}.png", png(note=b"%d" % n)) for n in range(2)]
        sizes = (1000, 1000 if moment % 2 else 100)  # also with the same length
        lists = [rows_of(f"list-{n}", size, image) for n, (size, image) in enumerate(zip(sizes, images, strict=True))]
        put(cloud, key, lists[0])
        time.sleep(rng.uniform(0, SECONDS))
        put(cloud, key, lists[1])

        runs = runs_of(cloud, key)

        assert len(runs) == 2, (SEED, moment)
        for run, urls in zip(runs, lists, strict=True):
            assert run.status == "SUCCEEDED", (SEED, moment, run.cause)
            check(run, urls)


def start(cloud: Cloud, key: str, **created: object) -> FinishedRun:
    """The ended run of an execution that was started with this object."""
    bucket = {"name": cloud.outputs["InputBucket"]}
    event = {"detail": {"bucket": bucket, "object": {"key": key, **created}}}
    return finish(cloud, cloud.engine.start_execution(cloud.outputs["StateMachineArn"], event))


def test_an_event_that_comes_late_is_about_the_version_in_it(cloud: Cloud, site: Site) -> None:
    key = "manifests/late.csv"
    lists = [rows_of(f"late-{n}", 20 + n, site.put(f"/late-{n}.png", png())) for n in range(2)]
    versions = [put(cloud, key, urls) for urls in lists]

    for version, urls in zip(versions, lists, strict=True):
        run = start(cloud, key, **{"version-id": version, "sequencer": "late"})

        check(run, urls)
        assert run.summary["manifest"]["version_id"] == version


@pytest.mark.parametrize("key", ["manifests/hand.csv", "submitted/hand.csv", "runs/hand/retry.csv"])
def test_an_execution_without_a_version_has_the_current_one(cloud: Cloud, site: Site, key: str) -> None:
    image = site.put(f"/{key}.png", png())
    put(cloud, key, rows_of("former", 5, image))
    urls = rows_of("current", 6, image)
    version = put(cloud, key, urls)

    run = start(cloud, key)

    check(run, urls)
    assert run.summary["manifest"]["version_id"] == version


def test_a_manifest_deleted_while_its_run_is_on_is_still_read(cloud: Cloud, site: Site) -> None:
    s3, bucket, key = cloud.client("s3"), cloud.outputs["InputBucket"], "manifests/deleted.csv"
    busy = f"{site.url}/busy.png"
    site.put("/busy.png", Answer(b"", 503, before=lambda: s3.delete_object(Bucket=bucket, Key=key)))
    s3.put_object(Bucket=bucket, Key=key, Body=f"url\n{busy}\n".encode(), Metadata={**OPTIONS, "rounds": "1"})

    [run] = runs_of(cloud, key)

    assert run.file(run.summary["retry_manifest"]).decode().splitlines() == ["url", busy]


def test_a_version_deleted_while_its_run_is_on_leaves_no_retry_manifest(cloud: Cloud, site: Site) -> None:
    s3, bucket, key = cloud.client("s3"), cloud.outputs["InputBucket"], "manifests/destroyed.csv"
    versions: list[str] = []
    destroy = lambda: s3.delete_object(Bucket=bucket, Key=key, VersionId=versions[0])  # noqa: E731
    image, busy = site.put("/image.png", png()), f"{site.url}/busy.png"
    site.put("/busy.png", Answer(b"", 503, {"Retry-After": "1"}), Answer(b"", 404, before=destroy))
    versions.append(put(cloud, key, [image, busy]))

    [run] = runs_of(cloud, key)

    assert is_reconciled(run.summary)
    assert (run.summary["stored"], run.summary["failed"], run.summary["retry_manifest"]) == (1, 1, None)
    assert "The version of the manifest that started the run was deleted during the run" in run.summary["note"]


def test_a_version_deleted_before_its_run_is_named_in_the_cause(cloud: Cloud) -> None:
    s3, bucket, key = cloud.client("s3"), cloud.outputs["InputBucket"], "submitted/early.csv"
    version = put(cloud, key, ["http://a.example/1.png"])
    s3.delete_object(Bucket=bucket, Key=key, VersionId=version)

    run = start(cloud, key, **{"version-id": version})

    assert run.execution["error"] == "InvalidManifest"
    assert run.cause == (
        f"The version {version} of the manifest '{key}', which started the run, was deleted before it was read. "
        "Upload the manifest again."
    )


@pytest.mark.parametrize("prefix", ["manifests", "submitted"])
def test_a_run_cancelled_before_it_began_is_retried_with_its_own_version(cloud: Cloud, site: Site, prefix: str) -> None:
    key, run_id = f"{prefix}/cancelled.csv", f"{prefix}-cancelled"
    urls = rows_of("own", 4, site.put("/own.png", png()))
    version = put(cloud, key, urls)
    put(cloud, key, rows_of("other", 3, urls[0]))
    record = {
        **{"run_id": run_id, "kind": "run", "status": "cancelled", "ended_at": "2026-11-26T00:00:00.000Z"},
        **{"bucket": cloud.outputs["InputBucket"], "manifest_key": key, "version_id": version},
    }
    item = {name: {"S": value} for name, value in record.items()}
    cloud.client("dynamodb").put_item(TableName=cloud.outputs["RunsTable"], Item=item)
    api = Api(cloud)

    run = api.finish(api.submit(None, path=f"/runs/{run_id}/retry"))

    check(run, urls)
