"""Two runs at once over the same URLs, whose bytes change with every request, and batches that are killed between the
PUT of an image and the write of its row: the row of each URL has the SHA-256 of its object.

`KILLS=20 python -m pytest tests/integration/test_object_and_row.py -s --timeout 3600` kills at more moments, and prints
figures; SEED repeats the random moments.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from local.aws.cloud import Cloud
from tests.support.images import jpeg
from tests.support.kill_functions import kill_download_batch
from tests.support.pipeline import FinishedRun, finish, is_reconciled, mirror, start
from tests.support.site import Answer, Site

KILLS = int(os.environ.get("KILLS", "1"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**6)
ROWS = 20
"""Fewer than one write of the images table has: a batch writes all its rows at its end."""

RESPONSES = 12
"""More than the requests for one URL within a moment."""

START_SECONDS = 60


@dataclass
class ChangingSite:
    """Images whose bytes change with every request. `kill_at` is the number of the request that kills the batches."""

    site: Site
    cloud: Cloud
    rng: random.Random
    together: threading.Event
    requests: int = 0
    kill_at: int = 0
    unrecorded: int = 0
    """Objects whose row was missing or about another object when the batches had been killed, in all."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.current: list[str] = []

    def urls(self, folder: str) -> list[str]:
        self.current = [self._url(f"/{folder}/{number}.jpg") for number in range(ROWS)]
        return self.current

    def _url(self, path: str) -> str:
        bodies = [jpeg(note=self.rng.randbytes(8)) for _ in range(RESPONSES)]
        return self.site.put(path, *(Answer(body, before=self._before) for body in bodies))

    def _before(self) -> None:
        assert self.together.wait(START_SECONDS)
        with self._lock:
            self.requests += 1
            if self.requests == self.kill_at:
                kill_download_batch()
                self.unrecorded += len(wrong_rows(self.cloud, self.current))


def wrong_rows(cloud: Cloud, urls: list[str]) -> list[str]:
    """URLs with an object whose row is missing or has another SHA-256."""
    s3, bucket = cloud.client("s3"), cloud.outputs["ImagesBucket"]
    wrong = []
    for url in urls:
        name = hashlib.sha256(url.encode()).hexdigest()
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"images/{name[:2]}/{name}").get("Contents", [])
        for entry in found:
            body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            row = _row(cloud, url)
            if row is None or row["sha256"]["S"] != hashlib.sha256(body).hexdigest():
                wrong.append(url)
    return wrong


def _row(cloud: Cloud, url: str) -> dict[str, Any] | None:
    item: dict[str, Any] | None = (
        cloud.client("dynamodb").get_item(TableName=cloud.outputs["ImagesTable"], Key={"url": {"S": url}}).get("Item")
    )
    return item


def two_runs(cloud: Cloud, site: ChangingSite, urls: list[str], on_existing: str, name: str) -> list[FinishedRun]:
    """Two runs at once, whose batches are killed at a random request."""
    options = {"on-existing": on_existing, "concurrency": "4", "per-host": "8"}
    site.together.clear()
    site.requests, site.kill_at = 0, site.rng.randint(ROWS // 2, 2 * ROWS)
    arns = [start(cloud, f"{name}-{number}.csv", "url\n" + "\n".join(urls), options) for number in (1, 2)]
    site.together.set()
    return [finish(cloud, arn) for arn in arns]


@pytest.mark.parametrize("on_existing", ["skip", "refresh", "overwrite"])
def test_the_row_of_each_url_has_the_sha256_of_its_object(cloud: Cloud, site: Site, on_existing: str) -> None:
    print(f"KILLS={KILLS} SEED={SEED}")  # noqa: T201
    changing = ChangingSite(site, cloud, random.Random(SEED), threading.Event())
    outcomes: Counter[str] = Counter()
    for moment in range(KILLS):
        name = f"{on_existing}-{SEED}-{moment}"
        urls = changing.urls(name)
        if on_existing != "skip":
            changing.kill_at = 0
            changing.together.set()
            mirror(cloud, f"{name}-0.csv", "url\n" + "\n".join(urls))
        runs = two_runs(cloud, changing, urls, on_existing, name)

        assert wrong_rows(cloud, urls) == [], (SEED, moment)
        for run in runs:
            assert (run.status, is_reconciled(run.summary)) == ("SUCCEEDED", True), (SEED, moment)
            outcomes.update({kind: run.summary[kind] for kind in ("stored", "unchanged", "skipped", "duplicate")})
            _check_facts(cloud, run, urls)
    print(f"{on_existing}: {dict(outcomes)}, unrecorded objects at the kills {changing.unrecorded}")  # noqa: T201
    assert outcomes.total() == 2 * ROWS * KILLS


def _check_facts(cloud: Cloud, run: FinishedRun, urls: list[str]) -> None:
    """Each outcome that names an object names one that a run has stored for its URL."""
    for row, line in run.outcomes().items():
        if "sha256" in line:
            name = hashlib.sha256(urls[row - 1].encode()).hexdigest()
            assert line["object_key"] == f"images/{name[:2]}/{name}.jpg"


def test_a_run_whose_url_was_stored_by_another_run_names_its_image(cloud: Cloud, site: Site) -> None:
    """The other run stores the image, and its row, while this one downloads the same URL."""
    others: list[FinishedRun] = []
    url = site.url + "/shared.jpg"

    def mirror_by_another_run() -> None:
        others.append(mirror(cloud, f"other-{SEED}.csv", f"url\n{url}\n"))

    ours, theirs = jpeg(note=b"ours"), jpeg(note=b"theirs")
    site.put("/shared.jpg", Answer(ours, before=mirror_by_another_run), Answer(theirs))
    run = mirror(cloud, f"late-{SEED}.csv", f"url\n{url}\n")

    [line] = run.outcomes().values()
    row = _row(cloud, url)
    assert row is not None
    assert (run.summary["skipped"], others[0].summary["stored"]) == (1, 1)
    assert line["sha256"] == row["sha256"]["S"] == hashlib.sha256(theirs).hexdigest()
    assert row["run_id"]["S"] == others[0].run_id
    assert run.image(url) == theirs


def test_an_object_without_a_row_gets_its_row_from_the_next_run(cloud: Cloud, site: Site) -> None:
    """As after a batch that was killed between the PUT and the write of the row at each of its attempts."""
    url = site.put("/unrecorded.jpg", jpeg(note=b"first"), jpeg(note=b"second"))
    first = mirror(cloud, f"unrecorded-1-{SEED}.csv", f"url\n{url}\n")
    before = _row(cloud, url)
    assert before is not None
    cloud.client("dynamodb").delete_item(TableName=cloud.outputs["ImagesTable"], Key={"url": {"S": url}})

    second = mirror(cloud, f"unrecorded-2-{SEED}.csv", f"url\n{url}\n")

    row = _row(cloud, url)
    assert row is not None
    assert second.summary["skipped"] == 1
    assert "object_etag" in before
    assert "object_etag" not in row
    same = ("object_key", "sha256", "bytes", "content_type", "width", "height", "run_id", "row")
    assert {name: row[name] for name in same} == {name: before[name] for name in same}
    assert row["run_id"]["S"] == first.run_id
    assert second.image(url) == jpeg(note=b"first")
