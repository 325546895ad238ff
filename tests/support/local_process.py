"""`./image-mirror run` and `up` as processes that a test may kill, and what must be true of their OUT folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import requests

from local.commands.env_file import read_env_file
from tests.support.pipeline import is_reconciled
from tests.support.site import Answer, Site

ROOT = Path(__file__).parents[2]
IMAGE = (ROOT / "manifests" / "demo" / "dune.jpg").read_bytes()
TEMPORARY = ".partial-"
"""The start of the names of temporary files and of their folder."""

HTTP_SECONDS = 120
"""Maximum time of a request. Only a failing test, or one on a very busy machine, takes that long."""


def start_command(*arguments: str, out: Path, allow: str = "127.0.0.0/8") -> subprocess.Popen[str]:
    """A process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "local.commands", *arguments, "--out", str(out), "--allow", allow],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    """Kill the process group; sandboxes, which are in groups of their own, end with the process."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


class SlowSite:
    """A site of images that takes its time; it counts its requests, and lets others wait for them."""

    def __init__(self, site: Site, latency: float) -> None:
        self.site = site
        self._latency = threading.Event(), latency
        self._count = 0
        self._changed = threading.Condition()

    def urls(self, folder: str, count: int) -> list[str]:
        return [self.site.put(f"/{folder}/{n}.jpg", Answer(IMAGE, before=self._before)) for n in range(count)]

    def wait_for(self, more: int, process: subprocess.Popen[str], timeout: float = 120) -> None:
        """Return after `more` further requests, or when the process has ended."""
        with self._changed:
            target = self._count + more
            reached = self._changed.wait_for(lambda: self._count >= target or process.poll() is not None, timeout)
        assert reached, f"{more} requests took longer than {timeout} s"

    def requests(self) -> dict[str, int]:
        """The number of requests by URL."""
        return {self.site.url + path: count for path, count in dict(self.site.asked).items()}

    def _before(self) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()
        never, seconds = self._latency
        never.wait(seconds)


class Up:
    """`up` on an OUT folder. `ready` waits until it serves."""

    def __init__(self, out: Path, *, allow: str = "127.0.0.0/8") -> None:
        self.out = out
        self.process = start_command("up", "--port", "0", out=out, allow=allow)
        self.output: list[str] = []
        self.variables: Mapping[str, str] = {}

    def ready(self) -> Up:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if line.startswith("Press Ctrl-C"):
                self.variables = read_env_file(self.out) or {}
                return self
        raise AssertionError("".join(self.output))

    def submit(self, urls: list[str], **options: int) -> str:
        """Start a run by the API and return its ID."""
        body = {"urls": urls, "options": options}
        answer = requests.post(f"{self.variables['API_URL']}/runs", json=body, timeout=HTTP_SECONDS)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run_id"])

    def upload(self, manifest: Path, **options: str) -> None:
        """Start a run by an upload."""
        variables = self.variables
        keys = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
        session: Any = boto3.Session(*keys, region_name=variables["AWS_REGION"])
        s3 = session.client("s3", endpoint_url=variables["AWS_ENDPOINT_URL"])
        s3.upload_file(
            str(manifest), variables["INPUT_BUCKET"], f"manifests/{manifest.name}", ExtraArgs={"Metadata": options}
        )

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the newest first."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = requests.get(f"{self.variables['API_URL']}/runs?limit=100{after}", timeout=HTTP_SECONDS).json()
            found += page["runs"]
            if not page["next"]:
                return found
            after = f"&next={page['next']}"

    def statuses(self) -> list[str]:
        return [run["status"] for run in self.runs()]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, output


def recorded_rows(out: Path) -> dict[str, dict[str, Any]]:
    """The rows of the images table by URL, as a killed process has left them."""
    with tempfile.TemporaryDirectory() as folder:
        for file in (out / "tables").glob("items.sqlite*"):
            shutil.copy(file, folder)  # a copy: to open the database is to change it
        with contextlib.closing(sqlite3.connect(Path(folder) / "items.sqlite")) as database:
            try:
                items = [json.loads(text) for (text,) in database.execute("SELECT item FROM items")]
            except sqlite3.OperationalError:  # killed before the tables were created
                return {}
    return {
        item["url"]["S"]: {name: next(iter(value.values())) for name, value in item.items()}
        for item in items
        if "url" in item
    }


def check_out(out: Path) -> list[dict[str, Any]]:
    """The file of every row has its SHA-256, every summary is reconciled, and there is no temporary file. Returns the
    summaries."""
    for row in recorded_rows(out).values():
        digest = hashlib.sha256((out / row["object_key"]).read_bytes()).hexdigest()
        assert digest == row["sha256"], row
    assert temporary_files(out) == []
    summaries = [json.loads(path.read_text()) for path in out.glob("runs/*/summary.json")]
    assert [summary for summary in summaries if not is_reconciled(summary)] == []
    return summaries


def temporary_files(out: Path) -> list[Path]:
    """Files whose name, or whose folder's name, is temporary."""
    return [path for path in out.rglob("*") if path.is_file() and TEMPORARY in str(path.relative_to(out))]
