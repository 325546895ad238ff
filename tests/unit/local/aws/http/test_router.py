"""The one endpoint, asked by boto3 as any client would."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import backend
from local.aws.clients import Clients
from local.aws.http.router import InvokeRoute, Router, StatesRoute
from local.aws.http.server import Server
from local.lambdas.host import FunctionHost


class NoSuchExecution(Exception):
    code = "ExecutionDoesNotExist"
    status = 400


class FakeStates:
    def call(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        if action == "DescribeExecution":
            raise NoSuchExecution(f"no {body['executionArn']}")
        return {"executionArn": f"arn of {body['stateMachineArn']}", "startDate": 1.5}


@pytest.fixture
def client(host: FunctionHost) -> Iterator[Callable[[str], Any]]:
    server = Server()
    front = Router(StatesRoute(FakeStates()), InvokeRoute(host), otherwise=backend.application())
    server.start(front)
    clients = Clients(server.endpoint)
    yield clients
    clients.close()
    server.stop()
    backend.reset()


def test_step_functions_is_ours(client: Callable[[str], Any]) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
    assert client("stepfunctions").start_execution(stateMachineArn=arn)["executionArn"] == f"arn of {arn}"


def test_an_error_of_step_functions_reaches_the_client_by_its_name(client: Callable[[str], Any]) -> None:
    with pytest.raises(client("stepfunctions").exceptions.ExecutionDoesNotExist, match="no arn:x"):
        client("stepfunctions").describe_execution(executionArn="arn:x")


def test_everything_else_is_motos(client: Callable[[str], Any]) -> None:
    client("s3").create_bucket(Bucket="a-bucket")
    client("s3").put_object(Bucket="a-bucket", Key="ä +%25/x", Body=b"bytes", Metadata={"base_url": "v"})
    found = client("s3").get_object(Bucket="a-bucket", Key="ä +%25/x")
    assert (found["Body"].read(), found["Metadata"]) == (b"bytes", {"base_url": "v"})


def test_lambda_is_invoked(client: Callable[[str], Any], function: Callable[..., str]) -> None:
    answer = client("lambda").invoke(FunctionName=function("echo"), Payload=json.dumps({"a": 1}))
    assert json.loads(answer["Payload"].read()) == {"a": 1}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer


def test_a_function_error_is_told_in_its_header(client: Callable[[str], Any], function: Callable[..., str]) -> None:
    answer = client("lambda").invoke(FunctionName=function("fail"))
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "ValueError"


def test_the_log_tail_comes_when_asked_for(client: Callable[[str], Any], function: Callable[..., str]) -> None:
    answer = client("lambda").invoke(FunctionName=function("garble"), LogType="Tail")
    assert b"from a child" in base64.b64decode(answer["LogResult"])


def test_an_event_invocation_is_accepted_at_once_and_runs(
    client: Callable[[str], Any], function: Callable[..., str], lines: Any
) -> None:
    answer = client("lambda").invoke(FunctionName=function("garble"), InvocationType="Event")
    assert answer["StatusCode"] == 202
    assert "from a child" in lines.until("REPORT")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"FunctionName": "nobody"}, "ResourceNotFoundException"),
        ({"FunctionName": "echo", "Payload": b"{"}, "InvalidRequestContentException"),
        ({"FunctionName": "echo", "Payload": b"x" * 6_300_000}, "RequestTooLargeException"),
        ({"FunctionName": "echo", "InvocationType": "DryRun"}, "InvalidParameterValueException"),
    ],
)
def test_what_lambda_refuses_is_refused_by_the_same_name(
    client: Callable[[str], Any], function: Callable[..., str], request_: dict[str, Any], code: str
) -> None:
    function("echo")
    with pytest.raises(ClientError) as refused:
        client("lambda").invoke(**request_)
    assert refused.value.response["Error"]["Code"] == code
