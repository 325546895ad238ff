"""`./image-mirror index RUN`: makes the index of a run again, and waits for that of a run on this machine."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from cdk.account import aws
from cdk.account.aws import Clients
from functions.core.summary.execution import WorkflowFailure
from local.aws.cloud import Cloud
from local.aws.stack import DeploymentError
from local.aws_settings import aws_requests, missing_output, missing_stack, missing_variable
from local.errors import UsageError
from local.parquet import load_parquet
from local.startup import spinner

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

POLL_SECONDS = 1.0
OUTPUT = "IndexMachineArn"
VARIABLE = "INDEX_MACHINE_ARN"
MAX_NAME = 60
"""Characters of a run ID in the name of an execution, which has at most 80."""

Print = Callable[[str], object]


def index_in_folder(run_id: str, out: Path, assembly: Path, show: Print) -> int:
    """Make the index of a run in OUT, in which no other command runs. Raises UsageError."""
    load_parquet()
    show(f"Deploying the stack to the local AWS, then indexing {run_id}.")
    try:
        cloud = Cloud(assembly=assembly, out=out)
    except DeploymentError as error:
        raise UsageError(str(error)) from error
    with cloud:
        status = _index(cloud.client, cloud.outputs[OUTPUT], run_id, show)
        cloud.settle()
        cloud.export(run_id)
    if status == 0:
        show(f"The index is in {out / 'runs' / run_id / 'index'}.")
    return status


def index_remotely(run_id: str, variables: Mapping[str, str] | None, stack_name: str, show: Print) -> int:
    """Make the index of a run of `up`, which has written `variables`, otherwise of the AWS account.

    Raises UsageError.
    """
    with aws_requests(variables):
        client, machine = _of_account(stack_name) if variables is None else _of_up(variables)
        return _index(client, machine, run_id, show)


def wait_for_index(cloud: Cloud, run_id: str) -> str:
    """Return when the index of a run that has ended is made, or could not be made: then the reason and what to do.

    A run without rows has no index.
    """
    execution = cloud.engine.services.executions.get(_execution_arn(cloud.outputs.get(OUTPUT, ""), run_id))
    if execution is None or (execution.done.wait() and execution.status == "SUCCEEDED"):
        return ""
    reason = _reason({"error": execution.error, "cause": execution.cause})
    return f"The results were not made a table: {reason} To try again: ./image-mirror index {run_id}"


def _of_up(variables: Mapping[str, str]) -> tuple[Clients, str]:
    load_parquet()
    try:
        session = boto3.Session(
            variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name=variables["AWS_REGION"]
        )
        machine, endpoint = variables[VARIABLE], variables["AWS_ENDPOINT_URL"]
    except KeyError as error:
        raise missing_variable(error) from error
    return aws.clients(session, endpoint_url=endpoint, config=Config(proxies={})), machine


def _of_account(name: str) -> tuple[Clients, str]:
    session = aws.session()
    client = aws.clients(session)
    stack = aws.stack(client, name)
    if stack is None:
        raise missing_stack(name, session.region_name)
    machine = aws.outputs(stack).get(OUTPUT)
    if machine is None:
        raise missing_output(name, OUTPUT, stack["StackStatus"])
    return client, machine


def _index(client: Clients, machine: str, run_id: str, show: Print) -> int:
    states: SFNClient = client("stepfunctions")
    name = f"{run_id[:MAX_NAME]}-{int(time.time())}"
    arn = states.start_execution(stateMachineArn=machine, name=name, input=json.dumps({"run_id": run_id}))[
        "executionArn"
    ]
    with spinner(f"Indexing {run_id}"):
        while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(POLL_SECONDS)
    if described["status"] == "SUCCEEDED":
        show(f"The run {run_id} is indexed.")
        return 0
    show(f"The run {run_id} is not indexed: {_reason(described)}")
    return 1


def _reason(described: Mapping[str, Any]) -> str:
    """The error of an execution in one line. Any: the members of DescribeExecution differ in their types."""
    failure = WorkflowFailure.from_caught(
        {"Error": described.get("error") or "", "Cause": described.get("cause") or ""}
    )
    return f"{failure.error}: {failure.cause}" if failure else described.get("status", "")


def _execution_arn(machine: str, name: str) -> str:
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
