"""API Gateway: the REST API of the deployed template, method by method, in front of its Lambda functions.

A request becomes the event that AWS documents for a Lambda proxy integration, payload format 1.0:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
Nobody has to sign: IAM is not enforced here, and every caller is the same person.
"""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from local.aws.backend import ACCOUNT
from local.aws.deploy import Resource, Stack
from local.aws.http.response import Response
from local.lambdas.sandbox import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PREFIX = "/_aws/execute-api"  # no bucket can be called so
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_EVENT_BYTES = 6_291_456  # that Lambda takes
CALLER = f"arn:aws:iam::{ACCOUNT}:user/local"
TOO_LARGE = "REQUEST_TOO_LARGE"

_INTEGRATED = re.compile(r"/functions/(.+)/invocations$")


class Functions(Protocol):
    def invoke(self, name_or_arn: str, payload: Any, *, tail: bool = False) -> Answer: ...


@dataclass(frozen=True)
class RestApi:
    """As deployed. `methods`: (HTTP method, parts of the resource's path) → function; `refusals`: what the gateway
    says by itself, by the type of the refusal."""

    id: str
    stage: str
    methods: Mapping[tuple[str, tuple[str, ...]], str]
    refusals: Mapping[str, str]

    @property
    def path(self) -> str:
        return f"{PREFIX}/{self.id}/{self.stage}"

    def find(self, method: str, parts: list[str]) -> tuple[tuple[str, ...], str] | None:
        """The resource and the function; a part of a name goes before a part of a variable."""
        found = [
            (resource, function)
            for (known, resource), function in self.methods.items()
            if known == method and len(resource) == len(parts) and all(map(_fits, resource, parts))
        ]
        return min(found, key=lambda each: [part.startswith("{") for part in each[0]], default=None)


def rest_api(stack: Stack) -> RestApi | None:
    """The first one of the stack; None without."""
    for api in stack.of_type("AWS::ApiGateway::RestApi"):
        return RestApi(
            api.physical_id,
            next((str(each.properties["StageName"]) for each in stack.of_type("AWS::ApiGateway::Stage")), "prod"),
            _methods(stack),
            {
                str(each.properties["ResponseType"]): str(each.properties["ResponseTemplates"]["application/json"])
                for each in stack.of_type("AWS::ApiGateway::GatewayResponse")
            },
        )
    return None


def _methods(stack: Stack) -> dict[tuple[str, tuple[str, ...]], str]:
    resources = {each.physical_id: each for each in stack.of_type("AWS::ApiGateway::Resource")}
    found = {}
    for method in stack.of_type("AWS::ApiGateway::Method"):
        function = _INTEGRATED.search(method.properties["Integration"]["Uri"])
        if function:
            path = _path(method.properties["ResourceId"], resources)
            found[str(method.properties["HttpMethod"]), path] = function[1]
    return found


def _path(resource_id: str, resources: Mapping[str, Resource]) -> tuple[str, ...]:
    """The root is no resource of the template."""
    if resource_id not in resources:
        return ()
    properties = resources[resource_id].properties
    return (*_path(properties["ParentId"], resources), str(properties["PathPart"]))


def _fits(resource: str, part: str) -> bool:
    return part == resource or (resource.startswith("{") and part != "")


class ApiRoute:
    """`/_aws/execute-api/ID/STAGE/…`, answered by the function behind the method."""

    def __init__(self, api: RestApi, functions: Functions) -> None:
        self._api = api
        self._functions = functions

    def __call__(self, environ: WSGIEnvironment) -> Response | None:
        target = urlsplit(environ.get("REQUEST_URI") or environ.get("PATH_INFO", ""))
        if not target.path.startswith(f"{self._api.path}/"):
            return None
        path = target.path.removeprefix(self._api.path)
        parts = [unquote(part) for part in path.strip("/").split("/")]
        found = self._api.find(environ["REQUEST_METHOD"], parts)
        if found is None:
            return _message(HTTPStatus.FORBIDDEN, "Missing Authentication Token")
        resource, function = found
        body: bytes = environ["wsgi.input"].read()
        event = {
            **_request(environ, path, target.query, self._api),
            **_body(body),
            "resource": "/" + "/".join(resource),
            "pathParameters": _variables(resource, parts) or None,
        }
        if len(body) > MAX_BODY_BYTES or len(json.dumps(event)) > MAX_EVENT_BYTES:
            return self._refused(TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Too Long")
        return _reply(self._functions.invoke(function, event))

    def _refused(self, kind: str, status: HTTPStatus, message: str) -> Response:
        text = self._api.refusals.get(kind)
        return _json(status, text) if text else _message(status, message)


def _request(environ: WSGIEnvironment, path: str, query: str, api: RestApi) -> dict[str, Any]:
    """`requestContext.path` is the whole path, as behind a domain with a base path of its own."""
    method, headers = environ["REQUEST_METHOD"], _headers(environ)
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    now = datetime.now(UTC)
    return {
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": _grouped(pairs) or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": api.id,
            "stage": api.stage,
            "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            "httpMethod": method,
            "path": api.path + path,
            "requestId": str(uuid.uuid4()),
            "extendedRequestId": uuid.uuid4().hex[:15],
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(time.time() * 1000),
            "identity": {
                "accountId": ACCOUNT,
                "caller": "local",
                "user": "local",
                "userArn": CALLER,
                "accessKey": "local",
                "sourceIp": environ.get("REMOTE_ADDR", "127.0.0.1"),
                "userAgent": headers.get("User-Agent"),
            },
        },
    }


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    named = {name.removeprefix("HTTP_"): str(value) for name, value in environ.items() if name.startswith("HTTP_")}
    named |= {name: environ[name] for name in ("CONTENT_TYPE",) if environ.get(name)}
    return {name.replace("_", "-").title(): value for name, value in named.items()}


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _variables(resource: tuple[str, ...], parts: list[str]) -> dict[str, str]:
    return {name.strip("{}+"): part for name, part in zip(resource, parts, strict=True) if name.startswith("{")}


def _body(content: bytes) -> dict[str, Any]:
    """Text where it is text, else base64."""
    if not content:
        return {"body": None, "isBase64Encoded": False}
    try:
        return {"body": content.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}


def _reply(answer: Answer) -> Response:
    """What the function made of it, or 502 where it made nothing that could be sent, as API Gateway says it."""
    made = answer.payload
    if answer.error is not None or not isinstance(made, dict) or not isinstance(made.get("statusCode"), int):
        return _message(HTTPStatus.BAD_GATEWAY, "Internal server error")
    headers = {name: ", ".join(map(str, values)) for name, values in (made.get("multiValueHeaders") or {}).items()}
    headers |= {name: str(value) for name, value in (made.get("headers") or {}).items()}
    text = made.get("body") or ""
    content = base64.b64decode(text) if made.get("isBase64Encoded") else text.encode()
    return Response(made["statusCode"], content, {"Content-Type": "application/json", **headers})


def _message(status: HTTPStatus, message: str) -> Response:
    return _json(status, json.dumps({"message": message}))


def _json(status: HTTPStatus, text: str) -> Response:
    return Response(status, text.encode(), {"Content-Type": "application/json"})
