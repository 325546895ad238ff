"""`make run`: mirrors one manifest with the whole pipeline on this machine.

It uploads a manifest and watches the execution; the deployed stack does everything in between.
"""

import csv
import itertools
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from functions.core.model.types import RunSummary
from local.aws.cloud import Cloud
from local.aws.deploy import DeploymentError
from local.commands.demo_site import DemoSite
from local.commands.terminal import MAX_FAILURES, RunResult, Terminal, report_files
from local.commands.usage import ROOT, manifest_file
from local.commands.watcher import RunProgress, StackOutputs, Watcher
from local.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

LOOPBACK = "127.0.0.0/8"
DEMO = ROOT / "manifests" / "demo.csv"
DEMO_OPTIONS = {"rounds": "3"}
POLL_SECONDS = 0.2


def run(*, assembly: Path, out: Path, allow: str, manifest: str | None, options: Mapping[str, str]) -> int:
    """Mirror a manifest, by default the demo. Returns the exit status of the run. Raises UsageError."""
    terminal = Terminal()
    with ExitStack() as cleanup:
        file = manifest_file(manifest) if manifest else DEMO
        if not manifest:
            site = cleanup.enter_context(DemoSite())
            allow = ",".join(filter(None, (allow, LOOPBACK)))
            options = {"base-url": site.url, **DEMO_OPTIONS, **options}
        terminal.print(f"Deploying the stack to the local AWS, then mirroring {file}.")
        cloud = cleanup.enter_context(_cloud(assembly, allow, out))
        count_stored = _stored_counter(cloud)
        _upload(cloud, file, options)
        watcher = Watcher(cloud.client, StackOutputs.from_outputs(cloud.outputs), _execution_arn(cloud), count_stored)
        progress = terminal.follow(watcher.watch(POLL_SECONDS))
        cloud.settle()
        exported = cloud.export(watcher.run_id)
        terminal.show_result(_result(progress, out, watcher.run_id, exported.skipped))
    return 0 if progress.execution.succeeded else 1


def _cloud(assembly: Path, allow: str, out: Path) -> Cloud:
    """Raises UsageError."""
    try:
        return Cloud(assembly=assembly, parameters={"AllowedNetworks": allow}, out=out)
    except DeploymentError as error:
        raise UsageError(str(error)) from error


def _upload(cloud: Cloud, file: Path, options: Mapping[str, str]) -> None:
    s3: S3Client = cloud.client("s3")
    with file.open("rb") as body:
        s3.upload_fileobj(
            body, cloud.outputs["InputBucket"], f"manifests/{file.name}", ExtraArgs={"Metadata": dict(options)}
        )


def _execution_arn(cloud: Cloud) -> str:
    """Wait for the execution that the upload starts."""
    states: SFNClient = cloud.client("stepfunctions")
    while True:
        executions = states.list_executions(stateMachineArn=cloud.outputs["StateMachineArn"])["executions"]
        if executions:
            return executions[0]["executionArn"]
        time.sleep(POLL_SECONDS)


def _stored_counter(cloud: Cloud) -> Callable[[], int]:
    """Counts the items added to the images table from now on. The local AWS updates ItemCount at once; AWS does so
    every six hours."""
    dynamodb: DynamoDBClient = cloud.client("dynamodb")

    def item_count() -> int:
        return dynamodb.describe_table(TableName=cloud.outputs["ImagesTable"])["Table"]["ItemCount"]

    before = item_count()
    return lambda: item_count() - before


def _result(progress: RunProgress, out: Path, run_id: str, skipped: Mapping[str, str]) -> RunResult:
    path = out / "runs" / run_id / "summary.json"
    summary: RunSummary | None = json.loads(path.read_text()) if path.exists() else None
    reports = [(label, out / key) for label, key in (report_files(summary) if summary else [])]
    files = [
        *reports[:1],
        ("Images", out / "images"),
        ("Table", out / "images.jsonl"),
        ("Messages", out / "messages.jsonl"),
        *reports[1:],
        ("Summary", out / "summary.json"),
    ]
    failures = summary.get("failures_report") if summary else None
    return RunResult(
        execution=progress.execution,
        summary=summary,
        locations=[(label, str(file)) for label, file in files if file.exists()],
        failures=_first_rows(out / failures) if failures else (),
        notes=[
            f"Not exported to {out}: {key!r} is not a usable file name: {reason}." for key, reason in skipped.items()
        ],
    )


def _first_rows(report: Path) -> list[dict[str, str]]:
    with report.open(encoding="utf-8", newline="") as file:
        return list(itertools.islice(csv.DictReader(file), MAX_FAILURES))
