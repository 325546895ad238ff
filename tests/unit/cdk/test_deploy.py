"""What `deploy` does around the CDK CLI: what it says, and the versions that it removes afterwards."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cdk.account import assembly, aws, cdk_cli
from cdk.account.aws import EVENTS_DELAY, Account
from cdk.account.deploy import deploy
from cdk.settings import NO_CONTACT, Settings

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:M"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:download"


class FakeAws:
    """CloudFormation, Lambda and Step Functions of an account. Its function has the versions 1 to 5, of which the
    definition names 5."""

    def __init__(self, *, exists: bool, denied: str = "") -> None:
        self.exists = exists
        self.denied = denied
        self.deleted: list[str] = []

    def __call__(self, service: str) -> FakeAws:
        return self

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        if not self.exists:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "none"}}, "DescribeStacks")
        outputs = [{"OutputKey": "StateMachineArn", "OutputValue": MACHINE}]
        return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": outputs}]}

    def describe_state_machine(self, **_: Any) -> dict[str, Any]:
        if self.denied:
            raise ClientError({"Error": {"Code": self.denied, "Message": "Not allowed."}}, "DescribeStateMachine")
        return {"definition": f'{{"FunctionName": "{FUNCTION}:5"}}', "updateDate": datetime.now(UTC)}

    def get_paginator(self, operation: str) -> Any:
        pages: dict[str, dict[str, Any]] = {
            "list_executions": {"executions": []},
            "list_versions_by_function": {"Versions": [{"Version": name} for name in ("$LATEST", *"12345")]},
        }
        return type("Pages", (), {"paginate": lambda *_, **__: [pages[operation]]})()

    def delete_function(self, **version: str) -> None:
        self.deleted.append(version["Qualifier"])


def deployed(
    monkeypatch: pytest.MonkeyPatch, cloud: FakeAws, status: int = 0, contact: str = "me@example.org"
) -> tuple[int, list[str]]:
    """The exit status and what was shown. The CDK CLI creates the stack, or fails with the status."""

    def cli(*_: str, **__: Path) -> int:
        cloud.exists = cloud.exists or status == 0
        return status

    monkeypatch.setattr(aws, "account", lambda arguments: Account(cloud, "eu-west-1"))
    monkeypatch.setattr(assembly, "synthesize", lambda given, folder: folder)
    monkeypatch.setattr(cdk_cli, "install", lambda: None)
    monkeypatch.setattr(cdk_cli, "run", cli)
    shown: list[str] = []
    return deploy({}, Settings(contact=contact), (), shown.append, nullcontext), shown


def test_a_first_deployment_says_that_events_begin_later(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeAws(exists=False)

    assert deployed(monkeypatch, cloud) == (0, [EVENTS_DELAY])
    assert cloud.deleted == []


def test_a_later_deployment_removes_the_versions_that_no_run_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeAws(exists=True)

    status, shown = deployed(monkeypatch, cloud)

    assert (status, cloud.deleted) == (0, ["1", "2", "3"])
    assert shown[1] == "Removed versions of functions that no run uses: download:1, download:2, download:3."


def test_a_deployment_without_a_contact_says_so_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert deployed(monkeypatch, FakeAws(exists=False), contact="") == (0, [NO_CONTACT, EVENTS_DELAY])


def test_a_deployment_that_fails_removes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeAws(exists=True)

    assert deployed(monkeypatch, cloud, status=1)[0] == 1
    assert cloud.deleted == []


def test_versions_that_cannot_be_removed_do_not_fail_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeAws(exists=True, denied="AccessDeniedException")

    status, shown = deployed(monkeypatch, cloud)

    assert (status, cloud.deleted) == (0, [])
    assert shown[1].startswith("The deployment is complete. Versions of functions that no run uses were not removed: ")
    assert "Not allowed." in shown[1]
