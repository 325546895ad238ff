"""Which published versions are removed after a deployment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cdk.account.versions import UPDATE_SECONDS, Version, remove_unused_versions, versions_in

MACHINE = "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:m"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def definition(**versions: int) -> str:
    """Names a version of each function, one of them twice; a resource of Step Functions is no function."""
    arns = [f"arn:aws-cn:lambda:cn-north-1:123456789012:function:{name}:{each}" for name, each in versions.items()]
    return json.dumps({"Resource": "arn:aws-cn:states:::lambda:invoke", "FunctionName": [*arns, arns[0]]})


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


@dataclass
class Paginator:
    """Pages of two entries."""

    member: str
    entries: list[dict[str, Any]]

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        for start in range(0, len(self.entries), 2):
            yield {self.member: self.entries[start : start + 2]}


@dataclass
class Lambda:
    """`versions` has the numbers of each function; `errors` those of DeleteFunction by version."""

    versions: dict[str, list[int]]
    errors: dict[str, str] = field(default_factory=dict)

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_versions_by_function"
        return self

    def paginate(self, *, FunctionName: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - as in boto3
        names = ["$LATEST", *map(str, self.versions[FunctionName])]
        return Paginator("Versions", [{"Version": name} for name in names]).paginate()

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> None:  # noqa: N803
        if Qualifier in self.errors:
            raise error(self.errors[Qualifier])
        self.versions[FunctionName].remove(int(Qualifier))


@dataclass
class States:
    """`executions` are open, the newest first: start, and the update and definition of their revision."""

    current: str
    executions: list[tuple[datetime, datetime, str]] = field(default_factory=list)
    fail: Callable[[str], None] = lambda arn: None
    described: list[str] = field(default_factory=list)

    def describe_state_machine(self, *, stateMachineArn: str) -> dict[str, Any]:  # noqa: N803
        assert stateMachineArn == MACHINE
        return {"definition": self.current}

    def get_paginator(self, operation: str) -> Paginator:
        assert operation == "list_executions"
        entries = [{"executionArn": str(n), "startDate": each[0]} for n, each in enumerate(self.executions)]
        return Paginator("executions", entries)

    def describe_state_machine_for_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self.fail(executionArn)
        self.described.append(executionArn)
        _, updated, text = self.executions[int(executionArn)]
        return {"updateDate": updated, "definition": text}


def removed(functions: Lambda, states: Any) -> list[str]:
    return remove_unused_versions(functions, states, MACHINE)


def test_the_versions_of_a_definition_are_found_in_every_partition() -> None:
    assert versions_in(definition(prepare=3, download=12)) == {Version("prepare", 3), Version("download", 12)}
    assert versions_in('"arn:aws:lambda:us-east-1:123456789012:function:f"') == set()
    assert versions_in('"arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST"') == set()


def test_the_current_version_the_one_before_and_those_of_open_executions_are_kept() -> None:
    functions = Lambda({"download": [1, 2, 3, 9, 10], "prepare": [4, 5]})
    states = States(definition(download=10, prepare=5), [(NOON, NOON, definition(download=2, prepare=4))])

    assert removed(functions, states) == ["download:1", "download:3"]
    assert functions.versions == {"download": [2, 9, 10], "prepare": [4, 5]}


def test_an_earlier_version_that_the_definition_names_is_kept() -> None:
    functions = Lambda({"download": [1, 2, 3, 4]})

    assert removed(functions, States(definition(download=1))) == ["download:2"]


def test_executions_since_the_update_of_a_revision_need_no_request() -> None:
    """Seven executions of two revisions; the second was made at noon."""
    new, old = definition(download=9), definition(download=2)
    later, before = [NOON + timedelta(hours=hours) for hours in (3, 2, 1)], NOON - timedelta(hours=9)
    within = NOON + timedelta(seconds=UPDATE_SECONDS - 1)
    states = States(
        new,
        [
            *((started, NOON, new) for started in later),
            (within, before, old),
            *((NOON - timedelta(hours=hours), before, old) for hours in (1, 2, 3)),
        ],
    )

    assert removed(Lambda({"download": [1, 2, 8, 9]}), states) == ["download:1"]
    assert states.described == ["0", "3"]


def test_an_execution_that_has_ended_meanwhile_uses_nothing() -> None:
    def fail(_: str) -> None:
        raise error("ExecutionDoesNotExist")

    states = States(definition(download=9), [(NOON, NOON, definition(download=1))], fail)

    assert removed(Lambda({"download": [1, 8, 9]}), states) == ["download:1"]


def test_nothing_is_deleted_if_an_execution_cannot_be_read() -> None:
    def fail(_: str) -> None:
        raise error("ThrottlingException")

    functions = Lambda({"download": [1, 8, 9]})

    with pytest.raises(ClientError, match="ThrottlingException"):
        removed(functions, States(definition(download=9), [(NOON, NOON, "")], fail))
    assert functions.versions == {"download": [1, 8, 9]}


def test_a_version_that_an_alias_names_or_that_is_gone_is_left_out() -> None:
    functions = Lambda(
        {"download": [1, 2, 3, 8, 9]}, {"1": "ResourceConflictException", "2": "ResourceNotFoundException"}
    )

    assert removed(functions, States(definition(download=9))) == ["download:3"]


def test_another_error_of_a_deletion_is_raised() -> None:
    functions = Lambda({"download": [1, 8, 9]}, {"1": "AccessDeniedException"})

    with pytest.raises(ClientError, match="AccessDenied"):
        removed(functions, States(definition(download=9)))


def test_the_definition_of_release_0_1_0_has_no_version() -> None:
    assert removed(Lambda({}), States('{"FunctionName": "arn:aws:lambda:us-east-1:1:function:f"}')) == []
