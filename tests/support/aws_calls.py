"""The calls that a program makes with boto3 and with urllib, as actions and resources of IAM."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.model import OperationModel

from local.aws.backend import ACCOUNT, REGION


@dataclass
class Calls:
    """`session` and `urlopen` take the place of those of the program. `found` has the calls in their order."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def session(self) -> boto3.Session:
        session = boto3.Session()
        session.events.register("provide-client-params", self._of_client)
        return session

    def urlopen(self, request: urllib.request.Request) -> Any:
        api, stage, path = urlsplit(request.full_url).path.removeprefix("/_aws/execute-api/").split("/", 2)
        self._add("execute-api:Invoke", f"execute-api:{REGION}:{ACCOUNT}:{api}/{stage}/{request.get_method()}/{path}")
        return urllib.request.urlopen(request)

    def _of_client(self, params: Mapping[str, str], model: OperationModel, **_: object) -> None:
        service = model.service_model.service_name
        resources = {
            "cloudformation": f"cloudformation:{REGION}:{ACCOUNT}:stack/{params.get('StackName')}/id",
            "s3": f"s3:::{params.get('Bucket')}/{params.get('Key')}",
        }
        self._add(f"{service}:{model.name}", resources[service])

    def _add(self, action: str, resource: str) -> None:
        self.found.append((action, f"arn:aws:{resource}"))
