"""A run from its manifest to its summary through all three handlers: `python -m bench.contenders.whole_run`.

Batches run in processes of their own, two at a time. What Step Functions does between the handlers is left out, and the
runs table is kept in memory: it is asked three times a run.
"""

import multiprocessing
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from typing import Any, cast

import boto3

from bench.contenders.job import BUCKET, Job, contend
from bench.contenders.ours import Context, children, download, environment
from functions.core.model.types import PreparedState

KEY = "manifests/bench.csv"
AT_A_TIME = 2
"""Batches, each in a process that lives as long as the run, as Lambda's environments do."""


class Records:
    """The runs table."""

    def __init__(self) -> None:
        self._record: dict[str, Any] = {}

    def claim(self, record: Mapping[str, Any]) -> bool:
        self._record = dict(record)
        return True

    def update(self, run_id: str, values: Mapping[str, Any]) -> None:
        self._record |= values

    def get(self, run_id: str) -> Mapping[str, Any]:
        return self._record


class WholeRun:
    """Cold starts come before the race: they are measured by `bench.measures.cold_start`."""

    def ready(self, job: Job) -> None:
        os.environ |= environment(job.endpoint) | {
            "RUNS_TABLE": "runs",
            "DEFAULT_OPTIONS": "{}",
            "CHECK_BYTES": str(256 * 1024 * 1024),
        }
        import functions.prepare_run
        import functions.summarize_run  # noqa: F401

        self._manifest = ("url\n" + "\n".join(job.urls) + "\n").encode()
        boto3.client("s3").put_object(Bucket="input-bucket", Key=KEY, Body=self._manifest)
        processes = multiprocessing.get_context("spawn")
        started = processes.Barrier(AT_A_TIME + 1)
        self._lambdas = processes.Pool(AT_A_TIME, _start, (started,))
        started.wait()

    def mirror(self, job: Job) -> None:
        from functions import prepare_run, summarize_run

        records, context = Records(), cast(Any, Context())
        for module in (prepare_run, summarize_run):
            module.RunsTable = lambda *_: records  # type: ignore[attr-defined]
        about = {
            "input": self._event(),
            "execution_arn": "arn:aws:states:us-east-1:000000000000:execution:bench:bench",
            "started_at": _now(),
        }
        prepared = cast(PreparedState, prepare_run.handler(about, context))
        batches = children(job.urls, prepared["run"], prepared["batch_size"])
        for _ in self._lambdas.imap_unordered(download, batches):
            pass
        self._lambdas.close()
        self._lambdas.join()
        ended = summarize_run.handler({**about, "failure": None}, context)
        if ended is None or ended["status"] != "succeeded" or ended["lost"]:
            raise RuntimeError(f"The books of {len(job.urls)} rows do not balance: {ended}")

    def _event(self) -> dict[str, Any]:
        uploaded = {"key": KEY, "size": len(self._manifest), "etag": "0", "sequencer": "1"}
        return {"detail": {"bucket": {"name": "input-bucket"}, "object": uploaded}}


def _start(started: Barrier) -> None:
    """An environment that has had its first image."""
    from functions.adapters.clients import client
    from functions.download_batch import signed_put

    signed_put()
    client("s3").put_object(Bucket=BUCKET, Key="first", Body=b"")
    started.wait()


def _now() -> str:
    return datetime.now(UTC).isoformat()


if __name__ == "__main__":
    run = WholeRun()
    contend(run.mirror, run.ready)
