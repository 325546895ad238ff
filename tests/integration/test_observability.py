"""Logs, metrics and traces of a run, read with the real `aws` command from `make up`."""

import json
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.core.model.reasons import Reason
from local.aws.cloud import Cloud
from tests.integration.test_commands import Up, up, wait_for_summaries  # noqa: F401 - a fixture
from tests.support.pipeline import FinishedRun, is_reconciled, mirror
from tests.support.site import Site

IMAGE = (Path(__file__).parents[2] / "manifests" / "demo" / "dune.jpg").read_bytes()
PHASES = {"look up", "download", "store", "record", "notify"}
SERVICE = ["Name=service,Value=image-mirror", "Name=environment,Value=production"]
METRIC_OF_COUNT = {
    "stored": "ImagesStored",
    "skipped": "ImagesSkipped",
    "duplicate": "ImagesDuplicate",
    "failed": "ImagesFailed",
    "bytes": "BytesStored",
}


def period() -> list[str]:
    """Arguments for the period from one hour ago to one hour from now."""
    now = datetime.now(UTC)
    times = {"--start-time": now - timedelta(hours=1), "--end-time": now + timedelta(hours=1)}
    return [part for name, time in times.items() for part in (name, f"{time:%Y-%m-%dT%H:%M:%SZ}")]


@dataclass(frozen=True)
class RunInUp:
    """A run with failures in `make up`, and the `aws` command."""

    up: Up
    run_id: str
    summary: dict[str, Any]

    def json(self, *arguments: str) -> Any:
        return json.loads(self.up.aws(*arguments, "--output", "json"))

    def lines(self) -> list[dict[str, Any]]:
        """The JSON log lines of the run, of all functions."""
        groups = self.json("logs", "describe-log-groups")["logGroups"]
        events = [
            event
            for group in groups
            for event in self.json("logs", "filter-log-events", "--log-group-name", group["logGroupName"])["events"]
        ]
        lines = [json.loads(event["message"]) for event in events if event["message"].startswith("{")]
        return [line for line in lines if line.get("run_id") == self.run_id]

    def sum(self, metric: str, *dimensions: str) -> float:
        metric_arguments = [
            "--namespace",
            "ImageMirror",
            "--metric-name",
            metric,
            "--statistics",
            "Sum",
            "--period",
            "7200",
        ]
        command = [
            "cloudwatch",
            "get-metric-statistics",
            *metric_arguments,
            "--dimensions",
            *SERVICE,
            *dimensions,
            *period(),
        ]
        return float(sum(point["Sum"] for point in self.json(*command)["Datapoints"]))


@pytest.fixture
def run(up: Up, site: Site, tmp_path: Path) -> RunInUp:  # noqa: F811
    urls = [site.put(f"/{number}.jpg", IMAGE) for number in range(8)]
    urls += [urls[0], site.put("/page.jpg", b"<html>no image</html>"), "http://10.0.0.1/private.jpg"]
    manifest = tmp_path / "list.csv"
    manifest.write_text("url\n" + "".join(f"{url}\n" for url in urls))
    bucket = up.environment["INPUT_BUCKET"]
    up.aws("s3", "cp", str(manifest), f"s3://{bucket}/manifests/")
    wait_for_summaries(up.out, 1)
    [summary] = [json.loads(path.read_text()) for path in up.out.glob("input/runs/*/summary.json")]
    run = RunInUp(up, summary["run_id"], summary)
    deadline = time.monotonic() + 30
    while not run.sum("RunsSucceeded") and time.monotonic() < deadline:
        pass
    return run


INDEX_STEP = "Index step done"


def test_aws_prints_the_log_lines_metrics_and_traces_of_a_run(run: RunInUp) -> None:
    assert is_reconciled(run.summary)
    assert run.summary["failed"] == 2

    lines = run.lines()
    messages = Counter(line["message"] for line in lines if line["message"] != INDEX_STEP)  # it may not be done yet
    assert messages == {"Run prepared": 1, "Batch done": 1, "Image failed": 2, "Run ended": 1}
    failed = {line["reason"] for line in lines if line["message"] == "Image failed"}
    assert failed == {"not_an_image", "blocked_address"}

    sums = {count: run.sum(metric) for count, metric in METRIC_OF_COUNT.items()}
    assert sums == {count: run.summary[count] for count in METRIC_OF_COUNT}
    by_reason = {
        reason: run.sum("ImagesFailedByReason", f"Name=reason,Value={reason}")
        for reason in run.summary["failures_by_reason"]
    }
    assert by_reason == run.summary["failures_by_reason"]

    (batch,) = [line for line in lines if line["message"] == "Batch done"]
    (trace,) = run.json("xray", "batch-get-traces", "--trace-ids", batch["xray_trace_id"])["Traces"]
    segments = [json.loads(segment["Document"]) for segment in trace["Segments"]]
    assert [each["origin"] for each in segments if "origin" in each].count("AWS::Lambda::Function") == 1
    (work,) = [each for each in segments if each["name"] == "DownloadBatch"]
    assert {part["name"] for part in work["subsegments"]} == PHASES
    assert work["annotations"] == {"run_id": run.run_id, "outcome": "failures"}
    summaries = run.json("xray", "get-trace-summaries", *period())["TraceSummaries"]
    assert batch["xray_trace_id"] in {summary["Id"] for summary in summaries}


def log_lines(cloud: Cloud) -> list[str]:
    """Every log line of the functions so far, including those of Lambda itself."""
    cloud.settle()
    logs = cloud.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    pages = logs.get_paginator("filter_log_events")
    return [
        event["message"] for group in groups for page in pages.paginate(logGroupName=group) for event in page["events"]
    ]


@pytest.fixture
def finished_run(cloud: Cloud, site: Site) -> FinishedRun:
    """A run whose rows all differ: a dimension with a value from the manifest would have a high cardinality."""
    rows = [site.put(f"/{number}.jpg", IMAGE) + f",customer-{number}" for number in range(6)]
    rows += [site.put("/none.jpg", b"nothing") + ",customer-none", "http://10.9.8.7/x.jpg,customer-blocked"]
    return mirror(cloud, "dimensions.csv", "url,customer\n" + "\n".join(rows) + "\n")


def test_no_dimension_of_a_metric_takes_its_value_from_a_manifest(cloud: Cloud, finished_run: FinishedRun) -> None:
    allowed = {
        "service": {"image-mirror"},
        "environment": {"production"},
        "reason": {reason.value for reason in Reason},
    }
    documents = [json.loads(line) for line in log_lines(cloud) if '"_aws"' in line]

    assert any("ImagesFailedByReason" in document for document in documents)
    for document in documents:
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                assert all(document[name] in allowed[name] for name in names), document


def test_a_good_image_costs_less_than_a_hundred_bytes_of_log(cloud: Cloud, site: Site) -> None:
    """Includes three batches, cold starts and the lines of the run: with more images it is less per image."""
    rows = 300
    before = sum(map(len, log_lines(cloud)))
    urls = [site.put(f"/cheap-{number}.jpg", IMAGE) for number in range(rows)]

    run = mirror(cloud, "cheap.txt", "\n".join(urls) + "\n")

    assert run.summary["stored"] == rows
    assert (sum(map(len, log_lines(cloud))) - before) / rows < 100
