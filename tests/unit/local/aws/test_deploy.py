"""Deploys a cloud assembly to moto."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import backend
from local.aws.backend import ACCOUNT
from local.aws.clients import Clients, Credentials
from local.aws.deploy import deploy
from local.aws.http.server import Server
from local.aws.stack import DeploymentError
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
    outputs = deploy(write(tmp_path, template()), client).outputs
    client("s3").head_bucket(Bucket=outputs["ImagesBucket"])
    client("dynamodb").describe_table(TableName=outputs["RunsTable"])


def test_an_images_bucket_that_exists_already_is_created_for_the_template(
    client: Callable[[str], Any], tmp_path: Path
) -> None:
    stack = template()
    del stack["Resources"]["Images"]
    stack["Outputs"]["ImagesBucket"] = {"Value": "company-media"}

    outputs = deploy(write(tmp_path, stack), client).outputs

    assert outputs["ImagesBucket"] == "company-media"
    client("s3").head_bucket(Bucket="company-media")


def test_a_function_has_its_references_resolved(client: Callable[[str], Any], tmp_path: Path) -> None:
    stack = deploy(write(tmp_path, template(timeout=7)), client, allow="127.0.0.0/8")
    (function,) = stack.functions()
    assert function == FunctionConfig(
        name=stack.resources["Function"].physical_id,
        handler="tests.unit.local.handlers.echo",
        timeout_seconds=7,
        memory_mb=256,
        variables={"INPUT_BUCKET": stack.outputs["InputBucket"], "ALLOWED_NETWORKS": "127.0.0.0/8"},
        log_group=stack.resources["Log"].physical_id,
        role=f"arn:aws:iam::{ACCOUNT}:role/{stack.resources['Role'].physical_id}",
    )


def _with_event_invoke_config(**properties: Any) -> dict[str, Any]:
    stack = template()
    properties = {"FunctionName": {"Ref": "Function"}, "Qualifier": "$LATEST", **properties}
    stack["Resources"]["Config"] = {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": properties}
    return stack


def test_a_function_has_its_concurrency_and_its_settings_of_asynchronous_invocations(
    client: Callable[[str], Any], tmp_path: Path
) -> None:
    dead = {"Fn::GetAtt": ["Dead", "Arn"]}
    failure = {"OnFailure": {"Destination": dead}}
    stack = _with_event_invoke_config(MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60, DestinationConfig=failure)
    stack["Resources"]["Function"]["Properties"] |= {
        "ReservedConcurrentExecutions": 3,
        "DeadLetterConfig": {"TargetArn": dead},
    }
    deployed = deploy(write(tmp_path, stack), client)
    (function,) = deployed.functions()
    arn = f"arn:aws:sqs:us-east-1:123456789012:{deployed.resources['Dead'].physical_id.rpartition('/')[2]}"
    assert (function.reserved_concurrency, function.max_retries, function.max_event_age_seconds) == (3, 1, 60)
    assert (function.on_failure, function.dead_letter) == (arn, arn)


@pytest.mark.parametrize(
    ("destinations", "sentence"),
    [
        (
            {"OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:123456789012:q"}},
            "does not support OnSuccess of Config",
        ),
        ({"OnFailure": {"Destination": {"Ref": "Topic"}}}, "Config: the local AWS supports queues as destination, not"),
    ],
)
def test_a_destination_that_is_not_supported_is_an_error(
    client: Callable[[str], Any], tmp_path: Path, destinations: dict[str, Any], sentence: str
) -> None:
    stack = deploy(write(tmp_path, _with_event_invoke_config(DestinationConfig=destinations)), client)
    with pytest.raises(DeploymentError, match=sentence):
        stack.functions()


def test_a_state_machine_names_its_function_by_arn(client: Callable[[str], Any], tmp_path: Path) -> None:
    stack = deploy(write(tmp_path, template()), client)
    (machine,) = stack.state_machines()
    work = json.loads(machine.definition)["States"]["Work"]
    assert work["Parameters"]["FunctionName"].endswith(f":function:{stack.functions()[0].name}")
    assert stack.outputs["StateMachineArn"].endswith(f":stateMachine:{machine.name}")


def test_a_template_too_long_for_a_request_is_deployed(client: Callable[[str], Any], tmp_path: Path) -> None:
    long = template()
    long["Metadata"] = {"padding": "x" * 100_000}
    assert deploy(write(tmp_path, long), client).outputs


def test_an_unsupported_resource_type_is_an_error_that_names_it(client: Callable[[str], Any], tmp_path: Path) -> None:
    unsupported = template()
    unsupported["Resources"]["Fleet"] = {"Type": "AWS::GameLift::Fleet"}
    with pytest.raises(
        DeploymentError, match=r"Fleet is an AWS::GameLift::Fleet, which the local AWS does not support"
    ):
        deploy(write(tmp_path, unsupported), client)


@pytest.mark.parametrize(("allow", "expected"), [(None, "192.0.2.0/24"), ("", ""), ("127.0.0.0/8", "127.0.0.0/8")])
def test_the_networks_of_a_deployment_take_the_place_of_those_of_the_template(
    client: Callable[[str], Any], tmp_path: Path, allow: str | None, expected: str
) -> None:
    stack = deploy(write(tmp_path, template()), client, allow=allow)
    (function,) = stack.functions()
    assert function.variables["ALLOWED_NETWORKS"] == expected


def test_a_stack_without_a_function_for_the_networks_is_an_error(client: Callable[[str], Any], tmp_path: Path) -> None:
    renamed = template()
    renamed["Resources"]["Function"]["Properties"]["Environment"]["Variables"].pop("ALLOWED_NETWORKS")
    with pytest.raises(DeploymentError, match="No function of the stack has the environment variable ALLOWED_NETW"):
        deploy(write(tmp_path, renamed), client, allow="127.0.0.0/8")


def test_a_folder_without_a_stack_says_what_to_do(client: Callable[[str], Any], tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="Run `make synth`"):
        deploy(tmp_path, client)


def test_unsupported_notifications_are_an_error(client: Callable[[str], Any], tmp_path: Path) -> None:
    unsupported = template()
    unsupported["Resources"]["Images"]["Properties"] = {"NotificationConfiguration": {"QueueConfigurations": []}}
    with pytest.raises(DeploymentError, match="does not support QueueConfigurations of the bucket Images"):
        deploy(write(tmp_path, unsupported), client)


def test_a_lifecycle_rule_that_cannot_be_kept_is_an_error(client: Callable[[str], Any], tmp_path: Path) -> None:
    unsupported = template()
    rule = {"Status": "Enabled", "ObjectSizeGreaterThan": 1}
    unsupported["Resources"]["Images"]["Properties"] = {"LifecycleConfiguration": {"Rules": [rule]}}
    with pytest.raises(DeploymentError, match="Images: the local AWS does not support ObjectSizeGreaterThan of a life"):
        deploy(write(tmp_path, unsupported), client)


def test_the_versioning_and_the_tags_of_a_bucket_are_kept(client: Callable[[str], Any], tmp_path: Path) -> None:
    stack = template()
    tags = [{"Key": "project", "Value": "images"}]
    stack["Resources"]["Images"]["Properties"] = {"VersioningConfiguration": {"Status": "Enabled"}, "Tags": tags}
    name = deploy(write(tmp_path, stack), client).outputs["ImagesBucket"]
    assert client("s3").get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert client("s3").get_bucket_tagging(Bucket=name)["TagSet"] == tags


def test_a_stack_that_moto_cannot_create_says_why(client: Callable[[str], Any], tmp_path: Path) -> None:
    unsupported = template()
    unsupported["Outputs"]["Odd"] = {"Value": {"Fn::GetAtt": ["Missing", "Arn"]}}
    with pytest.raises(DeploymentError, match="CreateStack Small failed"):
        deploy(write(tmp_path, unsupported), client)


@pytest.mark.parametrize(
    ("action", "parameters", "participle"),
    [
        ("delete_stack", {}, "deleted"),
        ("update_stack", {"UsePreviousTemplate": True}, "updated"),
        ("create_change_set", {"ChangeSetName": "c", "TemplateBody": "{}", "ChangeSetType": "UPDATE"}, "updated"),
        ("delete_change_set", {"ChangeSetName": "cdk-deploy-change-set"}, "updated"),
        ("execute_change_set", {"ChangeSetName": "cdk-deploy-change-set"}, "updated"),
    ],
)
@pytest.mark.parametrize("by", ["name", "ID"])
def test_a_change_of_the_running_stack_is_refused_and_says_how_to_end_it(
    client: Callable[[str], Any], tmp_path: Path, action: str, parameters: dict[str, Any], participle: str, by: str
) -> None:
    stack = deploy(write(tmp_path, template()), client)
    cloudformation = client("cloudformation")
    before = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]
    name = stack.name if by == "name" else before["StackId"]

    with pytest.raises(ClientError, match=rf"Stack \[Small\] cannot be {participle} while .* Ctrl-C") as caught:
        getattr(cloudformation, action)(StackName=name, **parameters)

    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    client("dynamodb").describe_table(TableName=stack.outputs["RunsTable"])
    assert cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def test_another_stack_can_be_deleted(client: Callable[[str], Any], tmp_path: Path) -> None:
    deploy(write(tmp_path, template()), client)
    cloudformation = client("cloudformation")
    mine = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    cloudformation.create_stack(StackName="Mine", TemplateBody=json.dumps(mine))

    cloudformation.delete_stack(StackName="Mine")

    names = {entry["StackName"] for entry in cloudformation.describe_stacks()["Stacks"]}
    assert names == {"Small"}
