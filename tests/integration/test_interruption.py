"""A run that is interrupted or killed at any moment: nothing recorded is lost, nothing recorded is fetched again."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from local.commands.env_file import read_env_file
from tests.support.pipeline import is_reconciled
from tests.support.site import Answer, Site

ROOT = Path(__file__).parents[2]
IMAGE = (ROOT / "manifests" / "demo" / "dune.jpg").read_bytes()
ROWS = 400
LATENCY = 0.05


class Run:
    """One OUT folder and one manifest of a slow site."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.out = folder / "out"
        self.site = site
        self.manifest = folder / "list.csv"
        urls = [site.put(f"/{n}.jpg", Answer(IMAGE, before=lambda: time.sleep(LATENCY))) for n in range(ROWS)]
        self.manifest.write_text("url\n" + "\n".join(urls) + "\n")

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "local.commands", "run", str(self.manifest)]
        return subprocess.Popen(
            [*command, "--out", str(self.out), "--allow", "127.0.0.0/8", "--batch-size", "50", "--concurrency", "8"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_for_requests(self, count: int, process: subprocess.Popen[str]) -> None:
        while sum(self.site.asked.values()) < count and process.poll() is None:
            time.sleep(0.01)

    def rows(self) -> dict[str, dict[str, Any]]:
        lines = (self.out / "images.jsonl").read_text().splitlines()
        return {row["url"]: row for row in map(json.loads, lines)}

    def summaries(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in self.out.glob("runs/*/summary.json")]

    def check(self) -> None:
        """Every row's file has the SHA-256 of the row, every run is reconciled, and no temporary file is left."""
        for row in self.rows().values():
            digest = hashlib.sha256((self.out / row["object_key"]).read_bytes()).hexdigest()
            assert digest == row["sha256"], row
        assert all(is_reconciled(summary) for summary in self.summaries())
        assert [path for path in self.out.rglob(".partial*") if path.is_file()] == []


def kill(process: subprocess.Popen[str]) -> None:
    """Kills the process; its sandboxes end with it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture
def run(tmp_path: Path, site: Site) -> Run:
    return Run(tmp_path, site)


def test_ctrl_c_keeps_what_was_stored_and_names_the_rest(run: Run) -> None:
    process = run.start()
    run.wait_for_requests(ROWS // 3, process)

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130, output
    [summary] = run.summaries()
    assert (summary["status"], summary["error"], summary["rows"]) == ("cancelled", "Interrupted", ROWS)
    assert 0 < summary["stored"] < ROWS
    assert summary["stored"] + summary["failed"] == ROWS
    retry = (run.out / summary["retry_manifest"]).read_text().splitlines()[1:]
    assert set(retry) == {f"{run.site.url}/{n}.jpg" for n in range(ROWS)} - set(run.rows())
    run.check()


def test_a_run_killed_at_random_moments_continues_where_it_was(run: Run) -> None:
    seed = random.randrange(10**6)
    rng = random.Random(seed)
    recorded: set[str] = set()
    for _ in range(3):
        before = sum(run.site.asked.values())
        process = run.start()
        run.wait_for_requests(before + rng.randrange(1, ROWS // 3), process)
        kill(process)
    for _ in range(2):  # before the run begins: while the stack is deployed or OUT is restored
        process = run.start()
        time.sleep(rng.uniform(0, 3))
        kill(process)
    requested = dict(run.site.asked)

    process = run.start()
    output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, (seed, output)
    run.check()
    summaries = run.summaries()
    last = next(summary for summary in summaries if summary["status"] == "succeeded")
    recorded = {url for url, row in run.rows().items() if row["run_id"] != last["run_id"]}
    again = {
        url
        for url in recorded
        if run.site.asked[url.removeprefix(run.site.url)] > requested[url.removeprefix(run.site.url)]
    }
    assert again == set(), seed
    assert (last["stored"] + last["skipped"], last["skipped"]) == (ROWS, len(recorded)), seed
    assert {summary["error"] for summary in summaries} == {"Interrupted", None}, seed


class Up:
    """`up` on an OUT folder, ready."""

    def __init__(self, out: Path) -> None:
        command = [sys.executable, "-u", "-m", "local.commands", "up", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--out", str(out), "--allow", "127.0.0.0/8"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("Press Ctrl-C"):
                break
        self.variables = read_env_file(out) or {}

    def upload(self, manifest: Path) -> None:
        variables = self.variables
        keys = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
        session: Any = boto3.Session(*keys, region_name=variables["AWS_REGION"])
        s3 = session.client("s3", endpoint_url=variables["AWS_ENDPOINT_URL"])
        options = {"batch-size": "50", "concurrency": "8"}
        s3.upload_file(
            str(manifest), variables["INPUT_BUCKET"], f"manifests/{manifest.name}", ExtraArgs={"Metadata": options}
        )

    def statuses(self) -> list[str]:
        """Of all runs, the newest first."""
        return [run["status"] for run in requests.get(f"{self.variables['API_URL']}/runs", timeout=10).json()["runs"]]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, output


def test_up_that_was_killed_has_its_runs_again_and_fetches_no_image_twice(run: Run) -> None:
    first = Up(run.out)
    first.upload(run.manifest)
    run.wait_for_requests(ROWS // 2, first.process)
    kill(first.process)
    requested = dict(run.site.asked)

    second = Up(run.out)
    [interrupted] = second.statuses()
    second.upload(run.manifest)
    while second.statuses()[:-1] != ["succeeded"]:
        time.sleep(0.1)
    second.stop()

    assert interrupted == "cancelled"
    run.check()
    [last] = [summary for summary in run.summaries() if summary["status"] == "succeeded"]
    recorded = [row["url"] for row in run.rows().values() if row["run_id"] != last["run_id"]]
    paths = [url.removeprefix(run.site.url) for url in recorded]
    assert paths
    assert [path for path in paths if run.site.asked[path] > requested[path]] == []
    assert (last["stored"] + last["skipped"], last["skipped"]) == (ROWS, len(recorded))

    third = Up(run.out)
    assert third.statuses() == ["succeeded", "cancelled"]
    third.stop()
