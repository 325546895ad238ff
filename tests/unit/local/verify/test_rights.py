"""A right that the caller lacks is named, and what needs it counts as not checked."""

from typing import Any, ClassVar

import boto3
import pytest
import requests
from botocore.config import Config

from local.verify.api import response_error
from local.verify.created import Created
from local.verify.lines import CheckFailedError, NotCheckedError, Result, run_check
from local.verify.links import Links
from local.verify.messages import Messages
from local.verify.runs import Waiting
from local.verify.stack import REGIONAL, Resource
from local.verify.telemetry import Telemetry
from tests.unit.local.verify.fakes import Refusing, stack

WAITING = Waiting(0, 0)


def test_without_the_right_to_create_a_queue_messages_are_not_checked() -> None:
    messages = Messages(stack(sqs=Refusing("AccessDenied"), sns=Refusing()), Created())

    messages.subscribe()

    with pytest.raises(NotCheckedError, match=r"AccessDenied.*create_queue"):
        messages.check(WAITING, [])


def test_without_the_right_to_list_the_resources_logs_are_not_checked() -> None:
    telemetry = Telemetry(stack(), WAITING)
    run: Any = object()

    with pytest.raises(NotCheckedError, match=r"AccessDenied: cloudformation:ListStackResources"):
        telemetry.logs([run])


def test_without_the_right_to_read_alarms_they_are_not_checked() -> None:
    class CloudWatch(Refusing):
        def get_paginator(self, _: str) -> Any:
            return self

    telemetry = Telemetry(stack(cloudwatch=CloudWatch("AccessDenied")), WAITING)
    telemetry.remember_alarms()

    assert run_check("alarms", "", telemetry.alarms).result is Result.NOT_CHECKED


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        (
            403,
            '{"Message": "User: arn:aws:iam::1:user/a is not authorized to perform: execute-api:Invoke"}',
            NotCheckedError,
            "AccessDenied: User: arn:aws:iam::1:user/a is not authorized to perform: execute-api:Invoke",
        ),
        (
            403,
            '{"message": "Missing Authentication Token"}',
            CheckFailedError,
            "GET /runs answers with 403: Missing Authentication Token",
        ),
        (409, '{"detail": "It has ended."}', CheckFailedError, "GET /runs answers with 409: It has ended."),
        (502, "<html>", CheckFailedError, "GET /runs answers with 502: Bad Gateway"),
    ],
)
def test_an_answer_of_the_api_that_the_caller_has_no_right_to_is_told_from_others(
    status: int, body: str, kind: type[Exception], sentence: str
) -> None:
    response = requests.Response()
    response.status_code, response.reason, response._content = status, "Bad Gateway", body.encode()

    error = response_error("GET /runs", response)

    assert (type(error), str(error)) == (kind, sentence)


def test_an_alarm_that_was_raised_before_is_told_from_one_that_these_runs_have_raised() -> None:
    class CloudWatch:
        states: ClassVar[dict[str, str]] = {"ImageMirror-A": "ALARM", "ImageMirror-B": "OK", "ImageMirror-Test-A": "OK"}

        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: Any) -> Any:
            yield {"MetricAlarms": [{"AlarmName": name, "StateValue": state} for name, state in self.states.items()]}

    cloudwatch = CloudWatch()
    own = [Resource(name, "AWS::CloudWatch::Alarm", f"ImageMirror-{name}") for name in "AB"]
    telemetry = Telemetry(stack(*own, cloudwatch=cloudwatch), WAITING)
    telemetry.remember_alarms()

    assert telemetry.alarms() == "2 alarms, none raised by these runs. Raised before: ImageMirror-A."

    cloudwatch.states |= {"ImageMirror-B": "ALARM", "ImageMirror-Test-A": "ALARM"}
    with pytest.raises(CheckFailedError, match=r"Raised since the start of this check: ImageMirror-B\."):
        telemetry.alarms()


def test_a_resource_that_the_stack_does_not_have_is_named() -> None:
    with pytest.raises(NotCheckedError, match=r"The stack has no AWS::Logs::LogGroup ApiLog\."):
        stack(Resource("Other", "AWS::Logs::LogGroup", "x")).physical_id("AWS::Logs::LogGroup", "ApiLog")


def signer(token: str | None, region: str = "eu-south-2") -> Any:
    session: Any = boto3.Session("AKIDEXAMPLE", "secret", token, region_name=region)
    return session.client("s3", config=Config(signature_version="s3v4", s3=REGIONAL))


class Bucket:
    """Keeps what is put, and signs as boto3 does."""

    def __init__(self, token: str | None, region: str) -> None:
        self.generate_presigned_url = signer(token, region).generate_presigned_url
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        self.objects[Key] = Body


@pytest.mark.parametrize("token", [None, "t" * 3000])
@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "name.s3.us-east-1.amazonaws.com"),
        ("eu-south-2", "name.s3.eu-south-2.amazonaws.com"),
        ("cn-north-1", "name.s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "name.s3.us-gov-west-1.amazonaws.com"),
    ],
)
def test_links_are_to_the_endpoint_of_the_region(token: str | None, region: str, host: str) -> None:
    bucket = Bucket(token, region)
    links = Links(stack(s3=bucket), Created())

    first, second, repeated, dead = links.rows(2, has_failures=True)

    assert first.url.startswith(f"https://{host}/verify/")
    assert ("X-Amz-Security-Token=" in first.url) == (token is not None)
    assert (repeated.url, repeated.repeated, dead.picture) == (first.url, True, None)
    assert [row.picture.body for row in (first, second) if row.picture] == [*bucket.objects.values()]
    assert dead.url.partition("?")[0].rpartition("/")[2].removesuffix(".png") not in "".join(bucket.objects)
