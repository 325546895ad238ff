"""Deploys a cloud assembly of the CDK (`cdk.out`) through moto's CloudFormation, as `cdk deploy` would."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.aws import backend
from local.aws.backend import ACCOUNT, REGION
from local.lambdas.function import FunctionConfig

BOOTSTRAP_VERSION = "30"
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
ASSET_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
MESSAGE_QUEUE = "local-messages"

# moto's CloudFormation does not know these; nothing here misses them.
WITHOUT_EFFECT = {
    "AWS::CDK::Metadata": "tells AWS which constructs were used",
    "AWS::ApiGateway::Account": "no logs are written by the gateway",
    "AWS::ApiGateway::GatewayResponse": "read by local/aws/http/gateway.py",
    "AWS::ApiGateway::Stage": "same",
    "AWS::Lambda::EventInvokeConfig": "an event that fails is not tried again",
    "AWS::CloudWatch::Alarm": "moto looks at no metric, so none would ever ring",
    "AWS::Logs::QueryDefinition": "a question saved for the console; there is none here",
    "AWS::S3::BucketPolicy": "nobody is refused anything here: IAM is not enforced",
    "AWS::SNS::TopicPolicy": "same",
    "AWS::SQS::QueuePolicy": "same",
}


class DeploymentError(Exception):
    """The stack cannot be run here; the message says what and why."""


@dataclass(frozen=True)
class Resource:
    logical_id: str
    type: str
    physical_id: str
    properties: Mapping[str, Any]  # references resolved


@dataclass(frozen=True)
class StateMachine:
    name: str
    definition: str
    role_arn: str
    kind: str


@dataclass(frozen=True)
class Stack:
    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, Resource]

    def of_type(self, resource_type: str) -> list[Resource]:
        return [resource for resource in self.resources.values() if resource.type == resource_type]

    def functions(self) -> list[FunctionConfig]:
        return [_function(resource) for resource in self.of_type("AWS::Lambda::Function")]

    def state_machines(self) -> list[StateMachine]:
        return [_state_machine(resource) for resource in self.of_type("AWS::StepFunctions::StateMachine")]


def deploy(assembly: Path, parameters: Mapping[str, str], client: Callable[[str], Any]) -> Stack:
    """Raises `DeploymentError`. The functions and state machines are for the caller to run."""
    name, template = _template(assembly)
    _check_types(template)
    _check_parameters(template, parameters)
    _bootstrap(client)
    _upload(client("s3"), assembly, name, template)
    stack = _create(client("cloudformation"), name, template, parameters)
    _notify(client("s3"), stack)
    _collect_messages(client, stack)
    return stack


def _template(assembly: Path) -> tuple[str, dict[str, Any]]:
    """The one stack of the assembly, by its manifest."""
    try:
        manifest = json.loads((assembly / "manifest.json").read_text())
    except FileNotFoundError:
        raise DeploymentError(f"{assembly} holds no synthesized stack: run `make synth`") from None
    stacks = {
        name: artifact["properties"]["templateFile"]
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    if len(stacks) != 1:
        raise DeploymentError(f"{assembly} holds {len(stacks)} stacks; one is expected")
    ((name, file),) = stacks.items()
    return name, json.loads((assembly / file).read_text())


def _check_types(template: Mapping[str, Any]) -> None:
    backend.accept_without_effect(WITHOUT_EFFECT)
    unknown = {
        resource["Type"]: logical_id
        for logical_id, resource in template["Resources"].items()
        if not backend.is_known_type(resource["Type"])
    }
    for resource_type, logical_id in unknown.items():
        raise DeploymentError(
            f"{logical_id} is a {resource_type}, which the embedded AWS cannot create;"
            " if it may be left out, say so in local/aws/deploy.py, WITHOUT_EFFECT"
        )


def _check_parameters(template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    """CloudFormation checks names and patterns; moto does not."""
    known = template.get("Parameters", {})
    for name, value in parameters.items():
        if name not in known:
            raise DeploymentError(f"the stack has no parameter {name}; it has {', '.join(sorted(known))}")
        pattern = known[name].get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, value):
            raise DeploymentError(f"{name} cannot be {value!r}: it must match {pattern}")


def _bootstrap(client: Callable[[str], Any]) -> None:
    """What `cdk bootstrap` leaves in an account, as far as a deployment looks at it."""
    client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)
    client("s3").create_bucket(Bucket=ASSET_BUCKET)


def _upload(s3: Any, assembly: Path, name: str, template: Mapping[str, Any]) -> None:
    """Assets are empty archives: the functions run from the checkout, where the bundle's sources lie."""
    assets = json.loads((assembly / f"{name}.assets.json").read_text())
    for asset in assets["files"].values():
        if asset["source"]["packaging"] == "zip":
            for destination in asset["destinations"].values():
                s3.put_object(Bucket=ASSET_BUCKET, Key=destination["objectKey"], Body=_empty_zip())
    s3.put_object(Bucket=ASSET_BUCKET, Key=f"{name}.json", Body=json.dumps(template).encode())


def _empty_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w"):
        pass
    return content.getvalue()


def _create(cloudformation: Any, name: str, template: Mapping[str, Any], parameters: Mapping[str, str]) -> Stack:
    """By URL: a template body of more than 51,200 bytes is refused."""
    try:
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"https://s3.amazonaws.com/{ASSET_BUCKET}/{name}.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        raise DeploymentError(f"stack {name} cannot be created: {error}") from error
    if described["StackStatus"] != "CREATE_COMPLETE":
        raise DeploymentError(f"stack {name} is {described['StackStatus']}")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    summaries = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    resources = {summary["LogicalResourceId"]: _resource(name, summary) for summary in summaries}
    _check_created(template, resources)
    return Stack(name, outputs, resources)


def _resource(stack_name: str, summary: Mapping[str, Any]) -> Resource:
    logical_id = summary["LogicalResourceId"]
    return Resource(
        logical_id=logical_id,
        type=summary["ResourceType"],
        physical_id=summary.get("PhysicalResourceId", ""),
        properties=backend.resolved_properties(stack_name, logical_id),
    )


def _check_created(template: Mapping[str, Any], resources: Mapping[str, Resource]) -> None:
    wanted = {logical_id for logical_id, resource in template["Resources"].items() if "Condition" not in resource}
    missing = sorted(wanted - set(resources))
    if missing:
        raise DeploymentError(f"moto did not create {', '.join(missing)}")


def _notify(s3: Any, stack: Stack) -> None:
    """moto's CloudFormation ignores a bucket's NotificationConfiguration; its API does not."""
    for bucket in stack.of_type("AWS::S3::Bucket"):
        configuration = bucket.properties.get("NotificationConfiguration", {})
        unknown = sorted(set(configuration) - {"EventBridgeConfiguration"})
        if unknown:
            raise DeploymentError(f"{bucket.logical_id}: {', '.join(unknown)} is not implemented")
        if configuration.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", bool(configuration)):
            s3.put_bucket_notification_configuration(
                Bucket=bucket.physical_id, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )


def _collect_messages(client: Callable[[str], Any], stack: Stack) -> None:
    """A queue that hears every topic, so that a run can show what was published."""
    url = client("sqs").create_queue(QueueName=MESSAGE_QUEUE)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for topic in stack.of_type("AWS::SNS::Topic"):
        client("sns").subscribe(TopicArn=topic.physical_id, Protocol="sqs", Endpoint=arn)


def _function(resource: Resource) -> FunctionConfig:
    properties = resource.properties
    return FunctionConfig(
        name=resource.physical_id,
        handler=properties["Handler"],
        timeout_seconds=float(properties.get("Timeout", 3)),
        memory_mb=int(properties.get("MemorySize", 128)),
        environment={
            name: str(value) for name, value in properties.get("Environment", {}).get("Variables", {}).items()
        },
        log_group=properties.get("LoggingConfig", {}).get("LogGroup", ""),
    )


def _state_machine(resource: Resource) -> StateMachine:
    properties = resource.properties
    return StateMachine(
        name=resource.physical_id.rsplit(":", 1)[-1],
        definition=properties["DefinitionString"],
        role_arn=properties["RoleArn"],
        kind=properties.get("StateMachineType", "STANDARD"),
    )
