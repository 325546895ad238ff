"""The synthesized stack in ministack, and what a check needs of it."""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cdk.bundle import bundle
from tests.second_opinions.programs import REGION, ROOT, Service

NAME = "ImageMirror"
ASSEMBLY = ROOT / "cdk.out"
EVENTS = "second-opinions"
LOOPBACK = "127.0.0.0/8"

WAIT_SECONDS = 20
"""Longest wait of a ReceiveMessage."""

MAX_RECEIVES = 9


def template() -> dict[str, Any]:
    """With a function that may download from this machine."""
    content: dict[str, Any] = json.loads((ASSEMBLY / f"{NAME}.template.json").read_text())
    for resource in content["Resources"].values():
        variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
        if "ALLOWED_NETWORKS" in variables:
            variables["ALLOWED_NETWORKS"] = LOOPBACK
    return content


def supported(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The template without what ministack refuses, and without the policies that deny HTTP: it has no TLS."""
    kept = {
        name: _allowing_http(resource) for name, resource in whole["Resources"].items() if not _is_refused(resource)
    }
    return {**whole, "Resources": {name: resource for name, resource in kept.items() if resource is not None}}


def _is_refused(resource: Mapping[str, Any]) -> bool:
    """Saved queries, and alarms of metric expressions."""
    is_expression = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]
    return is_expression or resource["Type"] == "AWS::Logs::QueryDefinition"


def _allowing_http(resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The resource without the statements of its policy that deny HTTP, or None if it has no others."""
    properties = resource.get("Properties", {})
    statements = properties.get("PolicyDocument", {}).get("Statement", [])
    left = [part for part in statements if "aws:SecureTransport" not in part.get("Condition", {}).get("Bool", {})]
    if left == statements:
        return resource
    policy = {**properties["PolicyDocument"], "Statement": left}
    return {**resource, "Properties": {**properties, "PolicyDocument": policy}} if left else None


@dataclass(frozen=True)
class Stack:
    """The stack, deployed. A queue receives the notifications of its topic and the ends of its executions."""

    service: Service
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    queue: str

    def client(self, service: str) -> Any:
        return self.service.client(service)

    def resource(self, name: str) -> str:
        """The physical ID of a resource by its construct: the CDK adds a hash of eight characters."""
        (found,) = (ident for logical, ident in self.resources.items() if re.fullmatch(rf"{name}\w{{8}}", logical))
        return found

    def run(self, key: str, content: bytes) -> "Run":
        """Uploads a manifest, and returns when the execution that the upload started has ended."""
        self.client("s3").put_object(Bucket=self.outputs["InputBucket"], Key=key, Body=content)
        notices: list[dict[str, Any]] = []
        for message in self._messages():
            if "detail" in message:
                return Run(self, message["detail"]["executionArn"], message["detail"]["status"], notices)
            notices.append(json.loads(message["Message"]))
        raise TimeoutError(f"No execution has ended after the upload of {key}.")

    def _messages(self) -> Iterator[dict[str, Any]]:
        sqs = self.client("sqs")
        for _ in range(MAX_RECEIVES):
            received = sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=WAIT_SECONDS, MaxNumberOfMessages=1)
            for message in received.get("Messages", []):
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(message["Body"])

    def request(self, path: str, signed: bool = True) -> requests.Response:
        """A GET of the REST API, signed as IAM authorization needs it."""
        api = self.outputs["ApiUrl"].removeprefix("https://").partition(".")[0]
        request = AWSRequest("GET", f"{self.service.endpoint}/restapis/{api}/v1/_user_request_{path}")
        if signed:
            credentials = Credentials(self.service.access_key, self.service.secret_key)
            SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
        return requests.get(str(request.url), headers=dict(request.headers.items()), timeout=60)


@dataclass(frozen=True)
class Run:
    """An execution that has ended, and the notifications before its end."""

    stack: Stack
    arn: str
    status: str
    notices: list[dict[str, Any]]

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        states = self.stack.client("stepfunctions")
        pages = states.get_paginator("get_execution_history").paginate(executionArn=self.arn)
        return [event for page in pages for event in page["events"]]

    @cached_property
    def states(self) -> list[str]:
        return [
            event["stateEnteredEventDetails"]["name"] for event in self.history if "stateEnteredEventDetails" in event
        ]

    def output(self, state: str) -> dict[str, Any]:
        """The output of a state."""
        details = (event.get("stateExitedEventDetails", {}) for event in self.history)
        (text,) = (detail["output"] for detail in details if detail.get("name") == state)
        output: dict[str, Any] = json.loads(text)
        return output

    def file(self, name: str) -> str:
        """A file of the run in the input bucket."""
        run_id = self.output("SummarizeRun")["run_id"]
        key = f"runs/{run_id}/{name}"
        body = self.stack.client("s3").get_object(Bucket=self.stack.outputs["InputBucket"], Key=key)["Body"]
        text: str = body.read().decode()
        return text


def deploy(service: Service, folder: Path) -> Stack:
    """Creates the supported part of the stack. The functions have the dependencies for this machine and this Python."""
    url = upload(service, supported(template()), folder)
    outputs = _create(service.client("cloudformation"), url)
    listed = service.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
    resources = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}
    return Stack(service, outputs, resources, _collect(service, outputs))


def upload(service: Service, content: Mapping[str, Any], folder: Path) -> str:
    """Uploads the template and the code of the functions as `cdk deploy` does. Returns the URL of the template."""
    account = service.client("sts").get_caller_identity()["Account"]
    bucket = f"cdk-hnb659fds-assets-{account}-{REGION}"
    version = {"Name": "/cdk-bootstrap/hnb659fds/version", "Value": "30", "Type": "String"}
    service.client("ssm").put_parameter(**version, Overwrite=True)
    s3 = service.client("s3")
    s3.create_bucket(Bucket=bucket)
    for asset in json.loads((ASSEMBLY / f"{NAME}.assets.json").read_text())["files"].values():
        (destination,) = asset["destinations"].values()
        is_code = asset["source"]["packaging"] == "zip"
        body = _code(folder) if is_code else json.dumps(content).encode()
        s3.put_object(Bucket=bucket, Key=destination["objectKey"], Body=body)
        if not is_code:
            url = f"https://s3.amazonaws.com/{bucket}/{destination['objectKey']}"
    return url


def _code(folder: Path) -> bytes:
    bundle(folder, platform=None, python_version=None)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(folder.rglob("*")):
            opened.write(path, path.relative_to(folder))
    return archive.getvalue()


def _create(cloudformation: Any, url: str) -> dict[str, str]:
    """The outputs of the stack."""
    cloudformation.create_stack(
        StackName=NAME,
        TemplateURL=url,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=NAME, WaiterConfig={"Delay": 1})
    (described,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def _collect(service: Service, outputs: Mapping[str, str]) -> str:
    """A queue for the notifications of the topic and the ends of the executions."""
    sqs, events = service.client("sqs"), service.client("events")
    queue: str = sqs.create_queue(QueueName=EVENTS)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    senders = {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}
    statement = {"Effect": "Allow", "Principal": senders, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    ended = {"status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]}
    events.put_rule(Name=EVENTS, EventPattern=json.dumps({"source": ["aws.states"], "detail": ended}))
    events.put_targets(Rule=EVENTS, Targets=[{"Id": "queue", "Arn": arn}])
    service.client("sns").subscribe(TopicArn=outputs["TopicArn"], Protocol="sqs", Endpoint=arn)
    return queue
