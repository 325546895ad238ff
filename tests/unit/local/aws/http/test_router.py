"""The single endpoint, used through boto3."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import backend
from local.aws.clients import Clients, Credentials
from local.aws.http.router import AccountSettingsRoute, InvokeRoute, Router, StatesRoute
from local.aws.http.server import Server
from local.lambdas.function import FunctionConfig
from local.lambdas.host import FunctionHost
from tests.unit.local.conftest import HANDLERS


class NoSuchExecutionError(Exception):
    code = "ExecutionDoesNotExist"
    status = 400


class FakeStates:
    def call(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        if action == "DescribeExecution":
            raise NoSuchExecutionError(f"no {body['executionArn']}")
        return {"executionArn": f"arn of {body['stateMachineArn']}", "startDate": 1.5}


@pytest.fixture
def client(host: FunctionHost) -> Iterator[Callable[[str], Any]]:
    server = Server()
    router = Router(
        StatesRoute(FakeStates()), InvokeRoute(host), AccountSettingsRoute(host), fallback=backend.application()
    )
    server.start(router)
    clients = Clients(server.endpoint, Credentials.random())
    yield clients
    clients.close()
    server.stop()
    backend.reset()


def test_step_functions_is_served_by_the_interpreter(client: Callable[[str], Any]) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
    assert client("stepfunctions").start_execution(stateMachineArn=arn)["executionArn"] == f"arn of {arn}"


def test_an_error_of_step_functions_reaches_the_client_by_its_name(client: Callable[[str], Any]) -> None:
    with pytest.raises(client("stepfunctions").exceptions.ExecutionDoesNotExist, match="no arn:x"):
        client("stepfunctions").describe_execution(executionArn="arn:x")


def test_all_other_services_are_served_by_moto(client: Callable[[str], Any]) -> None:
    client("s3").create_bucket(Bucket="a-bucket")
    client("s3").put_object(Bucket="a-bucket", Key="ä +%25/x", Body=b"bytes", Metadata={"base-url": "v"})
    response = client("s3").get_object(Bucket="a-bucket", Key="ä +%25/x")
    assert (response["Body"].read(), response["Metadata"]) == (b"bytes", {"base-url": "v"})


def test_lambda_is_invoked(client: Callable[[str], Any], function: Callable[..., str]) -> None:
    response = client("lambda").invoke(FunctionName=function("echo"), Payload=json.dumps({"a": 1}))
    assert json.loads(response["Payload"].read()) == {"a": 1}
    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in response


@pytest.mark.parametrize(("name", "fields"), [("about:1", {}), ("about", {"Qualifier": "1"})])
def test_a_version_is_invoked(
    client: Callable[[str], Any], host: FunctionHost, function: Callable[..., str], name: str, fields: dict[str, str]
) -> None:
    host.publish(function("about"), "1")
    response = client("lambda").invoke(FunctionName=name, **fields)
    assert json.loads(response["Payload"].read())["function_version"] == "1"
    assert response["ExecutedVersion"] == "1"


def test_a_version_that_does_not_exist_is_not_found(client: Callable[[str], Any], function: Callable[..., str]) -> None:
    with pytest.raises(client("lambda").exceptions.ResourceNotFoundException, match="function:echo:7"):
        client("lambda").invoke(FunctionName=function("echo"), Qualifier="7")


def test_a_function_error_is_in_its_header(client: Callable[[str], Any], function: Callable[..., str]) -> None:
    response = client("lambda").invoke(FunctionName=function("fail"))
    assert response["FunctionError"] == "Unhandled"
    assert json.loads(response["Payload"].read())["errorType"] == "ValueError"


def test_the_log_tail_comes_when_asked_for(client: Callable[[str], Any], function: Callable[..., str]) -> None:
    response = client("lambda").invoke(FunctionName=function("print_much"), LogType="Tail")
    assert b"from a child" in base64.b64decode(response["LogResult"])


def test_an_event_invocation_is_accepted_at_once_and_runs(
    client: Callable[[str], Any], function: Callable[..., str], lines: Any
) -> None:
    response = client("lambda").invoke(FunctionName=function("print_much"), InvocationType="Event")
    assert response["StatusCode"] == 202
    assert "from a child" in lines.until("REPORT")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"FunctionName": "missing"}, "ResourceNotFoundException"),
        ({"FunctionName": "echo", "Payload": b"{"}, "InvalidRequestContentException"),
        ({"FunctionName": "echo", "Payload": b"x" * 6_300_000}, "RequestTooLargeException"),
        ({"FunctionName": "echo", "InvocationType": "DryRun"}, "InvalidParameterValueException"),
    ],
)
def test_a_request_that_lambda_rejects_has_the_same_error_code(
    client: Callable[[str], Any], function: Callable[..., str], request_: dict[str, Any], code: str
) -> None:
    function("echo")
    with pytest.raises(ClientError) as caught:
        client("lambda").invoke(**request_)
    assert caught.value.response["Error"]["Code"] == code


def test_an_invocation_above_a_concurrency_limit_is_refused_as_lambda_does(
    client: Callable[[str], Any], host: FunctionHost
) -> None:
    host.register(FunctionConfig("none", f"{HANDLERS}.echo", 20, 256, reserved_concurrency=0))
    with pytest.raises(client("lambda").exceptions.TooManyRequestsException) as caught:
        client("lambda").invoke(FunctionName="none")

    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert response["Error"]["Message"] == "Rate Exceeded."
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_the_account_settings_have_the_concurrency(client: Callable[[str], Any], host: FunctionHost) -> None:
    host.register(FunctionConfig("some", f"{HANDLERS}.echo", 20, 256, reserved_concurrency=100))

    limits = client("lambda").get_account_settings()["AccountLimit"]

    assert (limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]) == (1000, 900)
