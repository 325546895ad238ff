"""A small stack whose role has few permissions: S3, deliveries between services, deployments, traces and logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws.cloud import Cloud
from local.aws.stack import DeploymentError
from tests.unit.local.aws.assembly import template, write

Change = Callable[[dict[str, Any]], object]
SESSION = r"User: arn:aws:sts::123456789012:assumed-role/\S+/\S+ is not authorized to perform"


def _allow(stack: dict[str, Any], action: str | list[str], *resources: Any) -> None:
    found = {"Effect": "Allow", "Action": action, "Resource": list(resources)}
    _statements(stack).append(found)


def _statements(stack: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack["Resources"]["Permissions"]["Properties"]["PolicyDocument"]["Statement"]
    return found


def _without(stack: dict[str, Any], action: str) -> None:
    """Replace an action, because a statement needs one."""
    for statement in _statements(stack):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        statement["Action"] = ["sqs:ListQueues" if each == action else each for each in actions]


def _in(bucket: str, path: str) -> dict[str, Any]:
    return {"Fn::Join": ["", [{"Fn::GetAtt": [bucket, "Arn"]}, path]]}


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Callable[[Change], Cloud]]:
    """Starts a cloud of the changed template."""
    clouds: list[Cloud] = []

    def start(change: Change) -> Cloud:
        stack = json.loads(json.dumps(template()))
        change(stack)
        clouds.append(Cloud(assembly=write(tmp_path, stack)))
        return clouds[0]

    yield start
    for cloud in clouds:
        cloud.close()


def _client(cloud: Cloud, service: str = "s3") -> Any:
    """A client with the credentials of the function."""
    (function,) = cloud.stack.functions()
    settings = cloud.access.function_settings(function)
    create: Callable[..., Any] = boto3.Session(region_name="us-east-1").client
    return create(
        service,
        endpoint_url=cloud.endpoint,
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 0}, proxies={}),
    )


def _denial(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403")
    return str(caught.value)


def test_an_object_is_read_and_written_where_the_role_may(deployed: Callable[[Change], Cloud]) -> None:
    cloud = deployed(lambda stack: _allow(stack, ["s3:GetObject", "s3:PutObject"], _in("Images", "/images/*")))
    s3, bucket = _client(cloud), cloud.outputs["ImagesBucket"]
    s3.put_object(Bucket=bucket, Key="images/a", Body=b"a")

    assert s3.get_object(Bucket=bucket, Key="images/a")["Body"].read() == b"a"
    message = _denial(lambda: s3.put_object(Bucket=bucket, Key="other/a", Body=b"a"))
    assert f's3:PutObject on resource: "arn:aws:s3:::{bucket}/other/a" because no identity-based policy' in message
    assert "s3:DeleteObject" in _denial(lambda: s3.delete_object(Bucket=bucket, Key="images/a"))
    assert "s3:GetObjectVersion" in _denial(lambda: s3.get_object(Bucket=bucket, Key="images/a", VersionId="null"))
    assert "s3:GetObjectTagging" in _denial(lambda: s3.get_object_tagging(Bucket=bucket, Key="images/a"))
    source = {"Bucket": bucket, "Key": "other/a"}
    assert "s3:GetObject on" in _denial(lambda: s3.copy_object(Bucket=bucket, Key="images/b", CopySource=source))


def test_many_objects_are_deleted_by_the_administrator_alone(deployed: Callable[[Change], Cloud]) -> None:
    cloud = deployed(lambda stack: _allow(stack, "s3:*", "*"))
    request = {"Bucket": cloud.outputs["ImagesBucket"], "Delete": {"Objects": [{"Key": "a"}]}}

    assert "no rule for the permission of POST" in _denial(lambda: _client(cloud).delete_objects(**request))
    assert cloud.client("s3").delete_objects(**request)["Deleted"] == [{"Key": "a"}]


def test_parts_of_an_upload_need_their_own_actions(deployed: Callable[[Change], Cloud]) -> None:
    cloud = deployed(lambda stack: _allow(stack, "s3:PutObject", _in("Images", "/*")))
    s3, bucket = _client(cloud), cloud.outputs["ImagesBucket"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    chosen = {"Bucket": bucket, "Key": "a", "UploadId": upload}
    s3.upload_part(**chosen, PartNumber=1, Body=b"a")

    assert "s3:ListMultipartUploadParts" in _denial(lambda: s3.list_parts(**chosen))
    assert "s3:AbortMultipartUpload" in _denial(lambda: s3.abort_multipart_upload(**chosen))
    assert "s3:ListBucketMultipartUploads" in _denial(lambda: s3.list_multipart_uploads(Bucket=bucket))


def test_a_missing_object_is_403_without_the_permission_to_list(deployed: Callable[[Change], Cloud]) -> None:
    cloud = deployed(lambda stack: _allow(stack, "s3:GetObject", _in("Images", "/*"), _in("Input", "/*")))
    s3, bucket = _client(cloud), cloud.outputs["ImagesBucket"]

    message = _denial(lambda: s3.get_object(Bucket=bucket, Key="missing"))
    assert f's3:ListBucket on resource: "arn:aws:s3:::{bucket}" because' in message
    assert "403" in _denial(lambda: s3.head_object(Bucket=bucket, Key="missing"))


def test_a_missing_object_is_404_with_the_permission_to_list(deployed: Callable[[Change], Cloud]) -> None:
    def change(stack: dict[str, Any]) -> None:
        _allow(stack, "s3:GetObject", _in("Images", "/*"))
        _allow(stack, "s3:ListBucket", _in("Images", ""))

    cloud = deployed(change)
    with pytest.raises(ClientError, match="NoSuchKey"):
        _client(cloud).get_object(Bucket=cloud.outputs["ImagesBucket"], Key="missing")


def test_an_explicit_deny_of_a_bucket_applies_to_the_administrator(deployed: Callable[[Change], Cloud]) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": _in("Input", "/closed/*")}

    def change(stack: dict[str, Any]) -> None:
        stack["Resources"]["InputPolicy"]["Properties"]["PolicyDocument"] = {
            "Version": "2012-10-17",
            "Statement": [deny],
        }

    cloud = deployed(change)
    s3, bucket = cloud.client("s3"), cloud.outputs["InputBucket"]
    s3.put_object(Bucket=bucket, Key="open/a", Body=b"a")

    message = _denial(lambda: s3.put_object(Bucket=bucket, Key="closed/a", Body=b"a"))
    assert message.endswith("with an explicit deny in a resource-based policy")


def test_the_settings_of_a_bucket_are_refused_to_roles_by_name(deployed: Callable[[Change], Cloud]) -> None:
    cloud = deployed(lambda stack: _allow(stack, "s3:*", "*"))

    message = _denial(lambda: _client(cloud).get_bucket_versioning(Bucket=cloud.outputs["ImagesBucket"]))
    assert "no rule for the permission of s3:GET" in message


def test_a_role_of_the_stack_cannot_be_assumed_by_the_administrator(deployed: Callable[[Change], Cloud]) -> None:
    cloud = deployed(lambda stack: None)
    (function,) = cloud.stack.functions()

    message = _denial(lambda: cloud.client("sts").assume_role(RoleArn=function.role, RoleSessionName="session"))
    assert message.endswith(f"not authorized to perform: sts:AssumeRole on resource: {function.role}")
    other = "arn:aws:iam::123456789012:role/cdk-deploy"
    assert cloud.client("sts").assume_role(RoleArn=other, RoleSessionName="session")["Credentials"]


def _uploaded(cloud: Cloud) -> None:
    cloud.client("s3").put_object(Bucket=cloud.outputs["InputBucket"], Key="manifests/m.csv", Body=b"url\n")
    cloud.settle()


def _dead_letters(cloud: Cloud) -> list[dict[str, Any]]:
    url = cloud.stack.resources["Dead"].physical_id
    found: list[dict[str, Any]] = (
        cloud.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
    )
    return found


def _execution(cloud: Cloud) -> dict[str, Any]:
    states = cloud.client("stepfunctions")
    [started] = states.list_executions(stateMachineArn=cloud.outputs["StateMachineArn"])["executions"]
    cloud.engine.wait_for(started["executionArn"], 20)
    found: dict[str, Any] = states.describe_execution(executionArn=started["executionArn"])
    return found


def test_an_event_that_may_not_start_the_state_machine_is_a_dead_letter(
    deployed: Callable[[Change], Cloud],
) -> None:
    cloud = deployed(lambda stack: _without(stack, "states:StartExecution"))
    _uploaded(cloud)

    [letter] = _dead_letters(cloud)
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert "states:StartExecution" in attributes["ERROR_MESSAGE"]


def test_a_queue_that_takes_no_events_gets_no_dead_letter(deployed: Callable[[Change], Cloud]) -> None:
    def change(stack: dict[str, Any]) -> None:
        _without(stack, "states:StartExecution")
        del stack["Resources"]["DeadPolicy"]

    cloud = deployed(change)
    _uploaded(cloud)

    assert _dead_letters(cloud) == []


def test_a_state_machine_that_may_not_invoke_the_function_fails(deployed: Callable[[Change], Cloud]) -> None:
    cloud = deployed(lambda stack: _without(stack, "lambda:InvokeFunction"))
    _uploaded(cloud)

    execution = _execution(cloud)
    assert (execution["status"], execution["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert "is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:" in execution["cause"]


@pytest.mark.parametrize("action", ["logs:CreateLogStream", "logs:PutLogEvents"])
def test_a_function_that_may_not_write_logs_has_none(deployed: Callable[[Change], Cloud], action: str) -> None:
    cloud = deployed(lambda stack: _without(stack, action))
    _uploaded(cloud)
    _execution(cloud)
    cloud.functions.close()
    cloud.settle()

    group = cloud.stack.resources["Log"].physical_id
    assert cloud.client("logs").filter_log_events(logGroupName=group)["events"] == []


def test_a_function_that_may_not_send_segments_has_no_trace(deployed: Callable[[Change], Cloud]) -> None:
    cloud = deployed(lambda stack: _without(stack, "xray:PutTraceSegments"))
    (function,) = cloud.stack.functions()

    assert not cloud.access.may_trace(function.name)
    assert cloud.access.function_settings(function)["AWS_XRAY_DAEMON_ADDRESS"] == ""


def _no_trust(stack: dict[str, Any], service: str) -> None:
    trust = stack["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]
    trust["Statement"] = [each for each in trust["Statement"] if each["Principal"]["Service"] != service]


def _logging(stack: dict[str, Any]) -> None:
    stack["Resources"]["Machine"]["Properties"]["LoggingConfiguration"] = {
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Log", "Arn"]}}}],
        "Level": "ERROR",
    }


def _destination(stack: dict[str, Any]) -> None:
    stack["Resources"]["Retries"] = {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "Qualifier": "$LATEST",
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Dead", "Arn"]}}},
        },
    }


def _managed_policy(stack: dict[str, Any]) -> None:
    stack["Resources"]["Role"]["Properties"]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]


def _condition(stack: dict[str, Any]) -> None:
    _statements(stack)[0]["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda stack: _no_trust(stack, "lambda.amazonaws.com"), "cannot be assumed by Lambda.*sts:AssumeRole"),
        (lambda stack: _no_trust(stack, "states.amazonaws.com"), "state machine IAM role cannot be assumed"),
        (_logging, f"log destination. {SESSION}: logs:CreateLogDelivery"),
        (_destination, f"no permission to call the destination. {SESSION}: sqs:sendmessage"),
        (_managed_policy, "Role: the managed policy arn:aws:iam::aws:policy/AdministratorAccess"),
        (_condition, "Permissions: the condition key aws:PrincipalOrgID"),
    ],
)
def test_a_deployment_is_refused_where_aws_refuses_it_or_a_policy_cannot_be_evaluated(
    deployed: Callable[[Change], Cloud], change: Change, message: str
) -> None:
    with pytest.raises(DeploymentError, match=message):
        deployed(change)
