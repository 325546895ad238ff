"""API Gateway: serves the REST API of the deployed template and invokes the Lambda function of each method.

A request becomes the event of a Lambda proxy integration, payload format 1.0:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
A signature is verified; whether a request needs one is a setting. Permissions of callers are not checked: every request
has the same caller.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from local.aws.backend import ACCOUNT, REGION
from local.aws.stack import Resource, Stack
from local.lambdas.concurrency import ThrottledError
from local.lambdas.sandbox import InvocationResult

PREFIX = "/_aws/execute-api"
"""Path of all APIs. It cannot be the path of a bucket: a bucket's name has no underscore."""

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Quota of API Gateway for the body of a request."""

MAX_EVENT_BYTES = 6_291_456
"""Quota of Lambda for the payload of a synchronous invocation."""

IAM = "AWS_IAM"
"""The `AuthorizationType` of a method whose requests are signed."""

CALLER = f"arn:aws:iam::{ACCOUNT}:user/local"
TOO_LARGE = "REQUEST_TOO_LARGE"

log = logging.getLogger(__name__)
_FUNCTION_ARN = re.compile(r"/functions/(.+)/invocations$")
_VARIABLE = re.compile(r"{(\w+)}")


class Functions(Protocol):
    def invoke(self, name_or_arn: str, payload: Any, *, tail: bool = False) -> InvocationResult: ...


@dataclass(frozen=True)
class ApiMethod:
    """A method of the template. `resource` is its path, such as `/runs/{run_id}`."""

    http_method: str
    resource: str
    function: str
    has_iam_authorization: bool


@dataclass(frozen=True)
class RestApi:
    """A deployed REST API. The endpoints of `methods` are ApiMethods; `gateway_responses` holds the bodies of the
    template's GatewayResponses by their type."""

    id: str
    stage: str
    methods: Map
    gateway_responses: Mapping[str, str]

    @property
    def path(self) -> str:
        return f"{PREFIX}/{self.id}/{self.stage}"

    def find(self, http_method: str, path: str) -> tuple[ApiMethod, dict[str, str]] | None:
        """The method for a request and its path parameters. `path` is percent-encoded, so that an encoded slash
        belongs to its parameter."""
        try:
            method, parameters = self.methods.bind("").match(path, http_method)
        except HTTPException:
            return None
        if http_method != method.http_method:  # werkzeug adds HEAD to each GET; API Gateway does not
            return None
        return method, {name: unquote(value) for name, value in parameters.items()}


def rest_api(stack: Stack) -> RestApi | None:
    """The first REST API of the stack; None without an API."""
    for api in stack.of_type("AWS::ApiGateway::RestApi"):
        stages = stack.of_type("AWS::ApiGateway::Stage")
        responses = stack.of_type("AWS::ApiGateway::GatewayResponse")
        return RestApi(
            api.physical_id,
            next((str(stage.properties["StageName"]) for stage in stages), "prod"),
            Map([_rule(method) for method in _methods(stack)], strict_slashes=False, merge_slashes=False),
            {
                str(response.properties["ResponseType"]): str(
                    response.properties["ResponseTemplates"]["application/json"]
                )
                for response in responses
            },
        )
    return None


def _rule(method: ApiMethod) -> Rule:
    return Rule(_VARIABLE.sub(r"<\1>", method.resource), methods=[method.http_method], endpoint=method)


def _methods(stack: Stack) -> list[ApiMethod]:
    resources = {resource.physical_id: resource for resource in stack.of_type("AWS::ApiGateway::Resource")}
    methods = []
    for method in stack.of_type("AWS::ApiGateway::Method"):
        function = _FUNCTION_ARN.search(method.properties["Integration"]["Uri"])
        if function:
            path = _path(method.properties["ResourceId"], resources) or "/"
            has_iam = method.properties.get("AuthorizationType") == IAM
            methods.append(ApiMethod(str(method.properties["HttpMethod"]), path, function[1], has_iam))
    return methods


def _path(resource_id: str, resources: Mapping[str, Resource]) -> str:
    """The path of a resource; empty for the root, which is not a resource of the template."""
    if resource_id not in resources:
        return ""
    properties = resources[resource_id].properties
    return f"{_path(properties['ParentId'], resources)}/{properties['PathPart']}"


class ApiRoute:
    """`/_aws/execute-api/ID/STAGE/…`: invokes the function of the method.

    `may_invoke(function, source_arn)` says whether the policy of the function permits that. `refusal` answers a request
    whose signature is refused.
    """

    def __init__(
        self,
        api: RestApi,
        functions: Functions,
        may_invoke: Callable[[str, str], bool],
        refusal: Callable[[Request], Response | None],
    ) -> None:
        self._api = api
        self._functions = functions
        self._may_invoke = may_invoke
        self._refusal = refusal

    def __call__(self, request: Request) -> Response | None:
        path = _encoded_path(request)
        if not path.startswith(f"{self._api.path}/"):
            return None
        path = path.removeprefix(self._api.path)
        found = self._api.find(request.method, path)
        if found is None:
            return _message(HTTPStatus.FORBIDDEN, "Missing Authentication Token")
        method, parameters = found
        if method.has_iam_authorization and (refusal := self._refusal(request)):
            return refusal
        body = request.get_data()
        event = {
            **_request_fields(request, path, self._api),
            **_body_fields(body),
            "resource": method.resource,
            "pathParameters": parameters or None,
        }
        if len(body) > MAX_BODY_BYTES or len(json.dumps(event)) > MAX_EVENT_BYTES:
            return self._gateway_response(TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Too Long")
        if not self._may_invoke(method.function, self._source_arn(request.method, path)):
            log.warning("API Gateway may not invoke %s: add an AWS::Lambda::Permission", method.function)
            return _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error")
        try:
            return _response(self._functions.invoke(method.function, event))
        except ThrottledError:  # API Gateway does not pass Lambda's status 429 on
            return _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error")

    def _source_arn(self, method: str, path: str) -> str:
        return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{self._api.id}/{self._api.stage}/{method}{path}"

    def _gateway_response(self, kind: str, status: HTTPStatus, message: str) -> Response:
        text = self._api.gateway_responses.get(kind)
        return _json(status, text) if text else _message(status, message)


def _encoded_path(request: Request) -> str:
    """The path as it was sent: WSGI's PATH_INFO is decoded already."""
    return urlsplit(request.environ.get("REQUEST_URI") or request.path).path


def _request_fields(request: Request, path: str, api: RestApi) -> dict[str, Any]:
    """The fields of the event that describe the request, other than its body and resource."""
    headers = {name: value for name, value in request.headers if name != "Content-Length"}
    query = request.args.to_dict(flat=False)
    return {
        "path": path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "stageVariables": None,
        "requestContext": _request_context(request, path, api),
    }


def _request_context(request: Request, path: str, api: RestApi) -> dict[str, Any]:
    """`path` is the whole path, as for a custom domain with a base path."""
    return {
        "accountId": ACCOUNT,
        "apiId": api.id,
        "stage": api.stage,
        "protocol": request.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        "httpMethod": request.method,
        "path": api.path + path,
        "requestId": str(uuid.uuid4()),
        "extendedRequestId": uuid.uuid4().hex[:15],
        "requestTime": datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(time.time() * 1000),
        "identity": {
            "accountId": ACCOUNT,
            "caller": "local",
            "user": "local",
            "userArn": CALLER,
            "accessKey": "local",
            "sourceIp": request.remote_addr or "127.0.0.1",
            "userAgent": request.headers.get("User-Agent"),
        },
    }


def _body_fields(content: bytes) -> dict[str, Any]:
    """The body as text where it is UTF-8, else in base64."""
    if not content:
        return {"body": None, "isBase64Encoded": False}
    try:
        return {"body": content.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}


def _response(result: InvocationResult) -> Response:
    """The function's response; 502 where the function failed or returned no valid response, as in API Gateway."""
    payload = result.payload
    if result.error is not None or not isinstance(payload, dict) or not isinstance(payload.get("statusCode"), int):
        return _message(HTTPStatus.BAD_GATEWAY, "Internal server error")
    headers = {name: ", ".join(map(str, values)) for name, values in (payload.get("multiValueHeaders") or {}).items()}
    headers |= {name: str(value) for name, value in (payload.get("headers") or {}).items()}
    text = payload.get("body") or ""
    content = base64.b64decode(text) if payload.get("isBase64Encoded") else text.encode()
    return Response(content, payload["statusCode"], {"Content-Type": "application/json", **headers})


def _message(status: HTTPStatus, message: str) -> Response:
    return _json(status, json.dumps({"message": message}))


def _json(status: HTTPStatus, text: str) -> Response:
    return Response(text, status, content_type="application/json")
