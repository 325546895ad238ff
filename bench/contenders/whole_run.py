"""A run from its manifest to its summary through all three handlers: `python -m bench.contenders.whole_run`.

Batches run in two processes. The work of Step Functions between the handlers is not included, and the runs table, which
a run accesses three times, is kept in memory.
"""

import multiprocessing
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from types import ModuleType
from typing import cast

import boto3

from bench.contenders.job import BUCKET, Job, run_contender
from bench.contenders.ours import child_inputs, download, environment_variables, lambda_context
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.core.model.types import ExecutionInput, PreparedState, RunFields, RunRecord

KEY = "manifests/bench.csv"
CONCURRENT_BATCHES = 2
"""Each in a process that is kept for the whole run, as Lambda keeps its execution environments."""


class InMemoryRunsTable:
    """The runs table of one run."""

    def __init__(self) -> None:
        self._record: RunRecord = {"run_id": ""}

    def claim(self, record: RunRecord) -> bool:
        self._record = record
        return True

    def update(self, run_id: str, values: RunFields) -> None:
        self._record = cast(RunRecord, {**self._record, **values})

    def get(self, run_id: str) -> RunRecord:
        return self._record

    def newest(
        self, status: str | None, limit: int, after: Mapping[str, str] | None
    ) -> tuple[list[RunRecord], Mapping[str, str] | None]:
        return [self._record], None


class WholeRun:
    """Cold starts take place in `prepare`: `bench.measures.cold_start` measures them."""

    def prepare(self, job: Job) -> None:
        os.environ |= environment_variables(job.endpoint) | {
            "RUNS_TABLE": "runs",
            "DEFAULT_OPTIONS": "{}",
            "CHECK_BYTES": str(256 * 1024 * 1024),
            "HOST_LIMITS": "{}",
        }
        import functions.prepare_run
        import functions.summarize_run  # noqa: F401

        self._manifest = ("url\n" + "\n".join(job.urls) + "\n").encode()
        boto3.client("s3").put_object(Bucket="input-bucket", Key=KEY, Body=self._manifest)
        spawn = multiprocessing.get_context("spawn")
        started = spawn.Barrier(CONCURRENT_BATCHES + 1)
        self._workers = spawn.Pool(CONCURRENT_BATCHES, _start_worker, (started,))
        started.wait()

    def mirror(self, job: Job) -> None:
        from functions import prepare_run, summarize_run

        table, context = InMemoryRunsTable(), lambda_context()
        for module in (prepare_run, summarize_run):
            replace_runs_table(module, table)
        vars(summarize_run)["start_index"] = lambda *_: None  # there is no Step Functions here
        execution = {
            "input": self._event(),
            "execution_arn": "arn:aws:states:us-east-1:000000000000:execution:bench:bench",
            "started_at": datetime.now(UTC).isoformat(),
        }
        prepared = cast(PreparedState, prepare_run.handler(execution, context))
        batches = child_inputs(job.urls, prepared["run"], prepared["batch_size"])
        for _ in self._workers.imap_unordered(download, batches):
            pass
        self._workers.close()
        self._workers.join()
        end = summarize_run.handler({**execution, "failure": None}, context)
        if end is None or end["status"] != "succeeded" or end["lost"]:
            raise RuntimeError(f"The run of {len(job.urls)} rows did not succeed, or lost rows: {end}")

    def _event(self) -> ExecutionInput:
        return {
            "detail": {
                "bucket": {"name": "input-bucket"},
                "object": {"key": KEY, "size": len(self._manifest), "etag": "0", "sequencer": "1"},
            }
        }


def replace_runs_table(module: ModuleType, table: InMemoryRunsTable) -> None:
    """Make a handler use a table in memory."""
    name = DynamoRunsTable.__name__
    if not hasattr(module, name):
        raise AttributeError(f"{module.__name__} does not import {name}")
    setattr(module, name, lambda *_: table)


def _start_worker(started: Barrier) -> None:
    """Warm up the process: the handler is imported and has stored an image."""
    from functions.adapters.clients import client
    from functions.download_batch import signed_put

    signed_put()
    client("s3").put_object(Bucket=BUCKET, Key="first", Body=b"")
    started.wait()


if __name__ == "__main__":
    whole_run = WholeRun()
    run_contender(whole_run.mirror, whole_run.prepare)
