"""Routes the requests of the single endpoint: to Step Functions, Lambda and API Gateway here, all others to moto.

| request | recognised by | handled by |
|---|---|---|
| Step Functions | `X-Amz-Target: AWSStepFunctions.*` | `local.states` |
| Lambda Invoke, GetAccountSettings | the path | `local.lambdas` |
| the REST API | the path | `local.aws.http.gateway` |
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from local.lambdas.concurrency import ThrottledError
from local.lambdas.function import version_of
from local.lambdas.host import FunctionNotFoundError, HostClosedError
from local.lambdas.sandbox import InvocationResult

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STATES_TARGET = "AWSStepFunctions."
INVOKE_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
ACCOUNT_SETTINGS_PATH = "/2016-08-19/account-settings"
MAX_PAYLOAD_BYTES = {"RequestResponse": 6_291_456, "Event": 1_048_576}
"""Lambda's quotas for the payload of an invocation, by invocation type."""

Route = Callable[[Request], Response | None]
"""Returns None for a request of another route."""


class States(Protocol):
    """Any: the body of a request and of a response depends on the action."""

    def call(self, action: str, body: dict[str, Any]) -> dict[str, Any]: ...


class Functions(Protocol):
    def invoke(self, name_or_arn: str, payload: Any, *, tail: bool = False) -> InvocationResult: ...

    def invoke_later(self, name_or_arn: str, payload: Any) -> None: ...

    def account_concurrency(self) -> tuple[int, int]: ...

    @property
    def functions(self) -> Mapping[str, object]: ...


class Router:
    """Tries the routes in turn and sends the first response; `fallback` handles all other requests."""

    def __init__(self, *routes: Route, fallback: WSGIApplication) -> None:
        self._routes = routes
        self._fallback = fallback

    def add(self, route: Route) -> None:
        self._routes = (*self._routes, route)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ, populate_request=False)
        for route in self._routes:
            response = route(request)
            if response is not None:
                return response(environ, start_response)
        return self._fallback(environ, start_response)


class StatesRoute:
    """Step Functions over JSON 1.0. An error is an exception with `code`, `message` and `status`."""

    def __init__(self, api: States) -> None:
        self._api = api

    def __call__(self, request: Request) -> Response | None:
        target = request.headers.get("X-Amz-Target", "")
        if not target.startswith(STATES_TARGET):
            return None
        try:
            body = json.loads(request.get_data() or b"{}")
        except ValueError:
            return _states_error("SerializationException", "The request body is not JSON")
        try:
            return _states_response(HTTPStatus.OK, self._api.call(target.removeprefix(STATES_TARGET), body))
        except Exception as error:
            if not hasattr(error, "code"):
                raise
            return _states_error(error.code, str(error), getattr(error, "status", HTTPStatus.BAD_REQUEST))


class InvokeRoute:
    """`POST /2015-03-31/functions/NAME/invocations`: Lambda's Invoke."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def __call__(self, request: Request) -> Response | None:
        match = INVOKE_PATH.fullmatch(request.path)
        if match is None or request.method != "POST":
            return None
        invocation_type = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        tail = request.headers.get("X-Amz-Log-Type") == "Tail"
        qualifier = request.args.get("Qualifier")
        name = f"{unquote(match[1])}:{qualifier}" if qualifier else unquote(match[1])
        try:
            return self._invoke(name, invocation_type, request.get_data(), tail=tail)
        except FunctionNotFoundError as error:
            return _lambda_error(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", str(error))
        except ThrottledError as error:
            reason = {"Reason": error.reason}
            return _lambda_error(HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequestsException", str(error), reason)
        except HostClosedError:
            message = "The local AWS is shutting down"
            return _lambda_error(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceException", message)

    def _invoke(self, name: str, invocation_type: str, content: bytes, *, tail: bool) -> Response:
        if invocation_type not in MAX_PAYLOAD_BYTES:
            message = f"The local AWS does not support the invocation type {invocation_type}"
            return _lambda_error(HTTPStatus.BAD_REQUEST, "InvalidParameterValueException", message)
        max_bytes = MAX_PAYLOAD_BYTES[invocation_type]
        if len(content) > max_bytes:
            message = f"Request must be smaller than {max_bytes} bytes for the {invocation_type} operation"
            return _lambda_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestTooLargeException", message)
        try:
            payload = json.loads(content or b"null")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return _lambda_error(HTTPStatus.BAD_REQUEST, "InvalidRequestContentException", message)
        if invocation_type == "Event":
            self._functions.invoke_later(name, payload)
            return Response(status=HTTPStatus.ACCEPTED)
        return _invocation_response(self._functions.invoke(name, payload, tail=tail), version_of(name))


class AccountSettingsRoute:
    """`GET /2016-08-19/account-settings`: Lambda's quotas of the account, the default ones but for the concurrency."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def __call__(self, request: Request) -> Response | None:
        if request.path.rstrip("/") != ACCOUNT_SETTINGS_PATH or request.method != "GET":
            return None
        concurrency, unreserved = self._functions.account_concurrency()
        limits = {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": concurrency,
            "UnreservedConcurrentExecutions": unreserved,
        }
        usage = {"TotalCodeSize": 0, "FunctionCount": len(self._functions.functions)}
        return Response(json.dumps({"AccountLimit": limits, "AccountUsage": usage}), content_type="application/json")


def _invocation_response(result: InvocationResult, version: str) -> Response:
    headers = {"X-Amz-Executed-Version": version, "X-Amzn-RequestId": result.request_id}
    if result.error is not None:
        headers["X-Amz-Function-Error"] = result.error
    if result.log_tail:
        headers["X-Amz-Log-Result"] = base64.b64encode(result.log_tail).decode()
    return Response(json.dumps(result.payload), HTTPStatus.OK, headers, content_type="application/json")


def _lambda_error(
    status: HTTPStatus, code: str, message: str, fields: Mapping[str, str] = MappingProxyType({})
) -> Response:
    content = json.dumps({"Type": "User", "message": message, "Message": message, **fields})
    return Response(content, status, {"X-Amzn-ErrorType": code}, content_type="application/json")


def _states_error(code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> Response:
    return _states_response(status, {"__type": f"com.amazonaws.states#{code}", "message": message})


def _states_response(status: int, body: Mapping[str, object]) -> Response:
    headers = {"X-Amzn-RequestId": str(uuid.uuid4())}
    return Response(json.dumps(body), status, headers, content_type="application/x-amz-json-1.0")
