"""Removes the published versions of the functions that no open execution uses.

An execution invokes the versions that the definition named when it started. Therefore CloudFormation retains the
versions of earlier deployments, and they are removed here, after a later deployment.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeStateMachineForExecutionOutputTypeDef

KEPT_VERSIONS = 2
"""The newest versions of a function are kept in any case. An execution that started during the last update may use the
version before it, and ListExecutions may not list that execution yet."""

UPDATE_SECONDS = 60
"""An execution that starts this long after an update of the state machine uses the new definition. Step Functions says
"a few seconds"."""

IN_USE = ("ResourceConflictException", "ResourceNotFoundException")
"""Errors of DeleteFunction for a version that an alias names, and for one that was deleted meanwhile."""

_VERSION = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d+:function:([\w-]+):(\d+)")


LambdaClient = Any
"""The types of the client are not among the development requirements."""


class Version(NamedTuple):
    """A published version, by the name of its function and its number."""

    function: str
    number: int


def remove_unused_versions(aws_lambda: LambdaClient, states: "SFNClient", state_machine_arn: str) -> list[str]:
    """Delete the versions that neither the definition nor an open execution names. Returns `name:number` of each.

    Raises ClientError. If the definitions cannot be read, no version is deleted.
    """
    definition = states.describe_state_machine(stateMachineArn=state_machine_arn)["definition"]
    used = versions_in(definition)
    functions = {version.function for version in used}
    for text in _open_definitions(states, state_machine_arn):
        used |= versions_in(text)
    unused = [
        version for name in sorted(functions) for version in _published(aws_lambda, name)[:-KEPT_VERSIONS]
        if version not in used
    ]  # fmt: skip
    return [f"{version.function}:{version.number}" for version in unused if _delete(aws_lambda, version)]


def versions_in(definition: str) -> set[Version]:
    """The versions that a definition names."""
    return {Version(name, int(number)) for name, number in _VERSION.findall(definition)}


def _open_definitions(states: "SFNClient", state_machine_arn: str) -> Iterator[str]:
    """The definition of each revision of the state machine that an open execution has.

    The newest executions come first. Those that started since the revision was made have the same one, and need no
    request: DescribeStateMachineForExecution has a quota of one a second.
    """
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=state_machine_arn, statusFilter="RUNNING")
    made = None
    for execution in (each for page in pages for each in page["executions"]):
        if made is None or execution["startDate"] < made + timedelta(seconds=UPDATE_SECONDS):
            described = _described(states, execution["executionArn"])
            if described is not None:
                made = described["updateDate"]
                yield described["definition"]


def _described(states: "SFNClient", execution_arn: str) -> "DescribeStateMachineForExecutionOutputTypeDef | None":
    """None for an execution that does not exist any more."""
    try:
        return states.describe_state_machine_for_execution(executionArn=execution_arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return None
        raise


def _published(aws_lambda: LambdaClient, function: str) -> list[Version]:
    """The versions of a function, the oldest first, without $LATEST."""
    pages = aws_lambda.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    names = [version["Version"] for page in pages for version in page["Versions"]]
    return [Version(function, number) for number in sorted(int(name) for name in names if name.isdigit())]


def _delete(aws_lambda: LambdaClient, version: Version) -> bool:
    try:
        aws_lambda.delete_function(FunctionName=version.function, Qualifier=str(version.number))
    except ClientError as error:
        if error.response["Error"]["Code"] in IN_USE:
            return False
        raise
    return True
