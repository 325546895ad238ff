"""Runs whose process was interrupted or killed: they are summarized like cancelled runs, with what was stored.

In AWS an execution goes on without its starter. Here it ends with the process. What a batch had stored and recorded in
the images table, but not yet written as a part of the results, is written here, so that a stored image counts as
stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import cast

from functions.core.model.keys import from_table_row
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.runs import ManifestObject
from functions.core.model.types import ImageFacts, ImageRecord, RunRecord
from functions.core.model.urls import redact
from local.aws import backend
from local.aws.cloud import Cloud

ERROR = "Interrupted"
CAUSE = "The local run was interrupted."
ROUND = "98"
"""The round of the parts that are written here: after the rounds of every batch."""

PART_NAME = re.compile(r"part-(\d+)-\d+\.jsonl")
"""The name of a part of the Map over the manifest, with the first row of its batch. Those of passes have the number of
the pass, too."""

SUMMARIZE_RUN = "functions.summarize_run.handler"
DOWNLOAD_BATCH = "functions.download_batch.handler"
IMAGE_FACTS = tuple(ImageFacts.__required_keys__)


def interrupt(cloud: Cloud) -> list[str]:
    """Stop every running run and summarize it. Returns the IDs of the runs."""
    cloud.functions.stop(_function(cloud, DOWNLOAD_BATCH))
    records = _unfinished(cloud)
    for record in records:
        record_stored_rows(cloud, record["run_id"])
        cloud.engine.stop_execution(record["execution_arn"], ERROR, CAUSE)
    cloud.settle()
    return [record["run_id"] for record in records]


def summarize_interrupted(cloud: Cloud) -> list[str]:
    """Summarize the runs of an earlier process that was killed. Returns their IDs."""
    records = _unfinished(cloud)
    for record in records:
        record_stored_rows(cloud, record["run_id"])
        cloud.functions.invoke(_function(cloud, SUMMARIZE_RUN), _status_change(record))
    cloud.settle()
    return [record["run_id"] for record in records]


def record_stored_rows(cloud: Cloud, run_id: str) -> None:
    """Write a part of the results for the images that the run has stored; rows that have an outcome already keep it."""
    prefix = f"runs/{run_id}/results/"
    bucket = cloud.outputs["InputBucket"]
    names = (PART_NAME.fullmatch(each.key.removeprefix(prefix)) for each in cloud.store.iterate(bucket, prefix))
    first_rows = sorted({int(name[1]) for name in names if name})
    lines = sorted(_stored_lines(cloud, run_id), key=lambda line: line[0])
    for first_row, group in groupby(lines, key=lambda line: _batch_before(first_rows, line[0])):
        found = list(group)
        key = f"{prefix}part-{first_row or found[0][0]:010d}-{ROUND}.jsonl"
        cloud.client("s3").put_object(Bucket=bucket, Key=key, Body="".join(text for _, text in found).encode())


def _batch_before(first_rows: list[int], row: int) -> int:
    """The last batch with a part that begins at or before the row; 0 if there is none."""
    return max((first for first in first_rows if first <= row), default=0)


def _stored_lines(cloud: Cloud, run_id: str) -> Iterator[tuple[int, str]]:
    for row in backend.rows(cloud.outputs["ImagesTable"]):
        if row.get("run_id") == run_id:
            record = cast(ImageRecord, from_table_row(row))
            facts = cast(ImageFacts, {name: row.get(name) for name in IMAGE_FACTS})
            outcome = Outcome(row=record["row"], url=redact(record["url"]), kind=OutcomeKind.STORED, image=facts)
            yield record["row"], json.dumps(outcome.as_json(), ensure_ascii=False) + "\n"


def _unfinished(cloud: Cloud) -> list[RunRecord]:
    rows = (cast(RunRecord, row) for row in backend.rows(cloud.outputs["RunsTable"]))
    return [row for row in rows if "ended_at" not in row and "execution_arn" in row]


def _function(cloud: Cloud, handler: str) -> str:
    return next(name for name, function in cloud.functions.functions.items() if function.handler == handler)


def _status_change(record: RunRecord) -> Mapping[str, object]:
    """The event that EventBridge sends for an execution that was stopped."""
    manifest = ManifestObject(
        record["bucket"],
        record["manifest_key"],
        record["etag"],
        record["size"],
        version_id=record.get("version_id", ""),
    )
    run = {"id": record["run_id"], "options": record.get("options") or {}}
    return {
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "executionArn": record["execution_arn"],
            "status": "ABORTED",
            "startDate": round(_moment(record["started_at"]).timestamp() * 1000),
            "input": json.dumps({**manifest.as_event(), "run": run}),
            "inputDetails": {"included": True},
            "error": ERROR,
            "cause": CAUSE,
        },
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
