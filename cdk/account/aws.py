"""Clients of the AWS account, the errors of their requests, and the deployed stack."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, ProfileNotFound

from cdk.account.errors import AccountError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

Clients = Callable[[str], Any]
"""Returns the boto3 client of a service. Any: the type of a client depends on the name of its service."""

Working = Callable[[str], AbstractContextManager[object]]
"""Shows a text while a command waits."""

EVENTS_DELAY = (
    "S3 takes about five minutes until it sends the events of a new bucket: a manifest that is uploaded before may "
    "start no run. Upload it again if none has started."
)
"""S3 User Guide, "Enabling Amazon EventBridge"."""

_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")

SETTINGS_ERRORS = (NoCredentialsError, NoRegionError, ProfileNotFound)


@dataclass(frozen=True)
class Account:
    """The clients of the caller's credentials, and their Region."""

    client: Clients
    region: str

    def number(self) -> str:
        number: str = self.client("sts").get_caller_identity()["Account"]
        return number


def account(cdk_arguments: Sequence[str] = ()) -> Account:
    """The account that the CDK CLI uses with these arguments. Raises AccountError."""
    with aws_errors():
        found = session(cdk_arguments)
        return Account(clients(found), found.region_name or "")


def check_credentials(cdk_arguments: Sequence[str]) -> None:
    """Raises AccountError without credentials. The CDK CLI would say so only after the synthesis of the stack."""
    with aws_errors():
        if session(cdk_arguments).get_credentials() is None:
            raise NoCredentialsError


def session(cdk_arguments: Sequence[str] = ()) -> boto3.Session:
    """As the CDK CLI has it: unlike boto3, it reads AWS_REGION too."""
    profile, region = (_value(name, cdk_arguments) for name in ("--profile", "--region"))
    return boto3.Session(profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None)


def clients(session: boto3.Session, **settings: Any) -> Clients:
    """Creates the client of a service at its first use. Any: the settings are those of `Session.client`."""
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            create: Any = session.client
            made[service] = create(service, **settings)
        return made[service]

    return client


@contextmanager
def aws_errors() -> Iterator[None]:
    """Raises AccountError for a request that fails."""
    try:
        yield
    except SETTINGS_ERRORS as error:
        raise AccountError(
            f"AWS request failed: {sentence(error)} Set AWS_PROFILE, or AWS_REGION and credentials."
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise AccountError(f"AWS request failed: {sentence(error)}") from error


def sentence(error: Exception) -> str:
    """Without the user and the password of a proxy."""
    return as_sentence(_USER_INFO.sub("", str(error)))


def as_sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def stack(client: Clients, name: str) -> StackTypeDef | None:
    """The stack as CloudFormation describes it; None if there is none."""
    cloudformation: CloudFormationClient = client("cloudformation")
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise


def outputs(described: StackTypeDef) -> Mapping[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def _value(option: str, cdk_arguments: Sequence[str]) -> str | None:
    """The value of an option of the CDK CLI, `--option value` or `--option=value`."""
    for position, argument in enumerate(cdk_arguments):
        if argument == option:
            return next(iter(cdk_arguments[position + 1 :]), None)
        if argument.startswith(f"{option}="):
            return argument.partition("=")[2]
    return None
