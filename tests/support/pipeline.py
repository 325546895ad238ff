"""Runs a manifest through the whole pipeline of a local cloud, and reads the results."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.core.model.keys import table_key
from functions.core.model.runs import run_id_of
from local.aws.cloud import Cloud

OUTCOMES = ("stored", "unchanged", "skipped", "duplicate", "failed")
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended."""

    cloud: Cloud
    execution: Mapping[str, Any]
    run_id: str

    @property
    def status(self) -> str:
        return str(self.execution["status"])

    @property
    def cause(self) -> str:
        return str(self.execution.get("cause"))

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads(self.file("summary.json"))
        return summary

    def file(self, name: str) -> bytes:
        """A file of the run's folder, or a report by its whole key as in the summary."""
        key = name if name.startswith("runs/") else f"runs/{self.run_id}/{name}"
        body = self.cloud.client("s3").get_object(Bucket=self.cloud.outputs["InputBucket"], Key=key)["Body"]
        return bytes(body.read())

    def names(self, folder: str = "") -> list[str]:
        prefix = f"runs/{self.run_id}/{folder}"
        pages = self.cloud.client("s3").get_paginator("list_objects_v2")
        listing = pages.paginate(Bucket=self.cloud.outputs["InputBucket"], Prefix=prefix)
        return [entry["Key"] for page in listing for entry in page.get("Contents", [])]

    def outcomes(self) -> dict[int, dict[str, Any]]:
        """The result lines of the batches by row, for tests whose batches run once."""
        lines = [line for name in self.names("results/") for line in self.file(name).splitlines()]
        return {line["row"]: line for line in map(json.loads, lines)}

    def failures(self) -> list[dict[str, str]]:
        """The rows of failures.csv."""
        report = self.summary["failures_report"]
        return list(csv.DictReader(io.StringIO(self.file(report).decode()))) if report else []

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """The messages of the topic about this run, of one type."""
        messages = [message for message in self.cloud.messages() if message["type"] == kind]
        return [message["message"] for message in messages if message["message"]["run_id"] == self.run_id]

    def image(self, url: str) -> bytes:
        """The stored image of a URL."""
        row = self.row(url)
        assert row is not None
        response = self.cloud.client("s3").get_object(
            Bucket=self.cloud.outputs["ImagesBucket"], Key=row["object_key"]["S"]
        )
        return bytes(response["Body"].read())

    def row(self, url: str) -> dict[str, Any] | None:
        response = self.cloud.client("dynamodb").get_item(
            TableName=self.cloud.outputs["ImagesTable"], Key={"url": {"S": table_key(url)}}
        )
        item: dict[str, Any] | None = response.get("Item")
        return item


def is_reconciled(summary: Mapping[str, Any]) -> bool:
    """True if every row has exactly one outcome."""
    return bool(summary["rows"] == sum(summary[outcome] for outcome in OUTCOMES))


def start(cloud: Cloud, name: str, content: bytes | str, options: Mapping[str, str] | None = None) -> str:
    """Upload a manifest and return the ARN of the execution that the upload started."""
    states, machine = cloud.client("stepfunctions"), cloud.outputs["StateMachineArn"]
    before = {found["executionArn"] for found in states.list_executions(stateMachineArn=machine)["executions"]}
    cloud.client("s3").put_object(
        Bucket=cloud.outputs["InputBucket"],
        Key=f"manifests/{name}",
        Body=content.encode() if isinstance(content, str) else content,
        Metadata=dict(options or {}),
    )
    cloud.settle()
    found = states.list_executions(stateMachineArn=machine)["executions"]
    (arn,) = {execution["executionArn"] for execution in found} - before
    return str(arn)


def finish(cloud: Cloud, arn: str) -> FinishedRun:
    """Wait for the end of an execution."""
    cloud.engine.wait_for(arn, timeout=TIMEOUT_SECONDS)
    execution = cloud.client("stepfunctions").describe_execution(executionArn=arn)
    return FinishedRun(cloud, execution, run_id_of(json.loads(execution["input"])))


def mirror(cloud: Cloud, name: str, content: bytes | str, options: Mapping[str, str] | None = None) -> FinishedRun:
    """Upload a manifest and wait for the end of its run."""
    return finish(cloud, start(cloud, name, content, options))
