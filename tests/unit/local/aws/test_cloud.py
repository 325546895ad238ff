"""The local AWS with a small stack."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.aws.cloud import Cloud, CloudInUseError
from local.aws.stack import DeploymentError
from local.limits import Limits
from tests.unit.local.aws.assembly import template, write


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    folder = tmp_path / "cdk.out"
    folder.mkdir()
    return write(folder, template())


@pytest.fixture
def cloud(assembly: Path, tmp_path: Path) -> Iterator[Cloud]:
    with Cloud(assembly=assembly, out=tmp_path / "out") as cloud:
        yield cloud


def _upload(cloud: Cloud, key: str = "manifests/m.csv") -> None:
    cloud.client("s3").put_object(Bucket=cloud.outputs["InputBucket"], Key=key, Body=b"url\n")
    cloud.settle()


def _execution(cloud: Cloud) -> Any:
    """The only execution, after its end."""
    states = cloud.client("stepfunctions")
    arn = cloud.outputs["StateMachineArn"]
    (started,) = states.list_executions(stateMachineArn=arn)["executions"]
    cloud.engine.wait_for(started["executionArn"], timeout=20)
    return states.describe_execution(executionArn=started["executionArn"])


def test_an_upload_runs_the_function_through_rule_and_state_machine(cloud: Cloud) -> None:
    _upload(cloud)
    execution = _execution(cloud)
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["detail"]["object"]["key"] == "manifests/m.csv"


def test_an_upload_elsewhere_runs_nothing(cloud: Cloud) -> None:
    _upload(cloud, "submitted/m.csv")
    arn = cloud.outputs["StateMachineArn"]
    assert cloud.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"] == []


def test_the_output_of_the_function_is_in_its_log_group(cloud: Cloud) -> None:
    _upload(cloud)
    _execution(cloud)
    cloud.functions.close()
    cloud.settle()
    group = cloud.stack.resources["Log"].physical_id
    events = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    assert [event["message"].split()[0] for event in events] == ["START", "END", "REPORT"]


def test_the_messages_of_the_topic_are_collected(cloud: Cloud) -> None:
    cloud.client("sns").publish(
        TopicArn=cloud.outputs["TopicArn"],
        Subject="2 images failed",
        Message=json.dumps({"failed": 2}),
        MessageAttributes={"type": {"DataType": "String", "StringValue": "images_failed"}},
    )
    assert cloud.messages() == [
        {
            "type": "images_failed",
            "subject": "2 images failed",
            "message": {"failed": 2},
            "attributes": {"type": "images_failed"},
        }
    ]


def test_a_change_of_an_execution_reaches_the_bus(cloud: Cloud) -> None:
    _upload(cloud)
    _execution(cloud)
    cloud.settle()
    changes = [event["detail"]["status"] for event in cloud.events.recent if event["source"] == "aws.states"]
    assert changes == ["RUNNING", "SUCCEEDED"]


def test_an_event_that_cannot_start_goes_to_the_dead_letter_queue(cloud: Cloud) -> None:
    arn = cloud.outputs["StateMachineArn"]
    cloud.client("stepfunctions").delete_state_machine(stateMachineArn=arn)
    _upload(cloud)
    dead = cloud.stack.resources["Dead"].physical_id
    (letter,) = cloud.client("sqs").receive_message(QueueUrl=dead, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(letter["Body"])["detail"]["object"]["key"] == "manifests/m.csv"
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "StateMachineDoesNotExist"


def test_an_asynchronous_invocation_that_fails_three_times_reaches_the_queue_of_the_function(tmp_path: Path) -> None:
    stack = template("fail")
    dead = {"Fn::GetAtt": ["Dead", "Arn"]}
    config = {"FunctionName": {"Ref": "Function"}, "DestinationConfig": {"OnFailure": {"Destination": dead}}}
    stack["Resources"]["Config"] = {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": config}
    stack["Resources"]["Function"]["Properties"]["DeadLetterConfig"] = {"TargetArn": dead}
    allow = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": dead}
    policy = {"PolicyName": "send", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allow]}}
    stack["Resources"]["Send"] = {"Type": "AWS::IAM::Policy", "Properties": {**policy, "Roles": [{"Ref": "Role"}]}}
    with Cloud(assembly=write(tmp_path, stack), limits=Limits(async_retry_seconds=0)) as cloud:
        name = cloud.stack.resources["Function"].physical_id
        cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"row": 1}')
        cloud.settle()
        queue = cloud.stack.resources["Dead"].physical_id
        response = cloud.client("sqs").receive_message(
            QueueUrl=queue, MessageAttributeNames=["All"], MaxNumberOfMessages=10
        )
    record, event = response["Messages"]
    body = json.loads(record["Body"])
    assert body["requestPayload"] == {"row": 1}
    assert body["requestContext"]["approximateInvokeCount"] == 3
    assert body["responsePayload"]["errorMessage"] == "no such manifest"
    assert json.loads(event["Body"]) == {"row": 1}
    assert event["MessageAttributes"]["ErrorMessage"]["StringValue"] == "no such manifest"


def test_its_environment_variables_are_sufficient_for_a_client(cloud: Cloud) -> None:
    environment = cloud.environment()
    assert environment["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert set(environment) >= {"INPUT_BUCKET", "IMAGES_BUCKET", "IMAGES_TABLE", "RUNS_TABLE", "TOPIC_ARN"}
    assert environment["STATE_MACHINE_ARN"] == cloud.outputs["StateMachineArn"]


def test_a_second_cloud_has_the_objects_and_rows_of_the_first(assembly: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Cloud(assembly=assembly, out=out) as first:
        first.client("s3").put_object(Bucket=first.outputs["ImagesBucket"], Key="images/a.png", Body=b"png")
        sha256 = hashlib.sha256(b"png").hexdigest()
        row = {"url": {"S": "https://a/"}, "object_key": {"S": "images/a.png"}, "sha256": {"S": sha256}}
        first.client("dynamodb").put_item(TableName=first.outputs["ImagesTable"], Item=row)
    with Cloud(assembly=assembly, out=out) as second:
        response = second.client("s3").get_object(Bucket=second.outputs["ImagesBucket"], Key="images/a.png")
        assert response["Body"].read() == b"png"
        assert second.client("dynamodb").scan(TableName=second.outputs["ImagesTable"])["Items"] == [row]


def test_a_missing_profile_does_not_matter_and_is_still_set_afterwards(
    assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    with Cloud(assembly=assembly) as cloud:
        _upload(cloud)
        assert _execution(cloud)["status"] == "SUCCEEDED"
        assert "AWS_PROFILE" not in os.environ
    assert os.environ["AWS_PROFILE"] == "production"


def test_two_clouds_at_the_same_time_are_an_error(cloud: Cloud, assembly: Path) -> None:
    with pytest.raises(CloudInUseError, match="only one local cloud"):
        Cloud(assembly=assembly)


def test_closing_leaves_no_thread_no_process_and_no_state(assembly: Path) -> None:
    threads, processes = set(threading.enumerate()), psutil.Process().children()
    cloud = Cloud(assembly=assembly)
    _upload(cloud)
    _execution(cloud)
    cloud.close()
    assert set(threading.enumerate()) <= threads  # those of earlier tests may end
    assert psutil.Process().children() == processes


def test_closing_during_a_run_stops_it_at_once(tmp_path: Path) -> None:
    threads, processes = set(threading.enumerate()), psutil.Process().children()
    cloud = Cloud(assembly=write(tmp_path, template("wait", timeout=60)))
    _upload(cloud)
    cloud.close()
    assert set(threading.enumerate()) <= threads  # those of earlier tests may end
    assert psutil.Process().children() == processes


def test_a_deployment_that_fails_leaves_nothing_behind(tmp_path: Path, assembly: Path) -> None:
    threads = set(threading.enumerate())
    with pytest.raises(DeploymentError):
        Cloud(assembly=tmp_path)
    assert set(threading.enumerate()) <= threads  # those of earlier tests may end
    Cloud(assembly=assembly).close()
