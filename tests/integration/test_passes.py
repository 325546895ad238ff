"""Passes: rows that fail for longer than a batch lasts, or whose host asks for a long wait, are tried again later."""

import os
import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from functions.adapters.s3.run_files import S3RunFiles
from functions.core.model.rows import DEFAULT_RULES
from functions.core.summary.passes import RunLines
from local.aws.cloud import Cloud
from local.interrupted import record_stored_rows
from tests.integration.test_late_batches import cancel, time_out
from tests.support.images import png
from tests.support.indexes import rows, wait_for_index
from tests.support.kill_functions import kill_download_batch
from tests.support.pipeline import FinishedRun, finish, is_reconciled, mirror, start
from tests.support.site import Answer, Site

SEED = random.randrange(10**6)
MOMENTS = int(os.environ.get("MOMENTS", "3"))
DOWN = Answer(b"down", 500)
OPTIONS = {"passes": "8", "rounds": "2", "timeout": "5"}


def failing(site: Site, name: str, failures: int, rows: int) -> list[str]:
    """URLs that fail so often, each with an image of its own."""
    return [
        site.put(f"/{name}-{row}.png", *[DOWN] * failures, png(note=f"{name}-{row}".encode())) for row in range(rows)
    ]


def manifest(urls: list[str]) -> str:
    return "".join(f"{url}\n" for url in urls)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def outcomes_of_rows(run: FinishedRun) -> dict[str, int]:
    return {name: run.summary[name] for name in ("stored", "unchanged", "skipped", "duplicate", "failed")}


def assert_index_has_all_rows(run: FinishedRun) -> None:
    assert wait_for_index(run).status == "SUCCEEDED"
    found = rows(run)
    assert [row["row"] for row in found] == list(range(1, run.summary["rows"] + 1))
    assert Counter(row["outcome"] for row in found) == +Counter(outcomes_of_rows(run))
    assert Counter(row["reason"] for row in found if row["reason"]) == run.summary["failures_by_reason"]


def test_rows_of_a_host_that_comes_back_are_stored_in_a_later_pass(cloud: Cloud, site: Site) -> None:
    """Two attempts in the batch, one in each pass: the fifth attempt is in the third pass."""
    good, bad = failing(site, "good", 0, 5), failing(site, "back", 4, 4)

    run = mirror(cloud, "comes-back.txt", manifest([*bad, *good]), {**OPTIONS, "batch-size": "3"})

    assert run.status == "SUCCEEDED", run.cause
    assert is_reconciled(run.summary)
    assert outcomes_of_rows(run) == {"stored": 9, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 0}
    passes = run.summary["passes"]
    assert [each["number"] for each in passes] == list(range(1, len(passes) + 1))
    assert (passes[0]["rows"], sum(each["stored"] for each in passes)) == (4, 4)
    assert all(each["stored"] == 0 for each in passes[:2])
    assert run.messages("images_failed") == []
    assert [site.asked[url.removeprefix(site.url)] for url in bad] == [5] * 4
    assert b"Later passes" in run.file("report.html")
    assert_index_has_all_rows(run)


def test_without_passes_the_same_rows_fail_with_their_batch(cloud: Cloud, site: Site) -> None:
    run = mirror(cloud, "no-passes.txt", manifest(failing(site, "none", 4, 2)), {**OPTIONS, "passes": "0"})

    assert (run.summary["failed"], run.summary["passes"]) == (2, [])
    assert len(run.messages("images_failed")) == 1


def test_rows_that_fail_in_all_passes_are_failures_of_the_last_one(cloud: Cloud, site: Site) -> None:
    urls = failing(site, "down", 99, 3)

    run = mirror(cloud, "stays-down.csv", "url,id\n" + "".join(f"{url},{n}\n" for n, url in enumerate(urls)), OPTIONS)

    assert run.summary["failures_by_reason"] == {"http_5xx": 3}
    assert is_reconciled(run.summary)
    assert len(run.summary["passes"]) >= 5
    assert sum(each["failed"] for each in run.summary["passes"]) == 3
    assert [site.asked[url.removeprefix(site.url)] for url in urls] == [7] * 3
    assert run.file(run.summary["retry_manifest"]).decode().splitlines() == [
        "url,id",
        *(f"{url},{n}" for n, url in enumerate(urls)),
    ]
    [message] = run.messages("images_failed")
    assert message["failed"] == 3


def waiting_run(cloud: Cloud, site: Site, name: str) -> str:
    """A run that waits an hour for its pass: the ARN of its execution."""
    busy = Answer(b"", 429, {"Retry-After": "3600"})
    urls = [site.put(f"/{name}-{row}.png", busy) for row in range(3)]
    arn = start(
        cloud, f"{name}.txt", manifest([site.put(f"/{name}-good.png", png(note=name.encode())), *urls]), OPTIONS
    )
    states = cloud.client("stepfunctions")
    wait_until(
        lambda: any(
            event["type"] == "WaitStateEntered"
            for event in states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        )
    )
    return arn


@pytest.mark.parametrize(("stop", "status"), [(cancel, "cancelled"), (time_out, "failed")])
def test_a_run_that_is_stopped_while_it_waits_has_the_last_error_of_each_row(
    cloud: Cloud, site: Site, stop: Callable[[Cloud, str], object], status: str
) -> None:
    arn = waiting_run(cloud, site, f"waits-{status}")
    stop(cloud, arn)

    run = finish(cloud, arn)
    cloud.settle()
    wait_until(lambda: "summary.json" in " ".join(run.names()))

    assert run.summary["status"] == status
    assert outcomes_of_rows(run) == {"stored": 1, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 3}
    assert is_reconciled(run.summary)
    assert run.summary["failures_by_reason"] == {"http_busy": 3}
    assert {row["http_status"] for row in run.failures()} == {"429"}
    assert len(run.file(run.summary["retry_manifest"]).splitlines()) == 3
    assert run.summary["passes"][0]["rows"] == 3
    assert_index_has_all_rows(run)


def test_a_local_run_that_is_interrupted_in_a_pass_has_one_outcome_for_each_row(cloud: Cloud, site: Site) -> None:
    """What its batches have stored is written as parts, which must not be taken for those of a pass."""
    urls = [*failing(site, "first", 0, 4), *failing(site, "later", 3, 4)]
    run = mirror(cloud, "interrupted-pass.txt", manifest(urls), {**OPTIONS, "batch-size": "4"})
    assert run.summary["passes"]

    record_stored_rows(cloud, run.run_id)

    files = S3RunFiles(cloud.client("s3"), cloud.outputs["InputBucket"], run.run_id)
    assert [name for name, _ in files.result_parts() if name.endswith("-98.jsonl")] == [
        "results/part-0000000001-98.jsonl",
        "results/part-0000000005-98.jsonl",
    ]
    with RunLines(files, DEFAULT_RULES, stopped=True) as lines:
        assert [(line["row"], line["outcome"]) for line in lines] == [(row, "stored") for row in range(1, 9)]


EVENTS = re.compile(r"runs/[^/]+/(started|passes/\d+|results)/part-")


class Killer:
    """Kills the functions when the n-th object of the run's folders was written, before they get the answer."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self._left = number
        self._lock = threading.Lock()
        self.killed_at = ""
        self._changed = cloud.events.object_changed
        monkeypatch.setattr(cloud.events, "object_changed", self._object_changed)

    def _object_changed(self, name: str, stored: Any) -> None:
        if EVENTS.match(stored.key):
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    self.killed_at = stored.key
                    kill_download_batch()
        self._changed(name, stored)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_functions_that_are_killed_around_the_write_of_a_pass_file_lose_and_double_no_row(
    cloud: Cloud, site: Site, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Twelve rows in four batches, of which every other fails three times: in the batch, and in the first pass."""
    sys.stdout.write(f"seed {SEED}\n")
    number = random.Random(SEED + moment).randrange(1, 24)
    pairs = zip(failing(site, f"a{moment}", 0, 6), failing(site, f"b{moment}", 3, 6), strict=True)
    urls = [url for pair in pairs for url in pair]
    killer = Killer(cloud, monkeypatch, number)

    run = mirror(cloud, f"killed-{moment}.txt", manifest(urls), {**OPTIONS, "batch-size": "3"})

    context = (SEED, moment, number, killer.killed_at)
    assert is_reconciled(run.summary), context
    assert outcomes_of_rows(run) == {"stored": 12, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 0}, context
    assert {row["run_id"]["S"] for row in map(run.row, urls) if row} == {run.run_id}, context
