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


def test_each_run_is_claimed_on_its_own(dynamodb: Any) -> None:
    table = DynamoRunsTable(dynamodb, "runs")

    assert table.claim(RECORD)
    assert table.claim({**RECORD, "run_id": "r2", "execution_arn": "arn:2"})


def test_an_update_keeps_other_attributes_and_allows_any_name(dynamodb: Any) -> None:
    table = DynamoRunsTable(dynamodb, "runs")
    table.claim(RECORD)
    options = {"timeout": 2.5, "allowed_types": ("png", "gif"), "nested": {"x": [0.1]}}

    table.update("r1", {"status": "succeeded", "rows": 3, "error": None, "options": options, "a-b c": True})

    record = table.get("r1")
    assert record is not None
    assert (record["status"], record["rows"], record["error"], record["a-b c"]) == ("succeeded", 3, None, True)
    assert record["execution_arn"] == "arn:1"
    assert float(record["options"]["timeout"]) == 2.5
    assert record["options"]["allowed_types"] == ["png", "gif"]
    assert float(record["options"]["nested"]["x"][0]) == 0.1


def test_an_update_creates_a_missing_record(dynamodb: Any) -> None:
    table = DynamoRunsTable(dynamodb, "runs")

    table.update("r1", {"status": "failed"})

    assert table.get("r1") == {"run_id": "r1", "status": "failed"}


def test_an_unknown_run_is_none(dynamodb: Any) -> None:
    assert DynamoRunsTable(dynamodb, "runs").get("r1") is None


@dynamodb_stub
def test_a_record_is_read_strongly_consistent(stubbed: Stubber) -> None:
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
def test_a_failed_request_is_a_fault_with_its_code(
    stubbed: Stubber, operation: str, call: Callable[[DynamoRunsTable], object]
) -> None:
    stubbed.add_client_error(operation, "ResourceNotFoundException")
    name = operation.title().replace("_", "")

    with pytest.raises(TableFault, match=rf"^DynamoDB {name} failed \(ResourceNotFoundException\): "):
        call(DynamoRunsTable(stubbed.client, "runs"))
