"""What a Task does: a call for each kind of resource."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.states.base import payloads
from local.states.base.errors import InvocationRefusedError, StatesError
from local.states.language.resources import LAMBDA_INVOKE
from local.states.run.invocation import Invocation, Invoke
from local.states.run.scope import Scope


@dataclass(frozen=True)
class Resource:
    """`call` gives the task's result; events of the history begin with `events`."""

    call: Callable[[str, Any, Scope, float | None], Any]
    events: str


def resource(arn: str) -> Resource:
    return _INVOKE if arn == LAMBDA_INVOKE else _FUNCTION


def _lambda_invoke(arn: str, parameters: Any, scope: Scope, timeout: float | None) -> Any:
    """The result in the shape of the optimized integration."""
    payload = _invoked(parameters["FunctionName"], parameters.get("Payload", {}), scope, timeout)
    request = str(uuid.uuid4())
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {"HttpHeaders": {"x-amzn-RequestId": request}, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": request},
        "StatusCode": 200,
    }


def _lambda_function(arn: str, parameters: Any, scope: Scope, timeout: float | None) -> Any:
    return _invoked(arn, parameters, scope, timeout)


def _invoked(function: Any, payload: Any, scope: Scope, timeout: float | None) -> Any:
    if not isinstance(function, str):
        raise StatesError("States.Runtime", "FunctionName is not a string")
    begun = scope.services.clock.now()
    call = _Call(scope.services.invoke, function, payload)
    scope.await_event(call.done, begun, timeout)
    answer = call.answer()
    if answer.error is None:
        return answer.payload
    name = answer.payload.get("errorType") if isinstance(answer.payload, dict) else None
    raise StatesError(str(name or "Lambda.Unknown"), payloads.text(answer.payload))


class _Call:
    """An invocation in a thread of its own, so that its caller can turn away from it: Lambda, too, goes on
    with a function that nobody waits for any more."""

    def __init__(self, invoke: Invoke, function: str, payload: Any) -> None:
        self.done = threading.Event()
        self._answer: Invocation | None = None
        self._error: Exception | None = None
        threading.Thread(target=self._run, args=(invoke, function, payload), name="invocation", daemon=True).start()

    def _run(self, invoke: Invoke, function: str, payload: Any) -> None:
        try:
            self._answer = invoke(function, payload)
        except Exception as error:
            self._error = error
        finally:
            self.done.set()

    def answer(self) -> Invocation:
        if self._answer is not None:
            return self._answer
        if isinstance(self._error, InvocationRefusedError):
            raise StatesError(self._error.name, self._error.message)
        raise StatesError("Lambda.SdkClientException", f"{type(self._error).__name__}: {self._error}")


_INVOKE = Resource(_lambda_invoke, "Task")
_FUNCTION = Resource(_lambda_function, "LambdaFunction")
