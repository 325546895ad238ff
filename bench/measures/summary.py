"""Time and memory of SummarizeRun by rows, with a latency of S3: `python -m bench.measures.summary [--latency 0.02]`.

Each size is measured in a process of its own with the real adapters; S3 is a folder. One row in a hundred is a failure
that can be retried. Memory is the increase of the peak during the summary.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from botocore.response import StreamingBody

from bench.contenders.job import peak_mb
from functions.adapters.s3.manifests import S3Manifests
from functions.adapters.s3.run_files import S3RunFiles
from functions.core.model.ports import Notification
from functions.core.model.runs import run_id_of
from functions.core.model.types import ExecutionInput, ResultLine, RunFields, RunRecord
from functions.core.summary.execution import EndedExecution
from functions.core.summary.summarizer import Summarizer

SIZES = (10_000, 100_000)
BATCH = 100
STARTED = "2026-01-01T00:00:00.000Z"
ARN = "arn:execution"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.02, help="latency of each GET from S3 in seconds (0.02)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _measure(arguments.one, arguments.latency)
        return
    print(f"{'rows':>11}{'parts':>8}{'seconds':>9}{'peak MB':>9}")
    for rows in SIZES:
        command = [sys.executable, "-m", __spec__.name, "--one", str(rows), "--latency", str(arguments.latency)]
        result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        print(f"{rows:11,}{rows // BATCH:8,}{result['seconds']:9.2f}{result['megabytes']:9.1f}")


class _FolderS3:
    """The part of the S3 client that the adapters use, over a folder. Parameters are named as in boto3."""

    def __init__(self, folder: Path, latency: float) -> None:
        self._folder = folder
        self._latency = latency

    def get_object(self, *, Key: str, **_: object) -> dict[str, StreamingBody]:  # noqa: N803
        time.sleep(self._latency)
        path = self._folder / Key
        return {"Body": StreamingBody(io.BufferedReader(path.open("rb", buffering=0)), path.stat().st_size)}

    def put_object(self, *, Key: str, Body: IO[bytes], **_: object) -> None:  # noqa: N803
        with (self._folder / Key).open("wb") as file:
            file.writelines(Body)

    def get_paginator(self, _: str) -> "_FolderS3":
        return self

    def paginate(self, *, Prefix: str, **_: object) -> Iterator[dict[str, list[dict[str, str]]]]:  # noqa: N803
        folder = self._folder / Prefix.rpartition("/")[0]
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        for start in range(0, len(names), 1000):
            page = names[start : start + 1000]
            yield {"Contents": [{"Key": f"{Prefix.rpartition('/')[0]}/{name}"} for name in page]}


class _RunsTable:
    """A runs table with one record that is never changed."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record

    def get(self, run_id: str) -> RunRecord:
        return self._record

    def update(self, run_id: str, values: RunFields) -> None:
        pass

    def claim(self, record: RunRecord) -> bool:
        return True


class _NoTopic:
    """A topic without subscribers."""

    def publish(self, notice: Notification, seconds: float = 0.0) -> bool:
        return True


def _result_lines(first: int) -> Iterable[ResultLine]:
    for row in range(first, first + BATCH):
        line: ResultLine = {
            "row": row,
            "url": f"https://images.example.org/{row:09d}.jpg",
            "outcome": "stored",
            "columns": {"title": f"Title {row}"},
        }
        if row % 100:
            line |= {"object_key": f"images/ab/{row:064d}.jpg", "bytes": 9, "sha256": f"{row:064d}", "width": 6}
        else:
            line |= {"outcome": "failed", "reason": "http_5xx", "http_status": 500, "retryable": True}
            line["message"] = "The server answered with status 500."
        yield line


def _measure(rows: int, latency: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        event = _write_run(Path(name), rows)
        s3: Any = _FolderS3(Path(name), latency)  # the adapters take a boto3 client
        run_id = run_id_of(event)
        summarizer = Summarizer(
            manifests=S3Manifests(s3),
            results=S3RunFiles(s3, "input", run_id),
            records=_RunsTable(
                {"run_id": run_id, "format": "csv", "rows": rows, "columns": ["title"], "execution_arn": ARN}
            ),
            notices=_NoTopic(),
            now=datetime.now(UTC),
        )
        before = peak_mb()
        started = time.perf_counter()
        ended = summarizer.summarize(EndedExecution(input=event, arn=ARN, started_at=STARTED))
        seconds = time.perf_counter() - started
        assert ended["counts"]["stored"] == rows - rows // 100, ended
    print(json.dumps({"seconds": seconds, "megabytes": peak_mb() - before}))


def _write_run(folder: Path, rows: int) -> ExecutionInput:
    """Write the manifest and the results of the batches. Returns the input of the execution."""
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
            file.writelines(json.dumps(line) + "\n" for line in _result_lines(first))
    return event


if __name__ == "__main__":
    main()
