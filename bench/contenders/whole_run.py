"""A run from its manifest to its summary, all three handlers in one process, batch after batch.

`python -m bench.contenders.whole_run`; what Step Functions does between them is left out, and the runs table is kept in
memory: it is asked three times a run.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import boto3

from bench.contenders.job import Job, contend
from bench.contenders.ours import Context, environment

KEY = "manifests/bench.csv"


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


def ready(job: Job) -> None:
    os.environ |= environment(job.endpoint) | {
        "RUNS_TABLE": "runs",
        "DEFAULT_OPTIONS": "{}",
        "CHECK_BYTES": str(256 * 1024 * 1024),
    }
    import functions.download_batch
    import functions.prepare_run
    import functions.summarize_run  # noqa: F401 - cold starts are measured by bench.cold_start

    text = "url\n" + "\n".join(job.urls) + "\n"
    boto3.client("s3").put_object(Bucket="input-bucket", Key=KEY, Body=text.encode())
    job.options["size"] = len(text)  # type: ignore[index]


def mirror(job: Job) -> None:
    from functions import download_batch, prepare_run, summarize_run

    records, context = Records(), cast(Any, Context())
    for module in (prepare_run, summarize_run):
        module.RunsTable = lambda *_: records  # type: ignore[attr-defined]
    started = datetime.now(UTC).isoformat()
    event = {
        "detail": {
            "bucket": {"name": "input-bucket"},
            "object": {"key": KEY, "size": job.options["size"], "etag": "0", "sequencer": "1"},
        }
    }
    about = {"input": event, "execution_arn": "arn:aws:states:us-east-1:000000000000:execution:bench:bench"}
    prepared = prepare_run.handler({**about, "started_at": started}, context)
    run, size = prepared["run"], prepared["batch_size"]
    items = [{"row": row, "item": {"url": url}} for row, url in enumerate(job.urls)]
    for begin in range(0, len(items), size):
        batch = {"BatchInput": {"run": run}, "Items": items[begin : begin + size]}
        told = {"batch": batch, "execution_arn": "bench", "started_at": datetime.now(UTC).isoformat()}
        assert not download_batch.handler(told, context)["Items"]
    ended = summarize_run.handler({**about, "started_at": started, "failure": None}, context)
    assert ended is not None
    books = {name: ended[name] for name in ("rows", "stored", "failed", "lost") if name in ended}
    if ended["status"] != "succeeded" or ended["lost"]:
        raise RuntimeError(f"The books do not balance: {json.dumps(books)} of {len(job.urls)}")


if __name__ == "__main__":
    contend(mirror, ready)
