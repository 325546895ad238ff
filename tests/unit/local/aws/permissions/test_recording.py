"""Which test needed which grant: the recorder of a cloud, its summary, and templates without a grant."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.aws.permissions.documents import Grant
from local.aws.permissions.recording import VARIABLE, Recorder, recorder
from tests.permissions.explained import reason_of
from tests.permissions.recording import summarized
from tests.permissions.removal import without
from tests.unit.local.aws.permissions.policies import WORKER, of_role, permissions, statement

TEST = "tests/unit/local/aws/permissions/test_recording.py::test_a_permitted_call_is_recorded_for_its_test"


def test_a_permitted_call_is_recorded_for_its_test(tmp_path: Path) -> None:
    recording = Recorder(tmp_path)
    checked = permissions(of_role(statement("s3:GetObject", ["b/*", "b/runs/*"])))
    checked._record = recording
    for key in ("b/runs/1", "b/runs/1", "b/a"):
        checked.check(WORKER, "s3:GetObject", key)
    checked.permits(WORKER, "s3:PutObject", "b/a")
    recording.close()

    found = summarized(tmp_path, {})
    assert found.tests == {"Worker s3:GetObject b/*": [TEST], "Worker s3:GetObject b/runs/*": [TEST]}
    assert found.calls == {"worker": {"s3": 3}}


def test_nothing_is_recorded_without_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    assert recorder() is None


def _template(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": {"P": {"Type": "x", "Properties": {name: {"Statement": list(statements)}}}}}


def _grant(action: str, statement: int = 0, position: int = 0) -> Grant:
    return Grant("Worker", action, "", "P", statement, position)


ONE = {"Effect": "Allow", "Action": "a:One", "Resource": "x"}
MANY = {"Effect": "Allow", "Action": ["a:One", "a:Two"], "Resource": ["x", "y"]}


@pytest.mark.parametrize(
    ("statements", "grant", "rest"),
    [
        ([ONE, MANY], _grant("a:One"), [MANY]),
        (
            [ONE, MANY],
            _grant("a:Two", 1, 0),
            [ONE, {**MANY, "Action": ["a:One"]}, {**MANY, "Action": ["a:Two"], "Resource": ["y"]}],
        ),
        ([ONE], _grant("a:One"), [{"Action": "sqs:ListQueues", "Resource": "*", "Effect": "Allow"}]),
    ],
)
def test_a_template_without_a_grant_has_all_others(
    statements: list[dict[str, Any]], grant: Grant, rest: list[dict[str, Any]]
) -> None:
    template = _template("PolicyDocument", *statements)
    before = json.dumps(template)

    assert without(template, grant) == _template("PolicyDocument", *rest)
    assert json.dumps(template) == before


def test_a_lambda_permission_is_removed_as_a_whole() -> None:
    template = {"Resources": {"P": {"Type": "AWS::Lambda::Permission", "Properties": {"Action": "a"}}, "Q": {}}}

    assert without(template, _grant("a")) == {"Resources": {"Q": {}}}


def test_a_grant_that_tests_must_need_has_no_explanation() -> None:
    assert reason_of("DownloadBatchRoleFAD95ED1 s3:PutObject arn:aws:s3:::BucketsImages16C2C5AC/images/*") == ""
    assert reason_of("DownloadBatchRoleFAD95ED1 xray:PutTelemetryRecords *").startswith("CDK adds it")
