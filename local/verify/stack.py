"""The deployed stack: its outputs, its resources, and the clients of its account."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws_settings import missing_output, missing_stack, missing_variable
from local.errors import UsageError
from local.verify.lines import NotCheckedError, is_denied

Clients = Callable[[str], Any]
"""Returns the boto3 client of a service. Any: the type of a client depends on the name of its service."""

OUTPUTS = (
    "InputBucket",
    "ImagesBucket",
    "ImagesTable",
    "RunsTable",
    "TopicArn",
    "StateMachineArn",
    "IndexMachineArn",
    "ApiUrl",
)
FUNCTIONS = ("PrepareRun", "DownloadBatch", "SummarizeRun")
"""Beginnings of the logical IDs of the functions that every run needs."""

REGIONAL: Any = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
"""Links to the endpoint of the Region: the global one redirects for a new bucket, and rejects some Regions."""

CONNECTIONS = 32
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Resource:
    logical_id: str
    type: str
    physical_id: str


@dataclass(frozen=True)
class DeployedStack:
    """`session` has the credentials of the caller. `resources` is empty if the caller may not list them."""

    name: str
    session: boto3.Session
    clients: Clients = field(repr=False)
    outputs: Mapping[str, str]
    resources: tuple[Resource, ...]
    api_url: str

    @property
    def region(self) -> str:
        return str(self.clients("s3").meta.region_name)

    @property
    def is_local(self) -> bool:
        """True for the local AWS, which serves at loopback."""
        return _is_loopback(_host(self.clients("s3").meta.endpoint_url))

    def physical_id(self, resource_type: str, logical_id: str) -> str:
        """Of the first resource whose logical ID begins with `logical_id`. Raises NotCheckedError."""
        for resource in self.resources:
            if resource.type == resource_type and resource.logical_id.startswith(logical_id):
                return resource.physical_id
        if not self.resources:
            raise NotCheckedError("AccessDenied: cloudformation:ListStackResources names the resources of the stack.")
        raise NotCheckedError(f"The stack has no {resource_type} {logical_id}.")

    def variables(self, function: str) -> Mapping[str, str]:
        """The environment variables of a function of the stack. Raises NotCheckedError, ClientError."""
        name = self.physical_id("AWS::Lambda::Function", f"{function}Function")
        configuration = self.clients("lambda").get_function_configuration(FunctionName=name)
        variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
        return variables


def find_stack(name: str, variables: Mapping[str, str] | None) -> DeployedStack:
    """The stack of a running `up`, whose `variables` are those of its `local.env`, otherwise that of the account.

    Raises UsageError, and the errors of boto3.
    """
    session, settings = _session(variables)
    clients = _clients(session, settings)
    outputs = _outputs(clients, name)
    missing = [output for output in OUTPUTS if output not in outputs]
    if missing:
        raise missing_output(name, missing[0])
    api_url = outputs["ApiUrl"]
    if _is_loopback(_host(clients("s3").meta.endpoint_url)):
        api_url = (os.environ if variables is None else variables).get("API_URL", "")
        if not api_url:
            raise UsageError("AWS_ENDPOINT_URL points at the local AWS, and API_URL is not set: source its local.env.")
    return DeployedStack(name, session, clients, outputs, _resources(clients, name), api_url.rstrip("/"))


def check_links_can_be_reached(stack: DeployedStack) -> None:
    """Raises UsageError where downloads may not connect to the local AWS, which serves the images."""
    if not stack.is_local:
        return
    try:
        allowed = stack.variables("DownloadBatch").get("ALLOWED_NETWORKS", "")
    except (NotCheckedError, ClientError):
        return
    host = _host(stack.clients("s3").meta.endpoint_url)
    address = ip_address(host if host[-1].isdigit() else LOOPBACK)
    if not any(address in ip_network(network) for network in allowed.split(",") if network):
        raise UsageError(
            f"The local AWS serves the images of this check at {address}, and its downloads may not connect to that"
            f" address. Restart it: `./image-mirror up --allow {address}`, or `make up ALLOW={address}`."
        )


def _session(variables: Mapping[str, str] | None) -> tuple[boto3.Session, dict[str, Any]]:
    """The session, and the settings of its clients. Raises UsageError."""
    if variables is None:
        return boto3.Session(), {}
    try:
        keys = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
        session = boto3.Session(*keys, region_name=variables["AWS_REGION"])
        return session, {"endpoint_url": variables["AWS_ENDPOINT_URL"]}
    except KeyError as error:
        raise missing_variable(error) from error


def _clients(session: boto3.Session, settings: Mapping[str, Any]) -> Clients:
    """All clients, created at once: threads may share clients, but not a session."""
    proxies: dict[str, Any] = {"proxies": {}} if settings else {}
    retries: Any = {"mode": "standard", "max_attempts": 5}
    config = Config(s3=REGIONAL, max_pool_connections=CONNECTIONS, retries=retries, **proxies)
    s3_config = config.merge(Config(signature_version="s3v4"))
    create: Any = session.client
    services = ("cloudformation", "cloudwatch", "dynamodb", "lambda", "logs", "sns", "sqs", "stepfunctions", "xray")
    clients = {service: create(service, config=config, **settings) for service in services}
    clients["s3"] = create("s3", config=s3_config, **settings)
    return clients.__getitem__


def _outputs(clients: Clients, name: str) -> Mapping[str, str]:
    """Raises UsageError."""
    cloudformation = clients("cloudformation")
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise missing_stack(name, cloudformation.meta.region_name) from error
    if not stack["StackStatus"].endswith("_COMPLETE") or stack["StackStatus"].startswith(("DELETE", "ROLLBACK")):
        raise UsageError(f"The stack {name} is not deployed: its status is {stack['StackStatus']}.")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _resources(clients: Clients, name: str) -> tuple[Resource, ...]:
    pages = clients("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    try:
        return tuple(
            Resource(each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId", ""))
            for page in pages
            for each in page["StackResourceSummaries"]
        )
    except ClientError as error:
        if is_denied(error):
            return ()
        raise


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
