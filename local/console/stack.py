"""The stack of the console: the local AWS of a running `up`, or the deployed stack of the user's account."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from cdk.account import aws
from cdk.account.cdk_cli import local_endpoint
from local.api_client import ApiClient
from local.aws_settings import missing_output, missing_stack, missing_variable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 32
"""Of the S3 client: a page of the gallery asks for sixty images, six at a time."""

REGIONAL: Any = {"us_east_1_regional_endpoint": "regional"}


OUTPUTS = ("ApiUrl", "InputBucket", "ImagesBucket")


@dataclass(frozen=True)
class ConsoleStack:
    """`title` names the stack in the pages."""

    title: str
    api: ApiClient
    s3: "S3Client" = field(repr=False)
    input_bucket: str
    images_bucket: str


def stack_of_up(variables: Mapping[str, str]) -> ConsoleStack:
    """The stack of a running `up`, from the variables of its `local.env`. Raises UsageError."""
    try:
        keys = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
        session = boto3.Session(*keys, region_name=variables["AWS_REGION"])
        api = ApiClient(variables["API_URL"], variables["AWS_REGION"], session, is_local=True)
        buckets = variables["INPUT_BUCKET"], variables["IMAGES_BUCKET"]
        endpoint = variables["AWS_ENDPOINT_URL"]
    except KeyError as error:
        raise missing_variable(error) from error
    s3 = session.client("s3", endpoint_url=endpoint, config=Config(proxies={}, max_pool_connections=CONNECTIONS))
    return ConsoleStack("local AWS", api, s3, *buckets)


def deployed_stack(name: str) -> ConsoleStack:
    """The deployed stack of the user's account and Region. Raises UsageError, and the errors of boto3."""
    session = aws.session()
    config = Config(s3=REGIONAL, max_pool_connections=CONNECTIONS)
    client = aws.clients(session, config=config)
    stack = aws.stack(client, name)
    if stack is None:
        raise missing_stack(name, session.region_name)
    is_local = local_endpoint(os.environ) is not None
    outputs = {**aws.outputs(stack), **({"ApiUrl": os.environ.get("API_URL", "")} if is_local else {})}
    if missing := [output for output in OUTPUTS if not outputs.get(output)]:
        raise missing_output(name, missing[0], stack["StackStatus"])
    region = session.region_name or ""
    api = ApiClient(outputs["ApiUrl"].rstrip("/"), region, session, is_local=is_local)
    return ConsoleStack(f"{name} in {region}", api, client("s3"), outputs["InputBucket"], outputs["ImagesBucket"])
