"""The hosts table in moto: records of robots.txt, and the claim to read one."""

from typing import Any

import pytest
from botocore.stub import Stubber

from functions.adapters.dynamodb_hosts_table import DynamoHostsTable
from functions.core.model.errors import TableFault
from functions.core.model.types import RobotsRecord, RobotsState

ORIGIN = "https://a.example"
CLAIM = RobotsRecord(RobotsState.READING, 115, b"me")
RULES = RobotsRecord(RobotsState.RULES, 86_500, b"\x00\xffrules")


@pytest.fixture
def table(dynamodb: Any) -> DynamoHostsTable:
    return DynamoHostsTable(dynamodb, "hosts")


def test_one_of_two_batches_reads_a_file(table: DynamoHostsTable) -> None:
    other = RobotsRecord(RobotsState.READING, 116, b"other")

    assert table.claim_robots(ORIGIN, CLAIM, 100) is None
    assert table.claim_robots(ORIGIN, other, 101) == CLAIM
    assert table.robots([ORIGIN, "https://b.example"]) == {ORIGIN: CLAIM}


def test_a_claim_that_has_expired_is_replaced(table: DynamoHostsTable) -> None:
    table.put_robots(ORIGIN, CLAIM)

    assert table.claim_robots(ORIGIN, CLAIM, 114) == CLAIM
    assert table.claim_robots(ORIGIN, CLAIM, 115) is None


def test_a_record_that_holds_is_returned_instead_of_a_claim(table: DynamoHostsTable) -> None:
    table.put_robots(ORIGIN, RULES)

    assert table.claim_robots(ORIGIN, CLAIM, 100) == RULES


def test_records_of_more_than_100_origins_are_read(table: DynamoHostsTable) -> None:
    origins = [f"http://host-{number}.example:8080" for number in range(101)]
    for origin in origins:
        table.put_robots(origin, RULES)

    assert set(table.robots(origins)) == set(origins)


def test_the_key_leaves_room_for_other_records_of_a_host(table: DynamoHostsTable, dynamodb: Any) -> None:
    table.put_robots(ORIGIN, RULES)

    (item,) = dynamodb.scan(TableName="hosts")["Items"]
    assert item["host"] == {"S": "https://a.example#robots"}
    assert item["expires_at"] == {"N": "86500"}


def test_an_item_of_another_form_is_a_fault(table: DynamoHostsTable, dynamodb: Any) -> None:
    dynamodb.put_item(TableName="hosts", Item={"host": {"S": f"{ORIGIN}#robots"}, "state": {"S": "new"}})

    with pytest.raises(TableFault, match="another form"):
        table.robots([ORIGIN])


@pytest.mark.parametrize("operation", ["robots", "claim_robots", "put_robots"])
def test_an_error_of_dynamodb_is_a_fault(operation: str, dynamodb: Any) -> None:
    with Stubber(dynamodb) as stubber:
        stubber.add_client_error("batch_get_item" if operation == "robots" else "put_item", "AccessDeniedException")
        table = DynamoHostsTable(dynamodb, "hosts")
        calls = {
            "robots": lambda: table.robots([ORIGIN]),
            "claim_robots": lambda: table.claim_robots(ORIGIN, CLAIM, 100),
            "put_robots": lambda: table.put_robots(ORIGIN, RULES),
        }

        with pytest.raises(TableFault, match="AccessDeniedException"):
            calls[operation]()


def test_a_read_that_dynamodb_left_out_is_left_out(dynamodb: Any) -> None:
    keys = [{"host": {"S": f"{ORIGIN}#robots"}}]
    with Stubber(dynamodb) as stubber:
        stubber.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": {"hosts": {"Keys": keys}}})

        assert DynamoHostsTable(dynamodb, "hosts").robots([ORIGIN]) == {}
