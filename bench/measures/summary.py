"""SummarizeRun's time and memory by rows, with S3's latency: `python -m bench.measures.summary [--latency 0.02]`.

Each size is a process of its own over the real adapters; only S3 is a folder. One row in a hundred has failed and may
be retried. Memory is the peak beyond what the process had when it began.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.response import StreamingBody

from functions.adapters.s3_manifests import S3Manifests
from functions.adapters.s3_run_files import S3RunFiles
from functions.core.model.ports import Notification
from functions.core.model.runs import run_id_of
from functions.core.model.types import ExecutionInput
from functions.core.summary.execution import EndedExecution
from functions.core.summary.summarizer import Summarizer

SIZES = (10_000, 100_000)
BATCH = 100
STARTED = "2026-01-01T00:00:00.000Z"
ARN = "arn:execution"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.02, help="seconds of S3 for each GET (0.02)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _measure(arguments.one, arguments.latency)
        return
    print(f"{'rows':>11}{'parts':>8}{'seconds':>9}{'peak MB':>9}")
    for rows in SIZES:
        command = [sys.executable, "-m", __spec__.name, "--one", str(rows), "--latency", str(arguments.latency)]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        print(f"{rows:11,}{rows // BATCH:8,}{found['seconds']:9.2f}{found['megabytes']:9.1f}")


class _FolderS3:
    """S3, as far as the adapters use it, in a folder."""

    def __init__(self, folder: Path, latency: float) -> None:
        self._folder = folder
        self._latency = latency

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        time.sleep(self._latency)
        path = self._folder / Key
        return {"Body": StreamingBody(io.BufferedReader(path.open("rb", buffering=0)), path.stat().st_size)}

    def put_object(self, *, Key: str, Body: Any, **_: Any) -> None:  # noqa: N803
        with (self._folder / Key).open("wb") as file:
            file.writelines(Body)

    def get_paginator(self, _: str) -> "_FolderS3":
        return self

    def paginate(self, *, Prefix: str, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        folder = self._folder / Prefix.rpartition("/")[0]
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        for at in range(0, len(names), 1000):
            yield {"Contents": [{"Key": f"{Prefix.rpartition('/')[0]}/{name}"} for name in names[at : at + 1000]]}


class _Records:
    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record

    def get(self, run_id: str) -> Mapping[str, Any]:
        return self._record

    def update(self, run_id: str, values: Mapping[str, Any]) -> None:
        pass

    def claim(self, record: Mapping[str, Any]) -> bool:
        return True


class _Nobody:
    def publish(self, notice: Notification) -> bool:
        return True


def _lines(first: int) -> Iterable[dict[str, Any]]:
    for row in range(first, first + BATCH):
        line = {"row": row, "url": f"https://images.example.org/{row:09d}.jpg", "columns": {"title": f"Title {row}"}}
        if row % 100:
            image = {"object_key": f"images/ab/{row:064d}.jpg", "bytes": 9, "sha256": f"{row:064d}", "width": 6}
            yield {**line, "outcome": "stored", **image}
        else:
            failure = {"reason": "http_5xx", "http_status": 500, "retryable": True, "message": "It answered 500."}
            yield {**line, "outcome": "failed", **failure}


def _measure(rows: int, latency: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        event = _prepared(Path(name), rows)
        s3 = _FolderS3(Path(name), latency)
        run_id = run_id_of(event)
        summarizer = Summarizer(
            manifests=S3Manifests(s3),
            results=S3RunFiles(s3, "input", run_id),
            records=_Records(
                {"run_id": run_id, "format": "csv", "rows": rows, "columns": ["title"], "execution_arn": ARN}
            ),
            notices=_Nobody(),
            now=datetime.now(UTC),
        )
        before = _peak_megabytes()
        started = time.perf_counter()
        ended = summarizer.summarize(EndedExecution(input=event, arn=ARN, started_at=STARTED))
        seconds = time.perf_counter() - started
        assert ended["counts"]["stored"] == rows - rows // 100, ended
    print(json.dumps({"seconds": seconds, "megabytes": _peak_megabytes() - before}))


def _prepared(folder: Path, rows: int) -> ExecutionInput:
    """The manifest and what batches wrote of it; the event."""
    event: ExecutionInput = {
        "detail": {"bucket": {"name": "input"}, "object": {"key": "rows.csv", "etag": "", "size": 1}}
    }
    with (folder / "rows.csv").open("w") as file:
        file.write("url,title\n")
        file.writelines(f"https://images.example.org/{row:09d}.jpg,Title {row}\n" for row in range(1, rows + 1))
    results = folder / "runs" / run_id_of(event) / "results"
    results.mkdir(parents=True)
    for first in range(1, rows + 1, BATCH):
        with (results / f"part-{first:010d}-00.jsonl").open("w") as file:
            file.writelines(json.dumps(line) + "\n" for line in _lines(first))
    return event


def _peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
