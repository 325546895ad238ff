"""Executions of the state machine, and their Map Runs."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from functions.adapters.errors import AWS_ERRORS, error_code, failure_message
from functions.core.model.errors import WorkflowFault
from functions.core.model.ports import Progress
from functions.core.model.types import ExecutionInput

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeMapRunOutputTypeDef

_THROTTLING_CODES = frozenset({"ThrottlingException", "TooManyRequestsException", "Throttling"})


MAX_MAP_RUNS = 1000
"""The maximum of ListMapRuns: an execution has one Map Run for its manifest, and one for each pass."""


class StepFunctionsMapRuns:
    """The Map Runs of executions. An execution has one at a time, that of the manifest's reader or of a pass."""

    def __init__(self, stepfunctions: "SFNClient") -> None:
        self._stepfunctions = stepfunctions

    def set_concurrency(self, arn: str, children: int) -> bool:
        """Sets the maximum number of concurrent children. False if no Map Run is running. Raises WorkflowFault."""
        try:
            map_run_arn = self._map_run_arn(arn)
            if map_run_arn:
                self._stepfunctions.update_map_run(mapRunArn=map_run_arn, maxConcurrency=children)
            return map_run_arn is not None
        except AWS_ERRORS as error:
            if error_code(error) in ("ExecutionDoesNotExist", "ResourceNotFound", "ValidationException"):
                return False
            raise _fault("UpdateMapRun", error) from error

    def _map_run_arn(self, arn: str) -> str | None:
        """The Map Run that started last: their order in the answer is not documented."""
        map_runs = self._stepfunctions.list_map_runs(executionArn=arn, maxResults=MAX_MAP_RUNS)["mapRuns"]
        return max(map_runs, key=lambda run: run["startDate"])["mapRunArn"] if map_runs else None


class StepFunctionsExecutions(StepFunctionsMapRuns):
    """Executions of one state machine. An execution has the name of its run, so its ARN is known before it starts."""

    def __init__(self, stepfunctions: "SFNClient", state_machine_arn: str) -> None:
        super().__init__(stepfunctions)
        self._state_machine_arn = state_machine_arn

    def arn_of(self, run_id: str) -> str:
        return f"{self._state_machine_arn.replace(':stateMachine:', ':execution:')}:{run_id}"

    def start(self, run_id: str, event: ExecutionInput) -> None:
        """Does nothing if the execution exists already, running or ended. Raises WorkflowFault."""
        _start(self._stepfunctions, self._state_machine_arn, run_id, event)

    def stop(self, arn: str, error: str, cause: str) -> bool:
        """False if there is no such execution. Raises WorkflowFault."""
        try:
            self._stepfunctions.stop_execution(executionArn=arn, error=error, cause=cause)
        except AWS_ERRORS as aws_error:
            if error_code(aws_error) == "ExecutionDoesNotExist":
                return False
            raise _fault("StopExecution", aws_error) from aws_error
        return True

    def progress(self, arn: str) -> Progress | None:
        """Progress of the last Map Run; None before it has started, and while Step Functions throttles.

        The quota of DescribeMapRun is one request a second, with a burst of 200, for the account. Raises WorkflowFault.
        """
        try:
            map_run_arn = self._map_run_arn(arn)
            return _progress(self._stepfunctions.describe_map_run(mapRunArn=map_run_arn)) if map_run_arn else None
        except AWS_ERRORS as error:
            if error_code(error) in _THROTTLING_CODES or error_code(error) == "ExecutionDoesNotExist":
                return None
            raise _fault("DescribeMapRun", error) from error


def start_index(stepfunctions: "SFNClient", state_machine_arn: str, run_id: str) -> None:
    """Starts the execution that makes the index of a run, unless it exists already. Raises WorkflowFault."""
    _start(stepfunctions, state_machine_arn, run_id, {"run_id": run_id})


def _start(stepfunctions: "SFNClient", state_machine_arn: str, name: str, event: Mapping[str, object]) -> None:
    text = json.dumps(event, sort_keys=True)
    try:
        stepfunctions.start_execution(stateMachineArn=state_machine_arn, name=name, input=text)
    except AWS_ERRORS as error:
        if error_code(error) != "ExecutionAlreadyExists":
            raise _fault("StartExecution", error) from error


def _progress(map_run: "DescribeMapRunOutputTypeDef") -> Progress:
    rows = map_run["itemCounts"]
    return Progress(
        done=rows["succeeded"] + rows["failed"] + rows["timedOut"] + rows["aborted"],
        running=rows["running"],
        max_concurrency=map_run["maxConcurrency"],
        is_over=map_run["status"] != "RUNNING",
    )


def input_of(stepfunctions: "SFNClient", arn: str) -> ExecutionInput:
    """The input that an execution was started with. Raises WorkflowFault."""
    try:
        text = stepfunctions.describe_execution(executionArn=arn)["input"]
    except AWS_ERRORS as error:
        raise _fault("DescribeExecution", error) from error
    return cast(ExecutionInput, json.loads(text))


def _fault(operation: str, error: Exception) -> WorkflowFault:
    if isinstance(error, ClientError):
        operation = error.operation_name
    return WorkflowFault(failure_message(f"Step Functions {operation}", error))
