"""Deploys a cloud assembly of the CDK (`cdk.out`) through moto's CloudFormation, as `cdk deploy` would."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.aws import backend
from local.aws.backend import ACCOUNT, REGION
from local.aws.stack import DeploymentError, Resource, Stack

BOOTSTRAP_VERSION = "30"
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
ASSET_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
MESSAGE_QUEUE = "local-messages"
NETWORKS_VARIABLE = "ALLOWED_NETWORKS"
"""Variable of the function that downloads. In AWS its value is the setting `allowed_networks`, here it is ALLOW."""

OPTIONS_VARIABLE = "DEFAULT_OPTIONS"
"""Variable of the function that determines the options of a run: those of the settings."""

# Resource types that moto's CloudFormation does not support, with what becomes of them.
WITHOUT_RESOURCE = {
    "AWS::CDK::Metadata": "usage statistics of the CDK",
    "AWS::ApiGateway::Account": "kept; the local API Gateway writes no logs",
    "AWS::ApiGateway::GatewayResponse": "kept, and read by local/aws/http/gateway.py",
    "AWS::ApiGateway::Stage": "kept, and read by local/aws/http/gateway.py",
    "AWS::Lambda::EventInvokeConfig": "kept, and read by Stack.functions",
    "AWS::CloudWatch::Alarm": "kept; it has a state and does not act",
    "AWS::Logs::QueryDefinition": "kept",
    "AWS::S3::BucketPolicy": "kept, and evaluated by local/aws/permissions",
    "AWS::SNS::TopicPolicy": "kept, and evaluated by local/aws/permissions",
    "AWS::SQS::QueuePolicy": "kept, and evaluated by local/aws/permissions",
}


NAME_PROPERTIES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
"""The property with the physical name of a resource. CloudFormation generates a random name if it is not set; here the
name is the same for every deployment, because OUT refers to it."""

MAX_NAME = 60
"""Names of buckets may have 63 characters."""


def deploy(assembly: Path, client: Callable[[str], Any], *, allow: str | None = None) -> Stack:
    """Create the stack's resources. The caller runs its functions and state machines. Raises DeploymentError.

    `allow` are the networks that downloads may reach here; None means those of the template.
    """
    name, template = _template(assembly)
    _check_types(template)
    template = _without_passes(template if allow is None else _with_networks(allow, template))
    template = _with_names(name, template)
    _bootstrap(client)
    _create_existing_bucket(client("s3"), template)
    _upload(client("s3"), assembly, name, template)
    stack = _create(client("cloudformation"), name, template)
    _keep_settings(stack)
    _notify(client("s3"), stack)
    _collect_messages(client, stack)
    backend.protect_stack(name)
    return stack


def _template(assembly: Path) -> tuple[str, dict[str, Any]]:
    """The name and the template of the only stack of the assembly."""
    try:
        manifest = json.loads((assembly / "manifest.json").read_text())
    except FileNotFoundError:
        raise DeploymentError(f"There is no synthesized stack in {assembly}. Run `make synth`.") from None
    stacks = {
        name: artifact["properties"]["templateFile"]
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    if len(stacks) != 1:
        raise DeploymentError(f"There are {len(stacks)} stacks in {assembly}; exactly one is supported.")
    ((name, file),) = stacks.items()
    return name, json.loads((assembly / file).read_text())


def _check_types(template: Mapping[str, Any]) -> None:
    backend.accept_without_effect(WITHOUT_RESOURCE)
    for logical_id, resource in template["Resources"].items():
        if not backend.is_supported_type(resource["Type"]):
            raise DeploymentError(
                f"{logical_id} is an {resource['Type']}, which the local AWS does not support. If the pipeline works"
                " without it, add the type to WITHOUT_RESOURCE in local/aws/deploy.py."
            )


def _with_networks(allow: str, template: dict[str, Any]) -> dict[str, Any]:
    """The template with these networks in the functions that have the variable. Raises DeploymentError."""
    found = list(_with_variable(NETWORKS_VARIABLE, template))
    if not found:
        raise DeploymentError(f"No function of the stack has the environment variable {NETWORKS_VARIABLE}.")
    for variables in found:
        variables[NETWORKS_VARIABLE] = allow
    return template


def _without_passes(template: dict[str, Any]) -> dict[str, Any]:
    """The template without passes, unless its settings or the run ask for them: a local run is not to wait for minutes
    for hosts that fail."""
    for variables in _with_variable(OPTIONS_VARIABLE, template):
        variables[OPTIONS_VARIABLE] = json.dumps({"passes": 0} | json.loads(variables[OPTIONS_VARIABLE]))
    return template


def _with_variable(name: str, template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The environment variables of the functions that have this one."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            variables = resource["Properties"].get("Environment", {}).get("Variables", {})
            if name in variables:
                yield variables


def _with_names(stack_name: str, template: Mapping[str, Any]) -> dict[str, Any]:
    """The template with a physical name for each resource that needs one and has none."""
    resources = {}
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        name = NAME_PROPERTIES.get(resource["Type"])
        if name is not None and name not in properties:
            resource = {**resource, "Properties": {**properties, name: _physical_name(stack_name, logical_id)}}
        resources[logical_id] = resource
    return {**template, "Resources": resources}


def _physical_name(stack_name: str, logical_id: str) -> str:
    """Long names end in a hash, so that two stacks with long names have different buckets."""
    name = f"{stack_name}-{logical_id}".lower()
    return (
        name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 13]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    )


def _bootstrap(client: Callable[[str], Any]) -> None:
    """Create what a deployment needs of the resources that `cdk bootstrap` creates in an account."""
    client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)
    client("s3").create_bucket(Bucket=ASSET_BUCKET)


def _create_existing_bucket(s3: Any, template: Mapping[str, Any]) -> None:
    """Create the images bucket that exists already in AWS (setting `images_bucket`): the local account is empty."""
    name = template.get("Outputs", {}).get("ImagesBucket", {}).get("Value")
    if isinstance(name, str):
        s3.create_bucket(Bucket=name)


def _upload(s3: Any, assembly: Path, name: str, template: Mapping[str, Any]) -> None:
    """Upload the template, and an empty archive for each asset: the functions run from the sources in the checkout."""
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


def _create(cloudformation: Any, name: str, template: Mapping[str, Any]) -> Stack:
    """Create the stack by the URL of its template: CloudFormation rejects a template body over 51,200 bytes."""
    try:
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"https://s3.amazonaws.com/{ASSET_BUCKET}/{name}.json",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        raise DeploymentError(f"CloudFormation CreateStack {name} failed: {error}") from error
    if described["StackStatus"] != "CREATE_COMPLETE":
        raise DeploymentError(f"CloudFormation CreateStack {name} ended with status {described['StackStatus']}.")
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
    expected = {logical_id for logical_id, resource in template["Resources"].items() if "Condition" not in resource}
    missing = sorted(expected - set(resources))
    if missing:
        raise DeploymentError(f"moto did not create these resources of the stack: {', '.join(missing)}.")


def _keep_settings(stack: Stack) -> None:
    for resource in stack.resources.values():
        try:
            backend.keep_settings(resource.type, resource.physical_id or resource.logical_id, resource.properties)
        except backend.UnknownSettingError as error:
            raise DeploymentError(f"{resource.logical_id}: {error}.") from error


def _notify(s3: Any, stack: Stack) -> None:
    """Set each bucket's NotificationConfiguration through the S3 API: moto's CloudFormation ignores it."""
    for bucket in stack.of_type("AWS::S3::Bucket"):
        configuration = bucket.properties.get("NotificationConfiguration", {})
        unsupported = sorted(set(configuration) - {"EventBridgeConfiguration"})
        if unsupported:
            names = ", ".join(unsupported)
            raise DeploymentError(f"The local AWS does not support {names} of the bucket {bucket.logical_id}.")
        if configuration.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", bool(configuration)):
            s3.put_bucket_notification_configuration(
                Bucket=bucket.physical_id, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )


def _collect_messages(client: Callable[[str], Any], stack: Stack) -> None:
    """Subscribe a queue to every topic, so that the published messages can be shown."""
    url = client("sqs").create_queue(QueueName=MESSAGE_QUEUE)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for topic in stack.of_type("AWS::SNS::Topic"):
        client("sns").subscribe(TopicArn=topic.physical_id, Protocol="sqs", Endpoint=arn)
