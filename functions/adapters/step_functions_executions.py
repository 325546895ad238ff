"""The state machine's executions, and the Map Run of one."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from functions.adapters.errors import AWS_ERRORS, code_of
from functions.core.model.errors import WorkflowFault
from functions.core.model.ports import Progress

_THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException", "Throttling"})


class StepFunctionsExecutions:
    """Of one state machine. An execution is named as its run, so that its ARN is known before it starts."""

    def __init__(self, states: Any, state_machine_arn: str) -> None:
        self._states = states
        self._machine = state_machine_arn

    def arn_of(self, run_id: str) -> str:
        return f"{self._machine.replace(':stateMachine:', ':execution:')}:{run_id}"

    def start(self, run_id: str, event: Mapping[str, Any]) -> None:
        """Does nothing where it has started already, running or over. Raises WorkflowFault."""
        text = json.dumps(event, sort_keys=True)
        try:
            self._states.start_execution(stateMachineArn=self._machine, name=run_id, input=text)
        except ClientError as error:
            if code_of(error) != "ExecutionAlreadyExists":
                raise _fault(error) from error
        except AWS_ERRORS as error:
            raise _fault(error) from error

    def stop(self, arn: str, error: str, cause: str) -> bool:
        """False where there is no such execution. Raises WorkflowFault."""
        try:
            self._states.stop_execution(executionArn=arn, error=error, cause=cause)
        except ClientError as refusal:
            if code_of(refusal) == "ExecutionDoesNotExist":
                return False
            raise _fault(refusal) from refusal
        except AWS_ERRORS as broken:
            raise _fault(broken) from broken
        return True

    def progress(self, arn: str) -> Progress | None:
        """Of its Map Run; None before that has begun, and where Step Functions is asked too often.

        DescribeMapRun is answered once a second, 200 times in a burst, for the whole account. Raises WorkflowFault.
        """
        try:
            map_run = self._map_run(arn)
            return _progress(self._states.describe_map_run(mapRunArn=map_run)) if map_run else None
        except ClientError as error:
            if code_of(error) in _THROTTLED or code_of(error) == "ExecutionDoesNotExist":
                return None
            raise _fault(error) from error
        except AWS_ERRORS as error:
            raise _fault(error) from error

    def set_concurrency(self, arn: str, children: int) -> bool:
        """From now on at most so many at once. False where no Map Run is under way. Raises WorkflowFault."""
        try:
            map_run = self._map_run(arn)
            if map_run:
                self._states.update_map_run(mapRunArn=map_run, maxConcurrency=children)
            return map_run is not None
        except ClientError as error:
            if code_of(error) in ("ExecutionDoesNotExist", "ResourceNotFound", "ValidationException"):
                return False
            raise _fault(error) from error
        except AWS_ERRORS as error:
            raise _fault(error) from error

    def _map_run(self, arn: str) -> str | None:
        """A run has one at most: that of its manifest's reader."""
        found = self._states.list_map_runs(executionArn=arn)["mapRuns"]
        return str(found[0]["mapRunArn"]) if found else None


def _progress(described: Mapping[str, Any]) -> Progress:
    rows = described["itemCounts"]
    ended = ("succeeded", "failed", "timedOut", "aborted")
    return Progress(
        done=sum(rows[name] for name in ended),
        running=rows["running"],
        max_concurrency=described["maxConcurrency"],
    )


def input_of(states: Any, arn: str) -> Mapping[str, Any]:
    """What an execution was started with. Raises WorkflowFault."""
    try:
        found: dict[str, Any] = json.loads(states.describe_execution(executionArn=arn)["input"])
    except AWS_ERRORS as error:
        raise _fault(error) from error
    return found


def _fault(error: Exception) -> WorkflowFault:
    return WorkflowFault(f"Step Functions refuses ({code_of(error)}): {error}")
