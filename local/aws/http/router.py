"""The one endpoint: what moto cannot do is answered here, everything else falls through to it.

| asked for | recognised by | answered by |
|---|---|---|
| Step Functions | `X-Amz-Target: AWSStepFunctions.*` | `local.states` |
| Lambda Invoke | the path | `local.lambdas` |
| the REST API | the path | `local.aws.http.gateway` |
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from local.aws.http.response import Response
from local.lambdas.host import FunctionNotFoundError, HostClosedError
from local.lambdas.sandbox import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STATES_TARGET = "AWSStepFunctions."
INVOKE_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
MAX_REQUEST_BYTES = {"RequestResponse": 6_291_456, "Event": 1_048_576}  # Lambda's quotas of a payload


Route = Callable[["WSGIEnvironment"], Response | None]  # None: not mine


class States(Protocol):
    def call(self, action: str, body: dict[str, Any]) -> dict[str, Any]: ...


class Functions(Protocol):
    def invoke(self, name_or_arn: str, payload: Any, *, tail: bool = False) -> Answer: ...

    def invoke_later(self, name_or_arn: str, payload: Any) -> None: ...


class Router:
    """Asks the routes in turn; the first reply is sent."""

    def __init__(self, *routes: Route, otherwise: WSGIApplication) -> None:
        self._routes = routes
        self._otherwise = otherwise

    def add(self, route: Route) -> None:
        self._routes = (*self._routes, route)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        for route in self._routes:
            reply = route(environ)
            if reply is not None:
                return _send(reply, start_response)
        return self._otherwise(environ, start_response)


class StatesRoute:
    """Step Functions over JSON 1.0. An error is an exception with `code`, `message` and `status`."""

    def __init__(self, api: States) -> None:
        self._api = api

    def __call__(self, environ: WSGIEnvironment) -> Response | None:
        target: str = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(STATES_TARGET):
            return None
        try:
            body = json.loads(_body(environ) or b"{}")
        except ValueError:
            return _json(HTTPStatus.BAD_REQUEST, _states_error("SerializationException", "not JSON"))
        try:
            return _json(HTTPStatus.OK, self._api.call(target.removeprefix(STATES_TARGET), body))
        except Exception as error:
            if not hasattr(error, "code"):
                raise
            return _json(getattr(error, "status", 400), _states_error(error.code, str(error)))


class InvokeRoute:
    """`POST /2015-03-31/functions/NAME/invocations`, as Lambda answers it."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def __call__(self, environ: WSGIEnvironment) -> Response | None:
        match = INVOKE_PATH.fullmatch(environ.get("PATH_INFO", ""))
        if match is None or environ["REQUEST_METHOD"] != "POST":
            return None
        name, kind = unquote(match[1]), environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
        try:
            return self._invoke(name, kind, _body(environ), tail=environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail")
        except FunctionNotFoundError as error:
            return _lambda_error(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", str(error))
        except HostClosedError:
            return _lambda_error(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceException", "The host is closing")

    def _invoke(self, name: str, kind: str, content: bytes, *, tail: bool) -> Response:
        if kind not in MAX_REQUEST_BYTES:
            message = f"Invocation type {kind} is not implemented"
            return _lambda_error(HTTPStatus.BAD_REQUEST, "InvalidParameterValueException", message)
        if len(content) > MAX_REQUEST_BYTES[kind]:
            message = f"Request must be smaller than {MAX_REQUEST_BYTES[kind]} bytes for the {kind} operation"
            return _lambda_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestTooLargeException", message)
        try:
            payload = json.loads(content or b"null")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return _lambda_error(HTTPStatus.BAD_REQUEST, "InvalidRequestContentException", message)
        if kind == "Event":
            self._functions.invoke_later(name, payload)
            return Response(HTTPStatus.ACCEPTED, b"")
        return _answered(self._functions.invoke(name, payload, tail=tail))


def _answered(answer: Answer) -> Response:
    headers = {
        "X-Amz-Executed-Version": "$LATEST",
        "X-Amzn-RequestId": answer.request_id,
        "Content-Type": "application/json",
    }
    if answer.error is not None:
        headers["X-Amz-Function-Error"] = answer.error
    if answer.log_tail:
        headers["X-Amz-Log-Result"] = base64.b64encode(answer.log_tail).decode()
    return Response(HTTPStatus.OK, json.dumps(answer.payload).encode(), headers)


def _states_error(code: str, message: str) -> dict[str, str]:
    return {"__type": f"com.amazonaws.states#{code}", "message": message}


def _lambda_error(status: HTTPStatus, code: str, message: str) -> Response:
    content = json.dumps({"Type": "User", "message": message, "Message": message}).encode()
    return Response(status, content, {"X-Amzn-ErrorType": code, "Content-Type": "application/json"})


def _json(status: int, value: dict[str, Any]) -> Response:
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amzn-RequestId": str(uuid.uuid4())}
    return Response(status, json.dumps(value).encode(), headers)


def _body(environ: WSGIEnvironment) -> bytes:
    content: bytes = environ["wsgi.input"].read()
    return content


def _send(reply: Response, start_response: StartResponse) -> Iterable[bytes]:
    status = HTTPStatus(reply.status)
    headers = [("Content-Length", str(len(reply.content))), *reply.headers.items()]
    start_response(f"{status.value} {status.phrase}", headers)
    return [reply.content]
