"""The runs table."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.core.model.errors import TableFault

RECORD = {"run_id": "r1", "status": "running", "execution_arn": "arn:1", "expires_at": 1_800_000_000}

dynamodb_stub = pytest.mark.parametrize("stubbed", ["dynamodb"], indirect=True)


def test_a_run_is_claimed_once(dynamodb: Any) -> None:
    table = DynamoRunsTable(dynamodb, "runs")

    assert table.claim(RECORD)
    assert not table.claim({**RECORD, "execution_arn": "arn:2"})
    assert table.get("r1") == RECORD


def test_an_execution_may_claim_its_own_run_again(dynamodb: Any) -> None:
    table = DynamoRunsTable(dynamodb, "runs")
    table.claim(RECORD)

    assert table.claim(RECORD)


def test_runs_do_not_disturb_one_another(dynamodb: Any) -> None:
    table = DynamoRunsTable(dynamodb, "runs")

    assert table.claim(RECORD)
    assert table.claim({**RECORD, "run_id": "r2", "execution_arn": "arn:2"})


def test_what_is_updated_is_kept_beside_the_rest_whatever_it_is_called(dynamodb: Any) -> None:
    table = DynamoRunsTable(dynamodb, "runs")
    table.claim(RECORD)
    options = {"timeout": 2.5, "allowed_types": ("png", "gif"), "nested": {"x": [0.1]}}

    table.update("r1", {"status": "succeeded", "rows": 3, "error": None, "options": options, "a-b c": True})

    found = table.get("r1")
    assert found is not None
    assert (found["status"], found["rows"], found["error"], found["a-b c"]) == ("succeeded", 3, None, True)
    assert found["execution_arn"] == "arn:1"
    assert float(found["options"]["timeout"]) == 2.5
    assert found["options"]["allowed_types"] == ["png", "gif"]
    assert float(found["options"]["nested"]["x"][0]) == 0.1


def test_a_record_that_is_not_there_may_be_updated(dynamodb: Any) -> None:
    table = DynamoRunsTable(dynamodb, "runs")

    table.update("r1", {"status": "failed"})

    assert table.get("r1") == {"run_id": "r1", "status": "failed"}


def test_a_run_that_is_not_known_is_none(dynamodb: Any) -> None:
    assert DynamoRunsTable(dynamodb, "runs").get("r1") is None


@dynamodb_stub
def test_the_record_is_read_as_it_was_last_written(stubbed: Stubber) -> None:
    expected = {"TableName": "runs", "Key": {"run_id": {"S": "r1"}}, "ConsistentRead": True}
    stubbed.add_response("get_item", {}, expected)

    assert DynamoRunsTable(stubbed.client, "runs").get("r1") is None


@dynamodb_stub
@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("put_item", lambda table: table.create(RECORD)),
        ("update_item", lambda table: table.claim(RECORD)),
        ("update_item", lambda table: table.update("r1", {"status": "x"})),
        ("get_item", lambda table: table.get("r1")),
    ],
)
def test_a_refusal_is_a_fault_with_its_code(
    stubbed: Stubber, operation: str, call: Callable[[DynamoRunsTable], object]
) -> None:
    stubbed.add_client_error(operation, "ResourceNotFoundException")

    with pytest.raises(TableFault, match="ResourceNotFoundException"):
        call(DynamoRunsTable(stubbed.client, "runs"))
