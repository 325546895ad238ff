"""A run that is interrupted or killed at any moment: nothing recorded is lost, nothing recorded is fetched again."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.local_process import SlowSite, Up, check_out, kill, recorded_rows, start_command
from tests.support.site import Site

ROWS = 240
LATENCY = 0.05


class Run:
    """One OUT folder and one manifest of a slow site."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.out = folder / "out"
        self.site = SlowSite(site, LATENCY)
        self.manifest = folder / "list.csv"
        self.urls = self.site.urls("a", ROWS)
        self.manifest.write_text("\n".join(["url", *self.urls]) + "\n")

    def start(self) -> subprocess.Popen[str]:
        options = ("--batch-size", "50", "--concurrency", "8")
        return start_command("run", str(self.manifest), *options, out=self.out)

    def rows(self) -> dict[str, dict[str, Any]]:
        lines = (self.out / "images.jsonl").read_text().splitlines()
        return {row["url"]: row for row in map(json.loads, lines)}

    def summaries(self) -> list[dict[str, Any]]:
        return check_out(self.out)


@pytest.fixture
def run(tmp_path: Path, site: Site) -> Run:
    return Run(tmp_path, site)


def test_ctrl_c_keeps_what_was_stored_and_names_the_rest(run: Run) -> None:
    process = run.start()
    run.site.wait_for(ROWS // 3, process)

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130, output
    [summary] = run.summaries()
    assert (summary["status"], summary["error"], summary["rows"]) == ("cancelled", "Interrupted", ROWS)
    assert 0 < summary["stored"] < ROWS
    assert summary["stored"] + summary["failed"] == ROWS
    retry = (run.out / summary["retry_manifest"]).read_text().splitlines()[1:]
    assert set(retry) == set(run.urls) - set(run.rows())


def test_a_run_killed_at_random_moments_continues_where_it_was(run: Run) -> None:
    seed = random.randrange(10**6)
    rng = random.Random(seed)
    for _ in range(2):
        process = run.start()
        run.site.wait_for(rng.randrange(1, ROWS // 3), process)
        kill(process)
    process = run.start()
    time.sleep(rng.uniform(0, 3))  # before the run begins: while the stack is deployed or OUT is restored
    kill(process)
    requested, recorded = run.site.requests(), set(recorded_rows(run.out))

    process = run.start()
    output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, (seed, output)
    summaries = run.summaries()
    last = next(summary for summary in summaries if summary["status"] == "succeeded")
    assert again(run, recorded, requested) == set(), seed
    assert last["stored"] + last["skipped"] == ROWS, seed
    assert last["skipped"] >= len(recorded), seed  # and the images that were stored without their row
    assert {summary["error"] for summary in summaries} == {"Interrupted", None}, seed


def again(run: Run, recorded: set[str], before: dict[str, int]) -> set[str]:
    """Images that were requested after they had been recorded."""
    counts = run.site.requests()
    return {url for url in recorded if counts[url] > before[url]}


def test_up_that_was_killed_has_its_runs_again_and_fetches_no_image_twice(run: Run) -> None:
    options = {"batch-size": "50", "concurrency": "8"}
    first = Up(run.out).ready()
    first.upload(run.manifest, **options)
    run.site.wait_for(ROWS // 2, first.process)
    kill(first.process)
    requested, recorded = run.site.requests(), set(recorded_rows(run.out))

    second = Up(run.out).ready()
    [interrupted] = second.statuses()
    second.upload(run.manifest, **options)
    while second.statuses()[:-1] != ["succeeded"]:
        time.sleep(0.5)
    second.stop()

    assert interrupted == "cancelled"
    [last] = [summary for summary in run.summaries() if summary["status"] == "succeeded"]
    assert recorded
    assert again(run, recorded, requested) == set()
    assert last["stored"] + last["skipped"] == ROWS
    assert last["skipped"] >= len(recorded)

    third = Up(run.out).ready()
    assert third.statuses() == ["succeeded", "cancelled"]
    third.stop()


def test_a_run_that_another_command_summarizes_is_retried_with_its_own_networks_and_options(run: Run) -> None:
    process = run.start()
    run.site.wait_for(ROWS // 2, process)
    kill(process)

    up = Up(run.out, allow="10.0.0.0/8").ready()
    up.stop()

    [summary] = run.summaries()
    page = (run.out / summary["report"]).read_text()
    assert summary["error"] == "Interrupted"
    assert f"image-mirror run {run.out / summary['retry_manifest']}" in page
    assert ("--allow 127.0.0.0/8" in page, "--allow 10.0.0.0/8" in page) == (True, False)
    assert all(f"--option {option}" in page for option in ("batch_size=50", "concurrency=8"))
