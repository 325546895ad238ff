"""Events from a PUT to the targets of a rule."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import backend
from local.aws.clients import Clients, Credentials
from local.aws.events import EventBus, target_input
from local.aws.http.server import Server
from local.aws.out import BucketFolders
from local.aws.s3.api import S3Api
from local.aws.s3.wsgi import ObjectsApp, WithObjects
from local.aws.store.index import StoredObject
from local.aws.store.objects import ObjectStore

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:mirror"
BUCKET = "input-bucket"


class StartError(Exception):
    code = "StateMachineDoesNotExist"


class Targets:
    """A fake of all targets: records started executions, invoked functions and dead letters."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Any]] = []
        self.invoked: list[tuple[str, Any]] = []
        self.letters: list[tuple[str, str, Any]] = []
        self.error: Exception | None = None

    def start(self, arn: str, event: Any) -> None:
        if self.error is not None:
            raise self.error
        self.started.append((arn, event))

    def invoke(self, arn: str, event: Any) -> None:
        self.invoked.append((arn, event))

    def dead_letter(self, queue_arn: str, body: str, attributes: Any) -> None:
        self.letters.append((queue_arn, body, attributes))


class Objects:
    """The object store in front of moto. `hook` is called with its events."""

    def __init__(self, out: Path) -> None:
        self.hook: Callable[[str, StoredObject], object] = lambda name, stored: None
        credentials = Credentials.random()
        self.store = ObjectStore(out, BucketFolders(out), lambda name, stored: self.hook(name, stored))
        api = S3Api(self.store, {credentials.access_key: credentials.secret_key}.get)
        self.server = Server()
        self.server.start(WithObjects(ObjectsApp(api), self.store, backend.application()))
        self.clients = Clients(self.server.endpoint, credentials)

    def close(self) -> None:
        self.clients.close()
        self.server.stop()
        self.store.close()
        backend.reset()


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    backend.reset()
    objects = Objects(tmp_path)
    yield objects
    objects.close()


@pytest.fixture
def client(objects: Objects) -> Callable[[str], Any]:
    return objects.clients


@pytest.fixture
def targets() -> Targets:
    return Targets()


@pytest.fixture
def bus(objects: Objects, client: Callable[[str], Any], targets: Targets) -> Iterator[EventBus]:
    bus = EventBus(targets.start, targets.invoke, targets.dead_letter)
    objects.hook = bus.object_changed
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [BUCKET]},
            "object": {"key": [{"prefix": "manifests/"}], "size": [{"numeric": [">", 0]}]},
        },
    }
    client("events").put_rule(Name="uploaded", EventPattern=json.dumps(pattern))
    dead_letters = {"Arn": "arn:aws:sqs:us-east-1:123456789012:dead"}
    target = {"Id": "1", "Arn": MACHINE, "DeadLetterConfig": dead_letters}
    client("events").put_targets(Rule="uploaded", Targets=[target])
    yield bus
    bus.close()


def _put(client: Callable[[str], Any], key: str, body: bytes = b"url\n", **more: Any) -> Any:
    return client("s3").put_object(Bucket=BUCKET, Key=key, Body=body, **more)


def test_an_upload_starts_the_state_machine_with_the_documented_event(
    client: Callable[[str], Any], bus: EventBus, targets: Targets
) -> None:
    etag = _put(client, "manifests/a b+c%.csv")["ETag"].strip('"')
    bus.flush()
    ((arn, event),) = targets.started
    assert arn == MACHINE
    assert uuid.UUID(event["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
    assert event["detail-type"] == "Object Created"
    assert event["resources"] == [f"arn:aws:s3:::{BUCKET}"]
    assert (event["account"], event["region"], event["version"]) == ("123456789012", "us-east-1", "0")
    detail = event["detail"]
    assert detail["bucket"] == {"name": BUCKET}
    assert detail["reason"] == "PutObject"
    assert re.fullmatch("[0-9A-F]{18}", detail["object"].pop("sequencer"))
    assert detail["object"] == {"key": "manifests/a b+c%.csv", "size": 4, "etag": etag}


@pytest.mark.parametrize("key", ["runs/x.csv", "manifest.csv"])
def test_an_object_that_the_rule_does_not_match_starts_nothing(
    client: Callable[[str], Any], bus: EventBus, targets: Targets, key: str
) -> None:
    _put(client, key)
    bus.flush()
    assert targets.started == []


def test_an_empty_object_starts_nothing(client: Callable[[str], Any], bus: EventBus, targets: Targets) -> None:
    _put(client, "manifests/empty.csv", b"")
    bus.flush()
    assert targets.started == []


def test_a_bucket_without_eventbridge_sends_no_event(client: Callable[[str], Any], bus: EventBus) -> None:
    client("s3").create_bucket(Bucket="quiet")
    client("s3").put_object(Bucket="quiet", Key="manifests/a.csv", Body=b"x")
    bus.flush()
    assert list(bus.recent) == []


def test_the_sequencer_grows_with_each_event_of_a_key(
    client: Callable[[str], Any], bus: EventBus, targets: Targets
) -> None:
    for _ in range(5):
        _put(client, "manifests/a.csv")
    bus.flush()
    sequencers = [event["detail"]["object"]["sequencer"] for _, event in targets.started]
    assert sequencers == sorted(set(sequencers))
    assert len(sequencers) == 5


def test_a_multipart_upload_is_one_event(client: Callable[[str], Any], bus: EventBus, targets: Targets) -> None:
    s3, where = client("s3"), {"Bucket": BUCKET, "Key": "manifests/big.csv"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"url\n")["ETag"]
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    bus.flush()
    assert [event["detail"]["reason"] for _, event in targets.started] == ["CompleteMultipartUpload"]


def test_a_copy_has_its_own_reason(client: Callable[[str], Any], bus: EventBus, targets: Targets) -> None:
    _put(client, "elsewhere.csv")
    client("s3").copy_object(
        Bucket=BUCKET, Key="manifests/copy.csv", CopySource={"Bucket": BUCKET, "Key": "elsewhere.csv"}
    )
    bus.flush()
    assert [event["detail"]["reason"] for _, event in targets.started] == ["CopyObject"]


def test_a_version_id_is_in_the_event_of_a_versioned_bucket(
    client: Callable[[str], Any], bus: EventBus, targets: Targets
) -> None:
    client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    version = _put(client, "manifests/a.csv")["VersionId"]
    bus.flush()
    assert targets.started[0][1]["detail"]["object"]["version-id"] == version


def test_an_event_put_again_is_delivered_again(client: Callable[[str], Any], bus: EventBus, targets: Targets) -> None:
    _put(client, "manifests/a.csv")
    bus.flush()
    bus.put(bus.recent[-1])
    bus.flush()
    first, second = targets.started
    assert first == second


def test_a_start_that_fails_leaves_the_event_in_the_dead_letter_queue(
    client: Callable[[str], Any], bus: EventBus, targets: Targets
) -> None:
    targets.error = StartError("State Machine Does Not Exist")
    _put(client, "manifests/a.csv")
    bus.flush()
    ((queue, body, attributes),) = targets.letters
    assert queue == "arn:aws:sqs:us-east-1:123456789012:dead"
    assert json.loads(body)["detail"]["object"]["key"] == "manifests/a.csv"
    assert attributes == {
        "RULE_ARN": "arn:aws:events:us-east-1:123456789012:rule/uploaded",
        "TARGET_ARN": MACHINE,
        "ERROR_CODE": "StateMachineDoesNotExist",
        "ERROR_MESSAGE": "State Machine Does Not Exist",
    }


def test_a_disabled_rule_starts_nothing(client: Callable[[str], Any], bus: EventBus, targets: Targets) -> None:
    client("events").disable_rule(Name="uploaded")
    _put(client, "manifests/a.csv")
    bus.flush()
    assert targets.started == []


def test_a_function_is_invoked_with_the_event(client: Callable[[str], Any], bus: EventBus, targets: Targets) -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:summarize"
    client("events").put_targets(Rule="uploaded", Targets=[{"Id": "2", "Arn": function}])
    _put(client, "manifests/a.csv")
    bus.flush()
    ((arn, event),) = targets.invoked
    assert arn == function
    assert event["detail"]["object"]["key"] == "manifests/a.csv"


def test_other_targets_are_served_by_moto(client: Callable[[str], Any], bus: EventBus) -> None:
    url = client("sqs").create_queue(QueueName="received")["QueueUrl"]
    client("events").put_targets(
        Rule="uploaded", Targets=[{"Id": "2", "Arn": "arn:aws:sqs:us-east-1:123456789012:received"}]
    )
    _put(client, "manifests/a.csv")
    bus.flush()
    (message,) = client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["detail"]["object"]["key"] == "manifests/a.csv"


def test_the_status_change_of_an_execution_is_an_event_that_rules_can_match(
    client: Callable[[str], Any], bus: EventBus
) -> None:
    url = client("sqs").create_queue(QueueName="changes")["QueueUrl"]
    client("events").put_rule(Name="changes", EventPattern=json.dumps({"source": ["aws.states"]}))
    client("events").put_targets(
        Rule="changes", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:changes"}]
    )
    bus.execution_changed({"executionArn": "arn:e", "status": "FAILED"})
    bus.flush()
    (message,) = client("sqs").receive_message(QueueUrl=url)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert (event["resources"], event["detail"]["status"]) == (["arn:e"], "FAILED")


def test_an_invalid_rule_does_not_end_the_bus(client: Callable[[str], Any], bus: EventBus, targets: Targets) -> None:
    invalid = {"source": [{"prefix": 7}]}
    client("events").put_rule(Name="an-invalid-one", EventPattern=json.dumps(invalid))
    client("events").put_targets(Rule="an-invalid-one", Targets=[{"Id": "1", "Arn": MACHINE}])
    _put(client, "manifests/a.csv")
    bus.flush()
    client("events").remove_targets(Rule="an-invalid-one", Ids=["1"])
    client("events").delete_rule(Name="an-invalid-one")
    _put(client, "manifests/b.csv")
    bus.flush()
    assert targets.started[-1][1]["detail"]["object"]["key"] == "manifests/b.csv"


EVENT: dict[str, Any] = {"time": "2026-01-01T00:00:00Z", "detail": {"object": {"key": "k"}}}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"fixed": 1}'}, {"fixed": 1}),
        ({"InputPath": "$.detail.object"}, {"key": "k"}),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"key": "$.detail.object.key"},
                    "InputTemplate": '{"name": "<key>"}',
                }
            },
            {"name": "k"},
        ),
    ],
)
def test_the_input_settings_of_a_target_transform_the_event(target: dict[str, Any], expected: Any) -> None:
    assert target_input(target, EVENT) == expected
