"""Runs with output=shards: what a range read of each row returns, and batches that are killed at any moment.

`KILLS=20 python -m pytest tests/integration/test_shards.py -s --timeout 3600` kills at more moments; SEED repeats them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import tarfile
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from local.aws.backend.tables.store import Store
from local.aws.cloud import Cloud
from local.aws.store.objects import ObjectStore
from tests.support.api import Api
from tests.support.images import jpeg, png
from tests.support.kill_functions import kill_download_batch
from tests.support.pipeline import FinishedRun, is_reconciled, mirror
from tests.support.site import Answer, Site

KILLS = int(os.environ.get("KILLS", "3"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**6)
ROWS = 30
OPTIONS = {"output": "shards", "batch-size": "20", "host-concurrency": "0"}


def manifest(urls: list[str]) -> str:
    return "url,caption\n" + "".join(f"{url},image {number}\n" for number, url in enumerate(urls, start=1))


def images(site: Site, folder: str, count: int = ROWS) -> list[str]:
    return [site.put(f"/{folder}/{number}.png", png(note=b"%d" % number * 200)) for number in range(count)]


def read(cloud: Cloud, key: str, start: int, size: int) -> bytes:
    """Over HTTP, as a reader of the bucket does."""
    bytes_range = f"bytes={start}-{start + size - 1}"
    found = cloud.client("s3").get_object(Bucket=cloud.outputs["ImagesBucket"], Key=key, Range=bytes_range)
    return bytes(found["Body"].read())


def check(run: FinishedRun, urls: list[str], *, has_rows: bool = True) -> None:
    """Each line, and each row of the table, points at bytes that have its SHA-256."""
    lines = run.outcomes()
    assert sorted(lines) == list(range(1, len(urls) + 1))
    for line in lines.values():
        data = read(run.cloud, line["object_key"], line["offset"], line["bytes"])
        assert hashlib.sha256(data).hexdigest() == line["sha256"]
    for url in urls:
        row = run.row(url)
        assert (row is not None) == has_rows
        if row is not None:
            data = read(run.cloud, row["object_key"]["S"], int(row["offset"]["N"]), int(row["bytes"]["N"]))
            assert hashlib.sha256(data).hexdigest() == row["sha256"]["S"]


def shards_of(cloud: Cloud, run_id: str) -> dict[str, bytes]:
    s3, bucket = cloud.client("s3"), cloud.outputs["ImagesBucket"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"images/shards/{run_id}/").get("Contents", [])
    return {entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in found}


def test_a_range_read_of_any_row_has_its_sha256(cloud: Cloud, site: Site) -> None:
    urls = images(site, f"ranges-{SEED}", 200)

    run = mirror(cloud, f"ranges-{SEED}.csv", manifest(urls), {**OPTIONS, "batch-size": "100"})

    assert (run.status, run.summary["stored"]) == ("SUCCEEDED", 200)
    check(run, urls)
    names = [f"images/shards/{run.run_id}/0000-{first:010d}-00.tar" for first in (1, 101)]
    assert sorted(shards_of(cloud, run.run_id)) == names


def test_the_api_answers_with_a_link_and_the_range_that_it_needs(cloud: Cloud, site: Site) -> None:
    urls = images(site, f"api-{SEED}", 5)
    mirror(cloud, f"api-{SEED}.csv", manifest(urls), OPTIONS)

    for url in urls:
        found = Api(cloud).request("GET", f"/images?url={url}").json()
        response = requests.get(found["link"], headers={"Range": found["range"]}, timeout=10)

        assert response.status_code == 206
        assert hashlib.sha256(response.content).hexdigest() == found["sha256"]
        assert len(response.content) == found["bytes"]
        assert found["object_key"].endswith("/0000-0000000001-00.tar")


def test_a_shard_has_the_image_and_the_description_of_each_row(cloud: Cloud, site: Site) -> None:
    urls = [site.put(f"/members-{SEED}/1.png", png()), site.put(f"/members-{SEED}/2.jpg", jpeg())]

    run = mirror(cloud, f"members-{SEED}.csv", manifest(urls), OPTIONS)

    [shard] = shards_of(cloud, run.run_id).values()
    with tarfile.open(fileobj=io.BytesIO(shard)) as tar:
        contents = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}  # type: ignore[union-attr]
    assert sorted(contents) == ["000000001.json", "000000001.png", "000000002.jpg", "000000002.json"]
    description = json.loads(contents["000000002.json"])
    assert (description["url"], description["columns"]) == (urls[1], {"caption": "image 2"})
    assert contents["000000002.jpg"] == jpeg()


def test_a_run_without_the_table_leaves_no_row(cloud: Cloud, site: Site) -> None:
    urls = images(site, f"no-table-{SEED}")

    run = mirror(cloud, f"no-table-{SEED}.csv", manifest(urls), {**OPTIONS, "table": "false"})

    assert run.summary["stored"] == ROWS
    check(run, urls, has_rows=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": "false"}, "Option 'table' can be false only with output=shards"),
        ({"table": "false", "output": "objects"}, "Option 'table' can be false only with output=shards"),
        ({"table": "false", "output": "shards", "on-existing": "refresh"}, "cannot be refresh with table=false"),
        ({"output": "tar"}, "output"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(cloud: Cloud, options: dict[str, str], message: str) -> None:
    run = mirror(cloud, f"options-{SEED}-{len(message)}{len(options)}.csv", "url\nhttp://a.example/1.png\n", options)

    assert run.status == "FAILED"
    assert message in run.cause


def test_rows_with_keys_are_refused_and_the_others_are_stored(cloud: Cloud, site: Site) -> None:
    urls = images(site, f"keys-{SEED}", 3)
    rows = [{"url": urls[0], "key": "a.png"}, {"url": urls[1], "key": ""}, {"url": urls[2]}]

    run = mirror(cloud, f"keys-{SEED}.jsonl", "\n".join(map(json.dumps, rows)), OPTIONS)

    assert is_reconciled(run.summary)
    assert (run.summary["stored"], run.summary["failures_by_reason"]) == (2, {"invalid_row": 1})
    assert "output=shards" in run.failures()[0]["message"]


def test_a_refresh_stores_what_has_changed_in_new_shards_and_says_so(cloud: Cloud, site: Site) -> None:
    def answer(text: bytes) -> Answer:
        return Answer(png(note=text), headers={"ETag": f'"{text.decode()}"'})

    changed = site.put(f"/refresh-{SEED}/1.png", answer(b"old"), answer(b"new"))
    same = site.put(f"/refresh-{SEED}/2.png", answer(b"same"))
    first = mirror(cloud, f"refresh-{SEED}-1.csv", manifest([changed, same]), OPTIONS)
    before = shards_of(cloud, first.run_id)

    second = mirror(cloud, f"refresh-{SEED}-2.csv", manifest([changed, same]), {**OPTIONS, "on-existing": "refresh"})
    third = mirror(cloud, f"refresh-{SEED}-3.csv", manifest([changed, same]), {"on-existing": "skip"})

    assert (second.summary["stored"], second.summary["unchanged"]) == (1, 1)
    assert "shard" in second.summary["note"]
    assert shards_of(cloud, first.run_id) == before
    assert list(shards_of(cloud, second.run_id)) == [f"images/shards/{second.run_id}/0000-0000000001-00.tar"]
    assert third.summary["skipped"] == 2
    for run in (second, third):
        check(run, [changed, same])


Hook = Callable[[str], None]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> list[Hook]:
    """Called with the name of each moment: before and after the PUT of a shard, and a write of rows."""
    hooks: list[Hook] = []

    def observed(name: str, call: Callable[..., Any], is_meant: Callable[..., bool]) -> Callable[..., Any]:
        def calling(*arguments: Any, **named: Any) -> Any:
            meant = is_meant(*arguments)
            for observer in hooks if meant else ():
                observer(f"before {name}")
            result = call(*arguments, **named)
            for observer in hooks if meant else ():
                observer(f"after {name}")
            return result

        return calling

    is_shard = lambda store, bucket, key, *rest: "/shards/" in key  # noqa: E731
    monkeypatch.setattr(ObjectStore, "put", observed("the PUT", ObjectStore.put, is_shard))
    has_images = lambda store, table, items: any('"offset"' in text for _, text in items)  # noqa: E731
    monkeypatch.setattr(Store, "put", observed("the rows", Store.put, has_images))
    return hooks


MOMENTS = ["before the PUT", "after the PUT", "before the rows", "after the rows", *(f"request {n}" for n in range(16))]


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_batch_that_is_killed_ends_with_right_rows(cloud: Cloud, site: Site, hook: list[Hook], kill: int) -> None:
    rng = random.Random(SEED + kill)
    moment = MOMENTS[kill + 1] if kill < 3 else rng.choice(MOMENTS)
    print(f"SEED={SEED + kill} {moment}")  # noqa: T201
    once = threading.Lock()

    def reached(name: str) -> None:
        if name == moment and once.acquire(blocking=False):
            kill_download_batch()

    hook.append(reached)
    folder = f"kill-{SEED}-{kill}"
    urls = [
        site.put(
            f"/{folder}/{n}.png",
            Answer(png(note=b"%d" % n * 300), before=lambda n=n: reached(f"request {n}")),  # type: ignore[misc]
        )
        for n in range(ROWS)
    ]

    run = mirror(cloud, f"{folder}.csv", manifest(urls), OPTIONS)

    assert not once.acquire(blocking=False), "the moment was not reached"
    assert (run.status, is_reconciled(run.summary), run.summary["stored"]) == ("SUCCEEDED", True, ROWS)
    check(run, urls)
