"""A manifest through the whole pipeline of a local cloud, and what came of it."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.core.model.runs import run_id_of
from local.aws.cloud import Cloud

ENDINGS = ("stored", "unchanged", "skipped", "duplicate", "failed")
SECONDS = 120


@dataclass(frozen=True)
class Ended:
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
        found: dict[str, Any] = json.loads(self.file("summary.json"))
        return found

    def file(self, name: str) -> bytes:
        """Of the run's folder, or named whole as the summary names its reports."""
        key = name if name.startswith("runs/") else f"runs/{self.run_id}/{name}"
        body = self.cloud.client("s3").get_object(Bucket=self.cloud.outputs["InputBucket"], Key=key)["Body"]
        return bytes(body.read())

    def names(self, folder: str = "") -> list[str]:
        prefix = f"runs/{self.run_id}/{folder}"
        pages = self.cloud.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.cloud.outputs["InputBucket"], Prefix=prefix)
        return [entry["Key"] for page in found for entry in page.get("Contents", [])]

    def outcomes(self) -> dict[int, dict[str, Any]]:
        """What batches wrote, by row; for tests whose batches run once."""
        lines = [line for name in self.names("results/") for line in self.file(name).splitlines()]
        return {line["row"]: line for line in map(json.loads, lines)}

    def failures(self) -> list[dict[str, str]]:
        """The rows of failures.csv."""
        report = self.summary["failures_report"]
        return list(csv.DictReader(io.StringIO(self.file(report).decode()))) if report else []

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """Bodies of what the topic published about this run."""
        told = [message for message in self.cloud.messages() if message["type"] == kind]
        return [message["message"] for message in told if message["message"]["run_id"] == self.run_id]

    def image(self, url: str) -> bytes:
        """The object that the images table has for the URL."""
        row = self.row(url)
        assert row is not None
        found = self.cloud.client("s3").get_object(
            Bucket=self.cloud.outputs["ImagesBucket"], Key=row["object_key"]["S"]
        )
        return bytes(found["Body"].read())

    def row(self, url: str) -> dict[str, Any] | None:
        answer = self.cloud.client("dynamodb").get_item(
            TableName=self.cloud.outputs["ImagesTable"], Key={"url": {"S": url}}
        )
        found: dict[str, Any] | None = answer.get("Item")
        return found


def books_balance(summary: Mapping[str, Any]) -> bool:
    return bool(summary["rows"] == sum(summary[ending] for ending in ENDINGS))


def start(cloud: Cloud, name: str, content: bytes | str, options: Mapping[str, str] | None = None) -> str:
    """Uploads a manifest and returns the ARN of the execution that the upload started."""
    states, machine = cloud.client("stepfunctions"), cloud.outputs["StateMachineArn"]
    known = {found["executionArn"] for found in states.list_executions(stateMachineArn=machine)["executions"]}
    cloud.client("s3").put_object(
        Bucket=cloud.outputs["InputBucket"],
        Key=f"manifests/{name}",
        Body=content.encode() if isinstance(content, str) else content,
        Metadata=dict(options or {}),
    )
    cloud.settle()
    found = states.list_executions(stateMachineArn=machine)["executions"]
    (arn,) = {execution["executionArn"] for execution in found} - known
    return str(arn)


def ended(cloud: Cloud, arn: str) -> Ended:
    """Waits for the execution's end."""
    cloud.engine.wait_for(arn, timeout=SECONDS)
    execution = cloud.client("stepfunctions").describe_execution(executionArn=arn)
    return Ended(cloud, execution, run_id_of(json.loads(execution["input"])))


def mirror(cloud: Cloud, name: str, content: bytes | str, options: Mapping[str, str] | None = None) -> Ended:
    """Upload, S3 event, rule, state machine, functions: to the end."""
    return ended(cloud, start(cloud, name, content, options))
