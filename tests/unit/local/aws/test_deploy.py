"""Deploys a cloud assembly to moto."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import backend
from local.aws.backend import ACCOUNT
from local.aws.clients import Clients, Credentials
from local.aws.deploy import DeploymentError, deploy
from local.aws.http.server import Server
from local.lambdas.function import FunctionConfig
from tests.unit.local.aws.assembly import template, write


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    server.start(backend.application())
    yield server
    server.stop()


@pytest.fixture
def client(server: Server) -> Iterator[Callable[[str], Any]]:
    backend.reset()
    clients = Clients(server.endpoint, Credentials.random())
    yield clients
    clients.close()
    backend.reset()


def test_outputs_name_the_created_resources(client: Callable[[str], Any], tmp_path: Path) -> None:
    outputs = deploy(write(tmp_path, template()), {}, client).outputs
    client("s3").head_bucket(Bucket=outputs["ImagesBucket"])
    client("dynamodb").describe_table(TableName=outputs["RunsTable"])


def test_a_function_has_its_references_resolved(client: Callable[[str], Any], tmp_path: Path) -> None:
    stack = deploy(write(tmp_path, template(timeout=7)), {"AllowedNetworks": "127.0.0.0/8"}, client)
    (function,) = stack.functions()
    assert function == FunctionConfig(
        name=stack.resources["Function"].physical_id,
        handler="tests.unit.local.handlers.echo",
        timeout_seconds=7,
        memory_mb=256,
        variables={"INPUT_BUCKET": stack.outputs["InputBucket"], "ALLOWED": "127.0.0.0/8"},
        log_group=stack.resources["Log"].physical_id,
        role=f"arn:aws:iam::{ACCOUNT}:role/{stack.resources['Role'].physical_id}",
    )


def test_a_state_machine_names_its_function_by_arn(client: Callable[[str], Any], tmp_path: Path) -> None:
    stack = deploy(write(tmp_path, template()), {}, client)
    (machine,) = stack.state_machines()
    work = json.loads(machine.definition)["States"]["Work"]
    assert work["Parameters"]["FunctionName"].endswith(f":function:{stack.functions()[0].name}")
    assert stack.outputs["StateMachineArn"].endswith(f":stateMachine:{machine.name}")


def test_a_template_too_long_for_a_request_is_deployed(client: Callable[[str], Any], tmp_path: Path) -> None:
    long = template()
    long["Metadata"] = {"padding": "x" * 100_000}
    assert deploy(write(tmp_path, long), {}, client).outputs


def test_an_unsupported_resource_type_is_an_error_that_names_it(client: Callable[[str], Any], tmp_path: Path) -> None:
    unsupported = template()
    unsupported["Resources"]["Fleet"] = {"Type": "AWS::GameLift::Fleet"}
    with pytest.raises(
        DeploymentError, match=r"Fleet is an AWS::GameLift::Fleet, which the local AWS does not support"
    ):
        deploy(write(tmp_path, unsupported), {}, client)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"AllowedNetwork": ""}, "The stack has no parameter AllowedNetwork"),
        ({"AllowedNetworks": "localhost"}, "The parameter AllowedNetworks is 'localhost'; it must match"),
    ],
)
def test_a_parameter_that_cloudformation_would_reject_is_rejected(
    client: Callable[[str], Any], tmp_path: Path, parameters: dict[str, str], sentence: str
) -> None:
    with pytest.raises(DeploymentError, match=sentence):
        deploy(write(tmp_path, template()), parameters, client)


def test_a_folder_without_a_stack_says_what_to_do(client: Callable[[str], Any], tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="Run `make synth`"):
        deploy(tmp_path, {}, client)


def test_unsupported_notifications_are_an_error(client: Callable[[str], Any], tmp_path: Path) -> None:
    unsupported = template()
    unsupported["Resources"]["Images"]["Properties"] = {"NotificationConfiguration": {"QueueConfigurations": []}}
    with pytest.raises(DeploymentError, match="does not support QueueConfigurations of the bucket Images"):
        deploy(write(tmp_path, unsupported), {}, client)


def test_a_stack_that_moto_cannot_create_says_why(client: Callable[[str], Any], tmp_path: Path) -> None:
    unsupported = template()
    unsupported["Outputs"]["Odd"] = {"Value": {"Fn::GetAtt": ["Missing", "Arn"]}}
    with pytest.raises(DeploymentError, match="CreateStack Small failed"):
        deploy(write(tmp_path, unsupported), {}, client)
