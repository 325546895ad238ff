"""A deployed stack whose services a test replaces."""

from typing import Any

import boto3
from botocore.exceptions import ClientError

from local.verify.stack import OUTPUTS, DeployedStack, Resource

TOPIC = "arn:aws-cn:sns:cn-north-1:123456789012:topic"


class Refusing:
    """A client whose caller may do nothing. Any: the members of a client."""

    def __init__(self, code: str = "AccessDenied") -> None:
        self._code = code

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any, **__: Any) -> Any:
            raise ClientError({"Error": {"Code": self._code, "Message": "not authorized"}}, name)

        return refuse


def stack(*resources: Resource, **clients: Any) -> DeployedStack:
    """A client for each service that the test needs, by its name."""
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name="cn-north-1")
    outputs = dict.fromkeys(OUTPUTS, "name") | {"TopicArn": TOPIC}
    return DeployedStack("ImageMirror", session, clients.__getitem__, outputs, resources, "https://api.example/v1")
