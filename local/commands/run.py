"""`make run`: mirrors one manifest with the whole pipeline on this machine.

It uploads a manifest and watches the execution; the deployed stack does everything in between.
"""

import csv
import json
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from functions.core.model.metadata import options_to_metadata
from functions.core.model.runs import LocalRun
from functions.core.model.types import RunSummary
from functions.core.prepare.known_bad import LISTS
from local.aws.cloud import NO_LIMITS, Cloud
from local.aws.direct import direct_clients, stored_counter, waiter
from local.aws.stack import DeploymentError
from local.commands.demo_site import demo_site
from local.commands.manifest_plan import parquet_as_lines
from local.commands.terminal import RunResult, Terminal, failure_examples, report_files
from local.commands.usage import ROOT, manifest_file
from local.commands.watcher import RunProgress, StackOutputs, Watcher
from local.errors import UsageError
from local.index_command import wait_for_index
from local.interrupted import interrupt, summarize_interrupted
from local.limits import Limits
from local.preflight import known_bad_file
from local.startup import spinner

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

PROGRAM = "./image-mirror"
LOOPBACK = "127.0.0.0/8"
DEMO = ROOT / "manifests" / "demo.csv"
DEMO_OPTIONS = {"rounds": "3"}
POLL_SECONDS = 1.0
PREWARMED = {"functions.prepare_run.handler": 1, "functions.download_batch.handler": 2}
"""Sandboxes that load their handler while the manifest is uploaded, by handler."""

INTERRUPTED = 130
"""Exit status of a command that was interrupted: 128 + SIGINT."""


def run(
    *,
    assembly: Path,
    out: Path,
    allow: str,
    manifest: str | None,
    options: Mapping[str, str],
    demo: bool = False,
    limits: Limits = NO_LIMITS,
) -> int:
    """Mirror a manifest, by default the demo. Returns the exit status of the run. Raises UsageError.

    `demo` serves the web site of the demo also for another manifest: for a retry manifest of the demo.
    """
    terminal = Terminal()
    local_run = LocalRun(command="run", out=str(out), program=program(), allow=allow, demo=demo or not manifest)
    with ExitStack() as cleanup:
        file = manifest_file(manifest) if manifest else DEMO
        if local_run.demo:
            site = cleanup.enter_context(demo_site(file if manifest else None))
            allow = ",".join(filter(None, (allow, LOOPBACK)))
            options = {**DEMO_OPTIONS, **({} if manifest else {"base-url": site.url}), **options}
        is_probe = "probe" in options
        if is_probe and file.suffix.lower() == ".parquet":
            file = cleanup.enter_context(parquet_as_lines(file))
        what = "probing" if is_probe else "mirroring"
        with terminal.working(f"Deploying the stack to the local AWS, then {what} {file}"):
            cloud = cleanup.enter_context(_cloud(assembly, allow, out, local_run, limits))
        _prewarm(cloud)
        finish_interrupted(cloud, terminal, out)
        count_stored = stored_counter(cloud)
        if known_bad := known_bad_file(options.get("known-bad", "")):
            options = {**options, "known-bad": _upload_list(cloud, known_bad)}
        _upload(cloud, file, options)
        watcher = _watcher(cloud, count_stored)
        try:
            progress, status = terminal.follow(watcher.watch(POLL_SECONDS)), None
        except KeyboardInterrupt:
            terminal.print("Interrupted. Summarizing what was stored; press Ctrl-C again to leave at once.")
            interrupt(cloud)
            progress, status = watcher.poll(), INTERRUPTED
        with spinner("Making the index"):
            failure = wait_for_index(cloud, watcher.run_id)
        cloud.settle()
        cloud.export(watcher.run_id)
        terminal.show_result(_result(progress, local_run, watcher.run_id))
        if failure:
            terminal.print(failure)
    return (0 if progress.execution.succeeded else 1) if status is None else status


def finish_interrupted(cloud: Cloud, terminal: Terminal, out: Path) -> None:
    """Summarize the runs that an earlier process in this OUT could not finish."""
    for run_id in summarize_interrupted(cloud):
        wait_for_index(cloud, run_id)
        cloud.export(run_id)
        folder = out / "runs" / run_id
        terminal.print(f"The earlier run {run_id} was interrupted. Its report and its retry manifest are in {folder}.")


def program() -> str:
    """The path of image-mirror from the current folder."""
    return PROGRAM if Path.cwd() == ROOT else str(ROOT / PROGRAM)


def _cloud(assembly: Path, allow: str, out: Path, local_run: LocalRun, limits: Limits) -> Cloud:
    """Raises UsageError."""
    try:
        return Cloud(assembly=assembly, allow=allow, out=out, local_run=local_run.as_text(), limits=limits)
    except DeploymentError as error:
        raise UsageError(str(error)) from error


def _prewarm(cloud: Cloud) -> None:
    for function in cloud.functions.newest():
        cloud.functions.prewarm(function.qualified_name, PREWARMED.get(function.handler, 0))


def _upload_list(cloud: Cloud, file: Path) -> str:
    """The key of the list in the input bucket. It is an option, so it is ASCII."""
    key = LISTS + re.sub(r"[^\w.-]", "_", file.name, flags=re.ASCII)
    s3: S3Client = cloud.client("s3")
    s3.upload_file(str(file), cloud.outputs["InputBucket"], key)
    return key


def _upload(cloud: Cloud, file: Path, options: Mapping[str, str]) -> None:
    s3: S3Client = cloud.client("s3")
    with file.open("rb") as body:
        s3.upload_fileobj(
            body,
            cloud.outputs["InputBucket"],
            f"manifests/{file.name}",
            ExtraArgs={"Metadata": options_to_metadata(options)},
        )


def _watcher(cloud: Cloud, count_stored: Callable[[], int]) -> Watcher:
    """Follows the execution that the upload has started."""
    cloud.events.flush()
    states: SFNClient = cloud.client("stepfunctions")
    latest = states.list_executions(stateMachineArn=cloud.outputs["StateMachineArn"], maxResults=1)["executions"]
    arn = latest[0]["executionArn"]
    outputs = StackOutputs.from_outputs(cloud.outputs)
    return Watcher(direct_clients(cloud), outputs, arn, count_stored, waiter(cloud, arn))


def _result(progress: RunProgress, local_run: LocalRun, run_id: str) -> RunResult:
    out = Path(local_run.out)
    path = out / "runs" / run_id / "summary.json"
    summary: RunSummary | None = json.loads(path.read_text()) if path.exists() else None
    folder = out / "runs" / run_id
    reports = [(label, out / key) for label, key in (report_files(summary) if summary else [])]
    files = [
        *reports[:1],
        *([] if summary and summary.get("probe") else [("Images", out / "images"), ("Table", out / "images.jsonl")]),
        ("Messages", out / "messages.jsonl"),
        *reports[1:],
        ("Results", folder / "results.csv"),
        ("Suspects", folder / "suspects.csv"),
        ("Summary", out / "summary.json"),
    ]
    failures = summary.get("failures_report") if summary else None
    return RunResult(
        execution=progress.execution,
        summary=summary,
        local_run=local_run,
        locations=[(label, str(file)) for label, file in files if file.exists()],
        failures=_examples(out / failures, summary) if summary and failures else (),
    )


def _examples(report: Path, summary: RunSummary) -> list[Mapping[str, str]]:
    with report.open(encoding="utf-8", newline="") as file:
        return failure_examples(csv.DictReader(file), summary["failures_by_reason"])
