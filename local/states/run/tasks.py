"""The resources that a Task can call: Lambda through the optimized integration, or a function by its ARN.

DG "Invoke an AWS Lambda function with Step Functions".
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from local.states.base import payloads
from local.states.base.errors import RUNTIME, InvocationRefusedError, StatesError
from local.states.base.payloads import JsonObject, JsonValue
from local.states.language.resources import LAMBDA_INVOKE
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
    return _LAMBDA_INVOKE if arn == LAMBDA_INVOKE else _LAMBDA_FUNCTION


def _call_lambda_invoke(arn: str, parameters: JsonValue, scope: Scope, timeout: float | None) -> JsonObject:
    """The result has the shape of the optimized integration."""
    fields = parameters if isinstance(parameters, dict) else {}
    payload = _invoke(fields.get("FunctionName"), fields.get("Payload", {}), scope, timeout)
    request_id = str(uuid.uuid4())
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {"HttpHeaders": {"x-amzn-RequestId": request_id}, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": request_id},
        "StatusCode": 200,
    }


def _call_lambda_function(arn: str, parameters: JsonValue, scope: Scope, timeout: float | None) -> JsonValue:
    return _invoke(arn, parameters, scope, timeout)


def _invoke(function: JsonValue, payload: JsonValue, scope: Scope, timeout: float | None) -> JsonValue:
    """Raises StatesError with the `errorType` of the function, StoppedError or TimedOutError."""
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
        return invocation.payload
    error_type = invocation.payload.get("errorType") if isinstance(invocation.payload, dict) else None
    raise StatesError(str(error_type or UNKNOWN_ERROR), payloads.to_text(invocation.payload))


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
            raise StatesError(self._error.name, self._error.message)
        raise StatesError(CLIENT_ERROR, f"{type(self._error).__name__}: {self._error}")


_LAMBDA_INVOKE = TaskResource(_call_lambda_invoke, "Task")
_LAMBDA_FUNCTION = TaskResource(_call_lambda_function, "LambdaFunction")
