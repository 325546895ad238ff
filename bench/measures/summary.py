"""Time and memory of SummarizeRun by rows, with a latency of S3: `python -m bench.measures.summary [--latency 0.02]`.

Each step is measured in a process of its own with the real adapters; S3 is a folder. Runs of at most a million rows are
summarized by one invocation. A longer one has three steps: the plan reads the manifest once, the folds read a group of
a million rows each, many at a time, and the last step joins what they have written. They are measured for a million
rows, the last step with a hundred groups, and multiplied for a hundred million rows. Memory is the increase of the peak
during the step.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.contenders.job import peak_mb
from bench.rig.folder_s3 import FolderS3
from functions.adapters.s3.manifests import S3Manifests
from functions.adapters.s3.run_files import S3RunFiles
from functions.core.model.ports import Notification
from functions.core.model.runs import run_id_of
from functions.core.model.types import ExecutionInput, FoldPlan, ResultLine, RunFields, RunRecord
from functions.core.summary.execution import EndedExecution, WorkflowFailure
from functions.core.summary.summarizer import Summarizer

SIZES = (10_000, 100_000, 1_000_000)
LONG = 100_000_000
BATCH = 500
GROUPS = 100
STARTED = "2026-01-01T00:00:00.000Z"
ARN = "arn:execution"
EVENT: ExecutionInput = {"detail": {"bucket": {"name": "input"}, "object": {"key": "rows.csv", "etag": "", "size": 1}}}
RUN = run_id_of(EVENT)

Result = tuple[float, float, float]
"""Seconds, seconds of CPU, and megabytes."""


@dataclass(frozen=True, slots=True)
class Job:
    """A step to measure. Of 100 rows `failed` are failures that can be retried; `stopped` is true for a run that was
    stopped before its first batch."""

    folder: str
    rows: int
    latency: float
    failed: int
    stopped: bool
    step: str = "write"
    group_rows: int = 10**9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.02, help="latency of each GET from S3 in seconds (0.02)")
    parser.add_argument("--failed", type=int, default=1, help="percent of the rows that failed (1)")
    parser.add_argument("--stopped", action="store_true", help="the run was stopped before its first batch")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="rows of the runs")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        print(json.dumps(_measure(Job(**json.loads(arguments.job)))))
        return
    for rows in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            job = {**_fields(arguments), "folder": folder, "rows": rows}
            _run(job)
            _show(f"{rows:,} rows, one invocation", _run(job | {"step": "whole"}))
    with tempfile.TemporaryDirectory() as folder:
        rows = max(arguments.sizes)
        job = {**_fields(arguments), "folder": folder, "rows": rows}
        _run(job)
        plan = _run(job | {"step": "plan"})
        _show(f"plan of {rows:,} rows", plan)
        _show(f"plan of {LONG:,} rows (multiplied)", (plan[0] * LONG / rows, plan[1] * LONG / rows, plan[2]))
        _show(f"fold of a group of {rows:,} rows", _run(job | {"step": "fold"}))
        size = rows // GROUPS
        _run(job | {"step": "plan", "group_rows": size})
        _run(job | {"step": "fold", "group_rows": size})
        _show(f"join of {GROUPS} groups", _run(job | {"step": "join", "group_rows": size}))


def _fields(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"latency": arguments.latency, "failed": arguments.failed, "stopped": arguments.stopped}


def _run(job: dict[str, Any]) -> Result:
    """Measures a step in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, "--job", json.dumps(job)]
    seconds, cpu, megabytes = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return seconds, cpu, megabytes


def _show(what: str, result: Result) -> None:
    seconds, cpu, megabytes = result
    print(f"{what:45}{seconds:9.1f} s{cpu:9.1f} s of CPU{megabytes:9.0f} MB", flush=True)


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


def _measure(job: Job) -> Result:
    if job.step == "write":
        _write_run(job)
        return 0.0, 0.0, 0.0
    run = _summarizer(job)
    failure = WorkflowFailure("Cancelled", "by hand") if job.stopped else None
    execution = EndedExecution(input=EVENT, arn=ARN, started_at=STARTED, failure=failure)
    plan_file = Path(job.folder) / "plan.json"
    plan: Any = json.loads(plan_file.read_text()) if job.step in ("fold", "join") else None
    before = peak_mb()
    started, cpu = time.perf_counter(), time.process_time()
    planned = _step(run, execution, job, plan)
    result = time.perf_counter() - started, time.process_time() - cpu, peak_mb() - before
    if planned:
        plan_file.write_text(json.dumps(planned))
    return result


def _step(run: Summarizer, execution: EndedExecution, job: Job, plan: FoldPlan | None) -> FoldPlan | None:
    if job.step == "plan":
        return run.plan(execution)
    if job.step == "fold" and plan:
        for number in plan["groups"]:
            run.fold(execution, plan, number)
        return None
    ended = run.summarize(execution, plan)
    failed = job.rows if job.stopped else job.rows * job.failed // 100
    assert ended["counts"]["failed"] == failed, ended
    return None


def _summarizer(job: Job) -> Summarizer:
    s3: Any = FolderS3(Path(job.folder), job.latency)  # the adapters take a boto3 client
    record: RunRecord = {"run_id": RUN, "format": "csv", "rows": job.rows, "columns": ["title"], "execution_arn": ARN}
    if job.step in ("plan", "fold", "join"):
        record["sampled"] = True  # it is folded in groups in any case
    return Summarizer(
        manifests=S3Manifests(s3),
        results=S3RunFiles(s3, "input", RUN),
        records=_RunsTable(record),
        notices=_NoTopic(),
        now=datetime.now(UTC),
        wait=lambda results: None,
        group_rows=job.group_rows,
    )


def _write_run(job: Job) -> None:
    """Write the manifest and the results of the batches."""
    folder = Path(job.folder)
    with (folder / "rows.csv").open("w") as file:
        file.write("url,title\n")
        file.writelines(f"https://images.example.org/{row:09d}.jpg,Title {row}\n" for row in range(1, job.rows + 1))
    results = folder / "runs" / RUN / "results"
    results.mkdir(parents=True)
    for first in range(1, 1 if job.stopped else job.rows + 1, BATCH):
        with (results / f"part-{first:010d}-00.jsonl").open("w") as file:
            file.writelines(json.dumps(line) + "\n" for line in _result_lines(first, job.failed))


def _result_lines(first: int, failed: int) -> Iterator[ResultLine]:
    for row in range(first, first + BATCH):
        line: ResultLine = {
            "row": row,
            "url": f"https://images-{row % 5000}.example.org/{row:09d}.jpg",
            "outcome": "stored",
            "columns": {"title": f"Title {row}"},
        }
        if row % 100 >= failed:
            line |= {"object_key": f"images/ab/{row:064d}.jpg", "bytes": 9, "sha256": f"{row:064d}", "width": 6}
            line |= {"downloaded_at": "2026-01-01T00:10:00.000Z", "ms": row % 1000, "height": 6}
        else:
            line |= {"outcome": "failed", "reason": "http_5xx", "http_status": 500, "retryable": True}
            line["message"] = "The server answered with status 500."
        yield line


if __name__ == "__main__":
    main()
