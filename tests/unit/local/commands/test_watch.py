"""`watch` where no run has started, with the small stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cdk.account import aws
from cdk.account.aws import EVENTS_DELAY
from local.aws.cloud import Cloud
from local.commands.env_file import write_env_file
from local.commands.watch import watch
from local.errors import UsageError
from tests.unit.local.aws.assembly import template, write


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(assembly=write(tmp_path_factory.mktemp("cdk.out"), template())) as cloud:
        yield cloud


@pytest.fixture
def account(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell of a user whose account has the stack Small."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in cloud.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("account")
def test_in_an_account_without_a_run_the_delay_of_the_events_is_named(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        watch(out=tmp_path, run_id="", stack_name="Small")

    bucket = cloud.outputs["InputBucket"]
    assert str(caught.value) == (
        f"There is no run yet. Upload a manifest to s3://{bucket}/manifests/ to start one. {EVENTS_DELAY}"
    )


@pytest.mark.usefixtures("account")
def test_a_stack_is_found_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^There is no stack Other in us-east-1\. Deploy it with `\./image-mirror deploy`, start"
    ):
        watch(out=tmp_path, run_id="", stack_name="Other")


@pytest.mark.usefixtures("account")
def test_a_stack_that_is_not_complete_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "stack", lambda *_: {"StackName": "Small", "StackStatus": "CREATE_FAILED"})

    with pytest.raises(
        UsageError, match=r"^The stack Small \(CREATE_FAILED\) has no output StateMachineArn: .* deploy"
    ):
        watch(out=tmp_path, run_id="", stack_name="Small")


def test_the_local_aws_sends_events_at_once(cloud: Cloud, tmp_path: Path) -> None:
    write_env_file(tmp_path, cloud.environment())

    with pytest.raises(UsageError, match=r"^There is no run yet\. .* to start one\.$"):
        watch(out=tmp_path, run_id="", stack_name="")
