"""Published versions of functions: in the template, through the Lambda API, and for permissions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.cloud import Cloud
from tests.unit.local.aws.assembly import template, write

VERSION_ARN = {"Ref": "Version"}
Change = Callable[[dict[str, Any]], object]


def versioned(handler: str = "variables") -> dict[str, Any]:
    """The small stack, whose state machine invokes a published version. Its role may invoke every version."""
    stack: dict[str, Any] = json.loads(json.dumps(template(handler)))
    resources = stack["Resources"]
    resources["Version"] = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}}
    parts = resources["Machine"]["Properties"]["DefinitionString"]["Fn::Join"][1]
    parts[parts.index({"Fn::GetAtt": ["Function", "Arn"]})] = VERSION_ARN
    _may_invoke(stack, {"Fn::Join": ["", [{"Fn::GetAtt": ["Function", "Arn"]}, ":*"]]})
    return stack


def _may_invoke(stack: dict[str, Any], resource: Any) -> None:
    statements = stack["Resources"]["Permissions"]["Properties"]["PolicyDocument"]["Statement"]
    (statement,) = [each for each in statements if each["Action"] == "lambda:InvokeFunction"]
    statement["Resource"] = resource


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Cloud]]:
    clouds: list[Cloud] = []

    def start(stack: dict[str, Any]) -> Cloud:
        clouds.append(Cloud(assembly=write(tmp_path, stack), allow="10.0.0.0/8"))
        return clouds[0]

    yield start
    for cloud in clouds:
        cloud.close()


def _run(cloud: Cloud) -> dict[str, Any]:
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=cloud.outputs["StateMachineArn"])["executionArn"]
    cloud.engine.wait_for(arn, 20)
    found: dict[str, Any] = states.describe_execution(executionArn=arn)
    return found


def _function(cloud: Cloud) -> str:
    return cloud.stack.resources["Function"].physical_id


def _set(cloud: Cloud, name: str, **variables: str) -> None:
    cloud.client("lambda").update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def _versions(cloud: Cloud) -> list[str]:
    found = cloud.client("lambda").list_versions_by_function(FunctionName=_function(cloud))["Versions"]
    return [each["Version"] for each in found]


def test_a_state_machine_invokes_the_version_of_the_template(deployed: Callable[[dict[str, Any]], Cloud]) -> None:
    cloud = deployed(versioned())

    variables = json.loads(_run(cloud)["output"])

    assert cloud.stack.resources["Version"].physical_id.endswith(f":function:{_function(cloud)}:1")
    assert (variables["AWS_LAMBDA_FUNCTION_VERSION"], variables["ALLOWED_NETWORKS"]) == ("1", "10.0.0.0/8")


def test_a_version_keeps_its_configuration_when_the_function_is_updated(
    deployed: Callable[[dict[str, Any]], Cloud],
) -> None:
    cloud = deployed(versioned())
    name, aws = _function(cloud), cloud.client("lambda")

    _set(cloud, name, ALLOWED_NETWORKS="")
    latest = json.loads(aws.invoke(FunctionName=name)["Payload"].read())
    published = aws.publish_version(FunctionName=name)

    assert (latest["ALLOWED_NETWORKS"], published["Version"]) == ("", "2")
    assert json.loads(_run(cloud)["output"])["ALLOWED_NETWORKS"] == "10.0.0.0/8"
    assert json.loads(aws.invoke(FunctionName=f"{name}:2")["Payload"].read())["ALLOWED_NETWORKS"] == ""
    read = {
        version: aws.get_function_configuration(FunctionName=name, Qualifier=version)["Environment"]["Variables"]
        for version in ("1", "2")
    }
    assert [read["1"]["ALLOWED_NETWORKS"], read["2"]["ALLOWED_NETWORKS"]] == ["10.0.0.0/8", ""]


def test_a_version_is_published_once_and_its_number_is_not_used_again(
    deployed: Callable[[dict[str, Any]], Cloud],
) -> None:
    cloud = deployed(versioned())
    name, aws = _function(cloud), cloud.client("lambda")

    assert aws.publish_version(FunctionName=name)["Version"] == "1"
    _set(cloud, name, ALLOWED_NETWORKS="1")
    aws.publish_version(FunctionName=name)
    aws.delete_function(FunctionName=name, Qualifier="2")
    _set(cloud, name, ALLOWED_NETWORKS="2")

    assert aws.publish_version(FunctionName=name)["Version"] == "3"
    assert _versions(cloud) == ["$LATEST", "1", "3"]
    with pytest.raises(ClientError, match=r"ResourceNotFound.*:2"):
        aws.invoke(FunctionName=name, Qualifier="2")


@pytest.mark.parametrize("resource", [{"Fn::GetAtt": ["Function", "Arn"]}, {"Ref": "Version"}])
def test_a_policy_for_the_function_does_not_cover_its_versions(
    deployed: Callable[[dict[str, Any]], Cloud], resource: dict[str, Any]
) -> None:
    stack = versioned()
    _may_invoke(stack, resource)
    cloud = deployed(stack)
    arn = cloud.stack.resources["Version"].physical_id

    execution = _run(cloud)

    if resource == VERSION_ARN:
        assert execution["status"] == "SUCCEEDED"
    else:
        assert f"not authorized to perform: lambda:InvokeFunction on resource: {arn}" in execution["cause"]


def test_a_policy_for_the_versions_does_not_cover_the_function(deployed: Callable[[dict[str, Any]], Cloud]) -> None:
    cloud = deployed(versioned())
    states, arn = cloud.client("stepfunctions"), cloud.stack.resources["Version"].physical_id
    machine = cloud.outputs["StateMachineArn"]
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    unqualified = arn.removesuffix(":1")
    states.update_state_machine(stateMachineArn=machine, definition=definition.replace(arn, unqualified))

    assert f"on resource: {unqualified} because" in _run(cloud)["cause"]
