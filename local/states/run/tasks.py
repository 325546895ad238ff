"""The resources that a Task can call: Lambda and state machines through optimized integrations, a function by its ARN.

DG "Invoke an AWS Lambda function with Step Functions".
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from local.states.base import payloads
from local.states.base.errors import RUNTIME, InvocationRefusedError, ReportedError, StatesError
from local.states.base.payloads import JsonObject, JsonValue
from local.states.language.resources import LAMBDA_INVOKE, START_EXECUTION
from local.states.run.nested_executions import start_and_wait
from local.states.run.responses import sdk_metadata
from local.states.run.scope import Scope
from local.states.run.services import Invocation, Invoke

UNKNOWN_ERROR = "Lambda.Unknown"
"""The function failed, and its response has no `errorType`."""
CLIENT_ERROR = "Lambda.SdkClientException"
"""The call failed before Lambda answered."""
LAMBDA_ERROR = "Lambda.AWSLambdaException"
"""Lambda refused the call."""
DENIED = "(Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException)"
"""The end of the cause if the role of the state machine may not invoke the function."""


@dataclass(frozen=True)
class TaskResource:
    """`call(arn, parameters, scope, timeout)` returns the result of the task; the timeout is in seconds.

    `event_prefix` begins the types of its history events.
    """

    call: Callable[[str, JsonValue, Scope, float | None], JsonValue]
    event_prefix: str


def task_resource(arn: str) -> TaskResource:
    return _INTEGRATIONS.get(arn, _LAMBDA_FUNCTION)


def _call_lambda_invoke(arn: str, parameters: JsonValue, scope: Scope, timeout: float | None) -> JsonObject:
    """The result has the shape of the optimized integration."""
    fields = parameters if isinstance(parameters, dict) else {}
    request = _request_payload(fields.get("Payload"))
    invocation = _invoke(fields.get("FunctionName"), request, scope, timeout, payloads.to_text)
    version, payload = invocation.version, invocation.payload
    headers = {"X-Amz-Executed-Version": version, "x-amzn-Remapped-Content-Length": "0"}
    metadata = sdk_metadata("application/json", payloads.size(payload), headers)
    return {"ExecutedVersion": version, "Payload": payload, **metadata, "StatusCode": int(HTTPStatus.OK)}


def _request_payload(payload: JsonValue) -> JsonValue:
    """What the function receives: the JSON that a text contains, and an empty object for null."""
    if not isinstance(payload, str):
        return {} if payload is None else payload
    try:
        value: JsonValue = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    return value


def _call_lambda_function(arn: str, parameters: JsonValue, scope: Scope, timeout: float | None) -> JsonValue:
    return _invoke(arn, parameters, scope, timeout, json.dumps).payload


def _invoke(
    function: JsonValue,
    payload: JsonValue,
    scope: Scope,
    timeout: float | None,
    error_text: Callable[[JsonValue], str],
) -> Invocation:
    """`error_text` makes the cause of a failure from the response: the optimized integration parses it, a function by
    its ARN passes on the text that the runtime of Python writes.

    Raises StatesError with the `errorType` of the function, StoppedError or TimedOutError."""
    if not isinstance(function, str):
        raise StatesError(RUNTIME, "FunctionName is not a string")
    cause = scope.services.refusal(scope.execution.machine.role_arn, "lambda:InvokeFunction", function)
    if cause is not None:
        raise StatesError(LAMBDA_ERROR, f"{cause} {DENIED}")
    started = scope.services.clock.now()
    call = _PendingCall(scope.services.invoke, function, payload)
    scope.wait_for_event(call.done, started, timeout)
    invocation = call.invocation()
    if invocation.error is None:
        return invocation
    error_type = invocation.payload.get("errorType") if isinstance(invocation.payload, dict) else None
    raise ReportedError(str(error_type or UNKNOWN_ERROR), error_text(invocation.payload))


class _PendingCall:
    """An invocation in a thread of its own, so that the execution can stop waiting for it. The function continues, as
    it does in Lambda."""

    def __init__(self, invoke: Invoke, function: str, payload: JsonValue) -> None:
        self.done = threading.Event()
        self._invocation: Invocation | None = None
        self._error: Exception | None = None
        threading.Thread(target=self._run, args=(invoke, function, payload), name="invocation", daemon=True).start()

    def _run(self, invoke: Invoke, function: str, payload: JsonValue) -> None:
        try:
            self._invocation = invoke(function, payload)
        except Exception as error:
            self._error = error
        finally:
            self.done.set()

    def invocation(self) -> Invocation:
        """Raises StatesError if Lambda did not run the function."""
        if self._invocation is not None:
            return self._invocation
        if isinstance(self._error, InvocationRefusedError):
            raise ReportedError(self._error.name, self._error.message)
        raise ReportedError(CLIENT_ERROR, f"{type(self._error).__name__}: {self._error}")


_INTEGRATIONS = {
    LAMBDA_INVOKE: TaskResource(_call_lambda_invoke, "Task"),
    START_EXECUTION: TaskResource(start_and_wait, "Task"),
}
_LAMBDA_FUNCTION = TaskResource(_call_lambda_function, "LambdaFunction")
