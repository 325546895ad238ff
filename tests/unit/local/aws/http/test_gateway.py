"""A request to the REST API becomes the event that AWS documents; the result of the function becomes the response."""

from __future__ import annotations

import base64
import io
import json
from typing import Any
from urllib.parse import unquote

import pytest
from werkzeug.wrappers import Request, Response

from local.aws.http.api_signatures import ApiSignatures
from local.aws.http.gateway import MAX_BODY_BYTES, ApiRoute, rest_api
from local.aws.stack import Resource, Stack
from local.lambdas.concurrency import ThrottledError
from local.lambdas.sandbox import InvocationResult

ACCESS_KEY, SECRET_KEY = "AKIAEXAMPLE", "secret"
URI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:f/invocations"


class FakeFunctions:
    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.payload: Any = {"statusCode": 200, "body": "{}"}
        self.error: str | None = None
        self.throttled = False

    def invoke(self, name_or_arn: str, payload: Any, *, tail: bool = False) -> InvocationResult:
        assert name_or_arn.endswith(":function:f")
        self.events.append(payload)
        if self.throttled:
            raise ThrottledError("ConcurrentInvocationLimitExceeded")
        return InvocationResult(self.payload, self.error, "request", b"")


def _stack() -> Stack:
    def resource(kind: str, physical_id: str, **properties: Any) -> Resource:
        return Resource(physical_id or str(properties), f"AWS::ApiGateway::{kind}", physical_id, properties)

    def method(verb: str, resource_id: str, **properties: Any) -> Resource:
        return resource("Method", "", HttpMethod=verb, ResourceId=resource_id, Integration={"Uri": URI}, **properties)

    parts = [
        resource("RestApi", "api1"),
        resource("Stage", "stage", StageName="v1"),
        resource("Resource", "runs", ParentId="root", PathPart="runs"),
        resource("Resource", "run", ParentId="runs", PathPart="{run_id}"),
        resource("Resource", "newest", ParentId="runs", PathPart="newest"),
        method("POST", "runs", AuthorizationType="AWS_IAM"),
        method("GET", "run"),
        method("GET", "newest"),
        resource(
            "GatewayResponse",
            "large",
            ResponseType="REQUEST_TOO_LARGE",
            ResponseTemplates={"application/json": '{"status": 413}'},
        ),
    ]
    return Stack("s", {}, {part.logical_id: part for part in parts})


class World:
    def __init__(self) -> None:
        self.functions = FakeFunctions()
        api = rest_api(_stack())
        assert api is not None
        self.refused_sources: set[str] = set()
        self.signatures = ApiSignatures({ACCESS_KEY: SECRET_KEY}.get)
        self._route = ApiRoute(api, self.functions, self._may_invoke, self.signatures)

    def _may_invoke(self, function: str, source_arn: str) -> bool:
        return source_arn not in self.refused_sources

    def request(self, method: str, target: str, body: bytes = b"", **environ: str) -> Response | None:
        path, _, query = target.partition("?")
        return self._route(
            Request(
                {
                    "REQUEST_METHOD": method,
                    "REQUEST_URI": target,
                    "PATH_INFO": unquote(path),
                    "QUERY_STRING": query,
                    "CONTENT_LENGTH": str(len(body)),
                    "wsgi.input": io.BytesIO(body),
                    "REMOTE_ADDR": "127.0.0.1",
                    "HTTP_USER_AGENT": "curl",
                    **environ,
                }
            )
        )

    def event(self, method: str, target: str, body: bytes = b"", **environ: str) -> dict[str, Any]:
        response = self.request(method, f"/_aws/execute-api/api1/v1{target}", body, **environ)
        assert response is not None
        (event,) = self.functions.events
        return event


def test_a_request_is_the_documented_event() -> None:
    event = World().event("GET", "/runs/a%20b?x=1&x=2&y=%C3%A4&z=", HTTP_IDEMPOTENCY_KEY="k", CONTENT_TYPE="text/x")

    assert (event["resource"], event["path"], event["httpMethod"]) == ("/runs/{run_id}", "/runs/a%20b", "GET")
    assert event["pathParameters"] == {"run_id": "a b"}
    assert event["queryStringParameters"] == {"x": "2", "y": "ä", "z": ""}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": ["ä"], "z": [""]}
    assert event["headers"] == {"User-Agent": "curl", "Idempotency-Key": "k", "Content-Type": "text/x"}
    assert event["multiValueHeaders"]["Idempotency-Key"] == ["k"]
    assert (event["body"], event["isBase64Encoded"]) == (None, False)
    context = event["requestContext"]
    assert (context["stage"], context["path"]) == ("v1", "/_aws/execute-api/api1/v1/runs/a%20b")
    assert context["identity"]["userArn"].endswith(":user/local")
    assert context["identity"]["sourceIp"] == "127.0.0.1"


def test_a_field_without_a_value_is_null() -> None:
    event = World().event("POST", "/runs/")

    assert event["path"] == "/runs/"
    assert event["queryStringParameters"] is event["multiValueQueryStringParameters"] is event["pathParameters"] is None


@pytest.mark.parametrize(
    ("content", "body", "encoded"),
    [('{"a": "ä"}'.encode(), '{"a": "ä"}', False), (b"\xff\x00", base64.b64encode(b"\xff\x00").decode(), True)],
)
def test_a_body_is_text_or_base64(content: bytes, body: str, encoded: bool) -> None:
    event = World().event("POST", "/runs", content)

    assert (event["body"], event["isBase64Encoded"]) == (body, encoded)


def test_an_encoded_slash_belongs_to_its_path_parameter() -> None:
    event = World().event("GET", "/runs/a%2Fb")

    assert (event["resource"], event["pathParameters"]) == ("/runs/{run_id}", {"run_id": "a/b"})


def test_a_static_path_goes_before_a_path_parameter() -> None:
    assert World().event("GET", "/runs/newest")["resource"] == "/runs/newest"


@pytest.mark.parametrize("target", ["/bucket/key", "/_aws/execute-api/other/v1/runs", "/_aws/execute-api/api1/v1"])
def test_another_path_is_not_routed_to_the_api(target: str) -> None:
    assert World().request("GET", target) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/runs"), ("HEAD", "/runs/a"), ("GET", "/runs/a/b"), ("GET", "/runs"), ("GET", "/")],
)
def test_a_method_that_is_not_in_the_template_is_forbidden(method: str, path: str) -> None:
    world = World()

    response = world.request(method, f"/_aws/execute-api/api1/v1{path}")

    assert response is not None
    assert (response.status_code, json.loads(response.data)) == (403, {"message": "Missing Authentication Token"})
    assert not world.functions.events


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 6_291_456])
def test_a_request_over_the_quotas_gets_the_template_s_gateway_response(size: int) -> None:
    world = World()

    response = world.request("POST", "/_aws/execute-api/api1/v1/runs", b"x" * size)

    assert response is not None
    assert (response.status_code, response.data) == (413, b'{"status": 413}')
    assert not world.functions.events


def test_a_response_has_its_status_headers_and_bytes() -> None:
    world = World()
    world.functions.payload = {
        "statusCode": 202,
        "headers": {"Location": "/x"},
        "multiValueHeaders": {"Content-Type": ["image/png"], "Vary": ["a", "b"]},
        "body": base64.b64encode(b"\xff").decode(),
        "isBase64Encoded": True,
    }

    response = world.request("POST", "/_aws/execute-api/api1/v1/runs")

    assert response is not None
    assert (response.status_code, response.data) == (202, b"\xff")
    assert dict(response.headers) == {
        "Content-Type": "image/png",
        "Vary": "a, b",
        "Location": "/x",
        "Content-Length": "1",
    }


@pytest.mark.parametrize(
    ("payload", "error"), [({"errorMessage": "x"}, "Unhandled"), ({"body": "x"}, None), ("text", None), (None, None)]
)
def test_a_function_that_fails_or_returns_no_valid_response_is_a_bad_gateway(payload: Any, error: str | None) -> None:
    world = World()
    world.functions.payload, world.functions.error = payload, error

    response = world.request("POST", "/_aws/execute-api/api1/v1/runs")

    assert response is not None
    assert (response.status_code, json.loads(response.data)) == (502, {"message": "Internal server error"})


def test_a_stack_without_an_api_has_none() -> None:
    assert rest_api(Stack("s", {}, {})) is None


def test_a_throttled_function_is_an_internal_server_error() -> None:
    world = World()
    world.functions.throttled = True
    response = world.request("GET", "/_aws/execute-api/api1/v1/runs/newest")
    assert response is not None
    assert (response.status_code, json.loads(response.data)) == (500, {"message": "Internal server error"})


def test_a_function_whose_policy_does_not_name_the_method_is_not_invoked() -> None:
    world = World()
    world.refused_sources = {"arn:aws:execute-api:us-east-1:123456789012:api1/v1/GET/runs/a"}

    response = world.request("GET", "/_aws/execute-api/api1/v1/runs/a")

    assert response is not None
    assert (response.status_code, response.get_json()) == (500, {"message": "Internal server error"})
    assert world.functions.events == []


@pytest.mark.parametrize(("method", "status"), [("POST /runs", 403), ("GET /runs/1", 200)])
def test_a_method_with_iam_authorization_needs_a_signature_where_the_setting_says_so(method: str, status: int) -> None:
    world = World()
    verb, path = method.split()
    answers = []

    for world.signatures.required in (False, True):
        response = world.request(verb, f"/_aws/execute-api/api1/v1{path}")
        assert response is not None
        answers.append(response.status_code)

    assert answers == [200, status]
    assert len(world.functions.events) == answers.count(200)
