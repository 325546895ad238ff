"""`./image-mirror watch`: follows a run of a running `up`, or of the AWS account of your credentials."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from cdk.account import aws
from cdk.account.aws import Clients, clients
from functions.core.model.runs import LocalRun, run_id_of
from local.aws_settings import aws_requests, missing_output, missing_stack, missing_variable
from local.commands.env_file import read_env_file
from local.commands.terminal import RunResult, Terminal, failure_examples, report_files
from local.commands.watcher import RunProgress, StackOutputs, Watcher, run_item
from local.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

CONSOLE_OF_UP = "The console shows the report with the images. `up` has printed its address."
CONSOLE = "`./image-mirror console` shows the report with the images."

POLL_SECONDS = 2.0
MAX_LISTED_RUNS = 5
"""Maximum number of runs that are named where a run does not exist."""


def watch(*, out: Path, run_id: str, stack_name: str) -> int:
    """Follow a run, by default the latest one. Returns the exit status of the run. Raises UsageError.

    `stack_name` is the name of the stack in the account.
    """
    terminal = Terminal()
    variables = read_env_file(out)
    with aws_requests(variables):
        try:
            client, outputs = _account_stack(stack_name) if variables is None else _local_stack(variables)
            local_run = None if variables is None else LocalRun(command="up", out=str(out))
            return _follow(terminal, client, outputs, run_id, local_run)
        except KeyboardInterrupt:
            terminal.print("Stopped watching. The run continues.")
            return 130


def _follow(terminal: Terminal, client: Clients, outputs: StackOutputs, run_id: str, local_run: LocalRun | None) -> int:
    hint = f" {aws.EVENTS_DELAY}" if local_run is None else ""
    watcher = Watcher(client, outputs, _execution_arn(client, outputs, run_id, hint))
    terminal.print(f"Watching {watcher.run_id}. Press Ctrl-C to stop watching; the run continues.")
    progress = terminal.follow(watcher.watch(POLL_SECONDS))
    terminal.show_result(_result(progress, watcher, outputs, local_run))
    return 0 if progress.execution.succeeded else 1


def _local_stack(variables: Mapping[str, str]) -> tuple[Clients, StackOutputs]:
    """The stack of the running `up` that has written the variables. Raises UsageError."""
    try:
        session = boto3.Session(
            variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name=variables["AWS_REGION"]
        )
        outputs = StackOutputs(variables["STATE_MACHINE_ARN"], variables["RUNS_TABLE"], variables["INPUT_BUCKET"])
        endpoint = variables["AWS_ENDPOINT_URL"]
    except KeyError as error:
        raise missing_variable(error) from error
    return clients(session, endpoint_url=endpoint, config=Config(proxies={})), outputs


def _account_stack(name: str) -> tuple[Clients, StackOutputs]:
    """The deployed stack in the AWS account and region of the user's settings. Raises UsageError."""
    session = aws.session()
    client = clients(session)
    stack = aws.stack(client, name)
    if stack is None:
        raise missing_stack(name, session.region_name)
    try:
        return client, StackOutputs.from_outputs(aws.outputs(stack))
    except KeyError as error:
        raise missing_output(name, error.args[0], stack["StackStatus"]) from error


def _execution_arn(client: Clients, outputs: StackOutputs, run_id: str, hint: str) -> str:
    """The execution of a run, by default of the latest one. Raises UsageError, with the hint if there is no run."""
    if run_id:
        record = run_item(client, outputs, run_id)
        if "execution_arn" in record:
            return str(record["execution_arn"]["S"])
    states: SFNClient = client("stepfunctions")
    latest = states.list_executions(stateMachineArn=outputs.state_machine_arn, maxResults=MAX_LISTED_RUNS)["executions"]
    if latest and not run_id:
        return latest[0]["executionArn"]
    if not latest:
        raise UsageError(
            f"There is no run yet. Upload a manifest to s3://{outputs.input_bucket}/manifests/ to start one.{hint}"
        )
    inputs = (states.describe_execution(executionArn=execution["executionArn"])["input"] for execution in latest)
    names = ", ".join(run_id_of(json.loads(text)) for text in inputs)
    raise UsageError(f"There is no run {run_id}. The latest runs: {names}.")


def _result(progress: RunProgress, watcher: Watcher, outputs: StackOutputs, local_run: LocalRun | None) -> RunResult:
    summary = watcher.summary()
    files = report_files(summary) if summary else []
    locations = [(label, f"s3://{outputs.input_bucket}/{key}") for label, key in files]
    failures = failure_examples(watcher.failures(summary), summary["failures_by_reason"]) if summary else ()
    notes = [CONSOLE if local_run is None else CONSOLE_OF_UP] if summary else []
    return RunResult(progress.execution, summary, locations, failures, notes, local_run)
