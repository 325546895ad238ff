"""What the real `aws` command prints of a run, against the embedded AWS in the foreground (`make up`)."""

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
from tests.integration.test_front_door import Up, up  # noqa: F401 - a fixture
from tests.support.pipeline import Ended, books_balance, mirror
from tests.support.site import Site

IMAGE = (Path(__file__).parents[2] / "manifests" / "demo" / "dune.jpg").read_bytes()
PHASES = {"look up", "download", "store", "record", "notify"}
SERVICE = ["Name=service,Value=image-mirror", "Name=environment,Value=production"]
OF_COUNT = {
    "stored": "ImagesStored",
    "skipped": "ImagesSkipped",
    "duplicate": "ImagesDuplicate",
    "failed": "ImagesFailed",
    "bytes": "BytesStored",
}


def period() -> list[str]:
    """An hour to either side."""
    now = datetime.now(UTC)
    moments = {"--start-time": now - timedelta(hours=1), "--end-time": now + timedelta(hours=1)}
    return [part for name, moment in moments.items() for part in (name, f"{moment:%Y-%m-%dT%H:%M:%SZ}")]


@dataclass(frozen=True)
class Shown:
    """A run with failures, and the `aws` command beside it."""

    up: Up
    run_id: str
    summary: dict[str, Any]

    def json(self, *arguments: str) -> Any:
        return json.loads(self.up.aws(*arguments, "--output", "json"))

    def lines(self) -> list[dict[str, Any]]:
        """The run's own lines, of all functions."""
        groups = self.json("logs", "describe-log-groups")["logGroups"]
        events = [
            event
            for group in groups
            for event in self.json("logs", "filter-log-events", "--log-group-name", group["logGroupName"])["events"]
        ]
        found = [json.loads(event["message"]) for event in events if event["message"].startswith("{")]
        return [line for line in found if line.get("run_id") == self.run_id]

    def sum(self, metric: str, *dimensions: str) -> float:
        asked = ["--namespace", "ImageMirror", "--metric-name", metric, "--statistics", "Sum", "--period", "7200"]
        command = ["cloudwatch", "get-metric-statistics", *asked, "--dimensions", *SERVICE, *dimensions, *period()]
        return float(sum(point["Sum"] for point in self.json(*command)["Datapoints"]))


@pytest.fixture
def shown(up: Up, site: Site, tmp_path: Path) -> Shown:  # noqa: F811
    urls = [site.put(f"/{number}.jpg", IMAGE) for number in range(8)]
    urls += [urls[0], site.put("/page.jpg", b"<html>no image</html>"), "http://10.0.0.1/private.jpg"]
    manifest = tmp_path / "list.csv"
    manifest.write_text("url\n" + "".join(f"{url}\n" for url in urls))
    bucket = up.environment["INPUT_BUCKET"]
    up.aws("s3", "cp", str(manifest), f"s3://{bucket}/manifests/")
    keys: list[str] = []
    while not keys:  # each look is a process of its own: it needs no pause
        found = json.loads(up.aws("s3api", "list-objects-v2", "--bucket", bucket, "--prefix", "runs/") or "{}")
        keys = [each["Key"] for each in found.get("Contents", []) if each["Key"].endswith("/summary.json")]
    summary = json.loads(up.aws("s3", "cp", f"s3://{bucket}/{keys[0]}", "-"))
    shown = Shown(up, summary["run_id"], summary)
    deadline = time.monotonic() + 30
    while not shown.sum("RunsSucceeded") and time.monotonic() < deadline:
        pass
    return shown


def test_aws_prints_the_runs_lines_its_sums_and_a_trace_with_its_phases(shown: Shown) -> None:
    assert books_balance(shown.summary)
    assert shown.summary["failed"] == 2

    lines = shown.lines()
    said = Counter(line["message"] for line in lines)
    assert said == {"Run prepared": 1, "Batch done": 1, "Image failed": 2, "Run ended": 1}
    failed = {line["reason"] for line in lines if line["message"] == "Image failed"}
    assert failed == {"not_an_image", "blocked_address"}

    sums = {count: shown.sum(metric) for count, metric in OF_COUNT.items()}
    assert sums == {count: shown.summary[count] for count in OF_COUNT}
    by_reason = {
        reason: shown.sum("ImagesFailedByReason", f"Name=reason,Value={reason}")
        for reason in shown.summary["failures_by_reason"]
    }
    assert by_reason == shown.summary["failures_by_reason"]

    (batch,) = [line for line in lines if line["message"] == "Batch done"]
    (trace,) = shown.json("xray", "batch-get-traces", "--trace-ids", batch["xray_trace_id"])["Traces"]
    segments = [json.loads(segment["Document"]) for segment in trace["Segments"]]
    assert [each["origin"] for each in segments if "origin" in each].count("AWS::Lambda::Function") == 1
    (work,) = [each for each in segments if each["name"] == "DownloadBatch"]
    assert {part["name"] for part in work["subsegments"]} == PHASES
    assert work["annotations"] == {"run_id": shown.run_id, "outcome": "failures"}
    summaries = shown.json("xray", "get-trace-summaries", *period())["TraceSummaries"]
    assert batch["xray_trace_id"] in {summary["Id"] for summary in summaries}


def printed(cloud: Cloud) -> list[str]:
    """Every line that the functions have printed so far, those of Lambda itself among them."""
    cloud.settle()
    logs = cloud.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    pages = logs.get_paginator("filter_log_events")
    return [
        event["message"] for group in groups for page in pages.paginate(logGroupName=group) for event in page["events"]
    ]


@pytest.fixture
def ended(cloud: Cloud, site: Site) -> Ended:
    """Rows that would make high-cardinality dimensions of anything that is taken from them."""
    rows = [site.put(f"/{number}.jpg", IMAGE) + f",customer-{number}" for number in range(6)]
    rows += [site.put("/none.jpg", b"nothing") + ",customer-none", "http://10.9.8.7/x.jpg,customer-blocked"]
    return mirror(cloud, "dimensions.csv", "url,customer\n" + "\n".join(rows) + "\n")


def test_no_dimension_of_a_metric_takes_its_value_from_a_manifest(cloud: Cloud, ended: Ended) -> None:
    allowed = {
        "service": {"image-mirror"},
        "environment": {"production"},
        "reason": {reason.value for reason in Reason},
    }
    documents = [json.loads(line) for line in printed(cloud) if '"_aws"' in line]

    assert any("ImagesFailedByReason" in document for document in documents)
    for document in documents:
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                assert all(document[name] in allowed[name] for name in names), document


def test_a_good_image_costs_less_than_a_hundred_bytes_of_log(cloud: Cloud, site: Site) -> None:
    """Three batches, cold starts and the run's own lines included: ten thousand images cost less each."""
    rows = 300
    before = sum(map(len, printed(cloud)))
    urls = [site.put(f"/cheap-{number}.jpg", IMAGE) for number in range(rows)]

    run = mirror(cloud, "cheap.txt", "\n".join(urls) + "\n")

    assert run.summary["stored"] == rows
    assert (sum(map(len, printed(cloud))) - before) / rows < 100
