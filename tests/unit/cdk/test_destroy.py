"""`destroy` on the local AWS, up to the CDK CLI: what it refuses, asks and deletes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cdk.account import buckets, destroy
from cdk.account.aws import Account
from cdk.account.errors import AccountError
from local.aws.backend import ACCOUNT, REGION
from local.aws.cloud import Cloud
from tests.unit.local.aws.assembly import template, write

STACK = "Small"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """A stack whose input bucket has versions, with a bucket that it keeps, beside a bucket of somebody else."""
    stack = template("wait", timeout=60)
    stack["Resources"]["Input"]["Properties"]["VersioningConfiguration"] = {"Status": "Enabled"}
    stack["Resources"]["Kept"] = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "RetainExceptOnCreate"}
    with Cloud(assembly=write(tmp_path, stack)) as cloud:
        cloud.client("s3").create_bucket(Bucket="theirs")
        yield cloud


@pytest.fixture
def account(cloud: Cloud) -> Account:
    return Account(cloud.client, REGION)


def put(cloud: Cloud, bucket: str, *keys: str) -> None:
    for key in keys:
        cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")


def bucket(cloud: Cloud, logical_id: str) -> str:
    return cloud.stack.resources[logical_id].physical_id


class Answer:
    """Answers the questions, and keeps them."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.questions: list[str] = []

    def __call__(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer


def test_a_stack_with_empty_buckets_can_be_deleted(cloud: Cloud, account: Account) -> None:
    put(cloud, bucket(cloud, "Kept"), "a")
    put(cloud, "theirs", "a")

    found = destroy.checked(account, STACK, with_objects=False, confirm=Answer(False))

    assert found == destroy.Contents({}, [bucket(cloud, "Kept")])


def test_a_bucket_with_objects_is_refused_by_its_name_and_says_what_to_do(cloud: Cloud, account: Account) -> None:
    put(cloud, bucket(cloud, "Images"), "images/1.jpg", "images/2.jpg")

    with pytest.raises(AccountError) as caught:
        destroy.checked(account, STACK, with_objects=False, confirm=None)

    assert str(caught.value) == (
        f"The stack Small was not deleted: the bucket {bucket(cloud, 'Images')} has 2 objects, and CloudFormation "
        "deletes only empty buckets. Copy what you need, then delete the objects with the stack: "
        "./image-mirror destroy --empty --stack-name Small"
    )


@pytest.mark.parametrize("deleted", [False, True])
def test_versions_and_delete_markers_are_objects_too(cloud: Cloud, account: Account, deleted: bool) -> None:
    name = bucket(cloud, "Input")
    put(cloud, name, "manifests/a.csv", "manifests/a.csv")
    if deleted:
        cloud.client("s3").delete_object(Bucket=name, Key="manifests/a.csv")
        assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket=name)
    cloud.settle()
    stop_runs(cloud)

    with pytest.raises(AccountError, match=rf"the bucket {name} has {2 + deleted} objects, and"):
        destroy.checked(account, STACK, with_objects=False, confirm=None)


def stop_runs(cloud: Cloud) -> None:
    states, arn = cloud.client("stepfunctions"), cloud.outputs["StateMachineArn"]
    for execution in states.list_executions(stateMachineArn=arn)["executions"]:
        states.stop_execution(executionArn=execution["executionArn"])


def test_only_the_first_thousand_objects_are_listed_before_a_refusal(
    cloud: Cloud, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (buckets, destroy):
        monkeypatch.setattr(module, "LISTED_AT_ONCE", 2)
    put(cloud, bucket(cloud, "Images"), "a", "b", "c")

    with pytest.raises(AccountError, match="has 2 objects or more, and"):
        destroy.checked(account, STACK, with_objects=False, confirm=None)


def test_the_question_names_buckets_objects_stack_and_account(cloud: Cloud, account: Account) -> None:
    put(cloud, bucket(cloud, "Images"), "a")
    answer = Answer(False)

    with pytest.raises(AccountError, match=r"^Nothing was deleted\.$"):
        destroy.checked(account, STACK, with_objects=True, confirm=answer)

    assert answer.questions == [
        f"Delete 1 object of the bucket {bucket(cloud, 'Images')}, and the stack Small of account {ACCOUNT} in"
        f" {REGION}, with its tables?"
    ]
    assert objects(cloud, bucket(cloud, "Images")) == 1


def objects(cloud: Cloud, name: str) -> int:
    return buckets.count_objects(cloud.client("s3"), name, 1_000)


@pytest.mark.parametrize("confirm", [None, Answer(True)])
def test_the_buckets_of_the_stack_are_emptied_and_no_others(
    cloud: Cloud, account: Account, confirm: Answer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "LISTED_AT_ONCE", 3)
    names = {logical: bucket(cloud, logical) for logical in ("Images", "Input", "Kept")} | {"Theirs": "theirs"}
    for name in names.values():
        put(cloud, name, *"abcdefg", "a b+ä/%41", "a")
    cloud.client("s3").delete_object(Bucket=names["Input"], Key="b")
    shown: list[str] = []

    found = destroy.checked(account, STACK, with_objects=True, confirm=confirm)
    destroy.empty_buckets(cloud.client, found, shown.append)

    assert found.objects == {names["Images"]: 8, names["Input"]: 10}
    assert {logical: objects(cloud, name) for logical, name in names.items()} == {
        **{"Images": 0, "Input": 0, "Kept": 8, "Theirs": 8}
    }
    assert sorted(shown) == sorted(
        f"Deleted {count} objects of the bucket {name}." for name, count in found.objects.items()
    )
    for logical in ("Images", "Input"):
        cloud.client("s3").delete_bucket(Bucket=names[logical])


def test_an_object_that_cannot_be_deleted_ends_the_deletion_by_name(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cloud, bucket(cloud, "Images"), "a")
    s3 = cloud.client("s3")
    refused = {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "Access Denied"}]}
    monkeypatch.setattr(s3, "delete_objects", lambda **_: refused)

    with pytest.raises(AccountError, match=r"Cannot delete a of the bucket .*: AccessDenied Access Denied\. 0 objects"):
        buckets.empty(s3, bucket(cloud, "Images"))


def test_a_run_in_progress_is_refused(cloud: Cloud, account: Account) -> None:
    arn = cloud.outputs["StateMachineArn"]
    execution = cloud.client("stepfunctions").start_execution(stateMachineArn=arn, input="{}")["executionArn"]

    with pytest.raises(AccountError, match=f"has a run in progress.* stop-execution --execution-arn {execution}"):
        destroy.checked(account, STACK, with_objects=True, confirm=None)

    stop_runs(cloud)
    assert destroy.checked(account, STACK, with_objects=True, confirm=None).objects == {}


def test_a_stack_that_does_not_exist_is_an_error(account: Account) -> None:
    with pytest.raises(AccountError, match=rf"There is no stack Other in {REGION}\."):
        destroy.checked(account, "Other", with_objects=False, confirm=None)


@pytest.mark.parametrize("removed", [["Images"], ["Images", "Machine"]])
def test_a_deletion_that_failed_half_way_can_be_repeated(
    cloud: Cloud, account: Account, removed: Sequence[str]
) -> None:
    put(cloud, bucket(cloud, "Input"), "a")
    deletions: dict[str, Callable[[], Any]] = {
        "Images": lambda: cloud.client("s3").delete_bucket(Bucket=bucket(cloud, "Images")),
        "Machine": lambda: cloud.client("stepfunctions").delete_state_machine(
            stateMachineArn=cloud.outputs["StateMachineArn"]
        ),
    }
    for each in removed:
        deletions[each]()

    found = destroy.checked(account, STACK, with_objects=True, confirm=None)

    assert found.objects == {bucket(cloud, "Input"): 1}


def test_nothing_is_emptied_where_the_stack_cannot_be_synthesized(
    cloud: Cloud, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Path:
        raise AccountError("Cannot synthesize the stack.")

    put(cloud, bucket(cloud, "Images"), "a")
    monkeypatch.setattr("cdk.account.aws.account", lambda arguments: account)
    monkeypatch.setattr("cdk.account.assembly.synthesize", broken)

    with pytest.raises(AccountError, match="Cannot synthesize"):
        destroy.destroy(STACK, (), with_objects=True, confirm=None, show=print, working=nullcontext)

    assert objects(cloud, bucket(cloud, "Images")) == 1


def test_the_bucket_that_a_caller_may_not_list_ends_in_a_sentence(
    cloud: Cloud, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "ListObjectVersions")

    def refused(*_: object) -> int:
        raise error

    monkeypatch.setattr("cdk.account.aws.account", lambda arguments: account)
    monkeypatch.setattr(destroy, "count_objects", refused)

    with pytest.raises(AccountError, match=r"^AWS request failed: An error occurred \(AccessDenied\)"):
        destroy.destroy(STACK, (), with_objects=True, confirm=None, show=print, working=nullcontext)
