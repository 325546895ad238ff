"""DynamoDB's capacity in front of moto, called by boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws import backend
from local.aws.http.router import Router
from local.aws.http.server import Server
from local.aws.limits.items import WRITES, batch_units, read_units
from local.aws.limits.tables import Capacity, LimitedTables
from tests.support.clock import FakeClock

ON_DEMAND, PROVISIONED = "on-demand", "provisioned"


@pytest.fixture
def dynamodb(clock: FakeClock) -> Iterator[Any]:
    """Two tables with 10 write units and 5 read units per second; the client does not retry."""
    backend.reset()
    app = Router(backend.BatchRoute(), fallback=backend.application())
    server = Server()
    limits = {"writes": Capacity(10, clock), "reads": Capacity(5, clock)}
    server.start(LimitedTables(app, backend.is_on_demand, **limits))
    config = Config(retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "s"}
    client: Any = boto3.client("dynamodb", "us-east-1", endpoint_url=server.endpoint, config=config, **keys)
    for name, billing in ((ON_DEMAND, {"BillingMode": "PAY_PER_REQUEST"}), (PROVISIONED, throughput())):
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "url", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "url", "AttributeType": "S"}],
            **billing,
        )
    yield client
    client.close()
    server.stop()
    backend.reset()


def throughput() -> dict[str, Any]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 10}}


def item(url: str, size: int = 1) -> dict[str, Any]:
    return {"url": {"S": url}, "text": {"S": "x" * size}}


def puts(count: int) -> list[dict[str, Any]]:
    return [{"PutRequest": {"Item": item(str(number))}} for number in range(count)]


def error_of(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("table", "code", "message"),
    [
        (ON_DEMAND, "ThrottlingException", "Throughput exceeds the current capacity of your table or index."),
        (
            PROVISIONED,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
        ),
    ],
)
def test_a_write_above_the_capacity_is_refused_in_the_words_of_the_billing_mode(
    dynamodb: Any, clock: FakeClock, table: str, code: str, message: str
) -> None:
    for number in range(10):
        dynamodb.put_item(TableName=table, Item=item(str(number)))

    found = error_of(lambda: dynamodb.put_item(TableName=table, Item=item("11")))
    clock.seconds += 0.1
    dynamodb.put_item(TableName=table, Item=item("11"))

    assert found[0] == code
    assert found[1].startswith(message)
    assert dynamodb.describe_table(TableName=table)["Table"]["ItemCount"] == 11


def test_a_batch_is_written_in_part_and_says_what_is_left(dynamodb: Any) -> None:
    response = dynamodb.batch_write_item(RequestItems={ON_DEMAND: puts(25)})

    assert response["UnprocessedItems"] == {ON_DEMAND: puts(25)[10:]}
    assert dynamodb.describe_table(TableName=ON_DEMAND)["Table"]["ItemCount"] == 10


def test_a_batch_of_which_nothing_can_be_written_is_an_error(dynamodb: Any) -> None:
    dynamodb.batch_write_item(RequestItems={ON_DEMAND: puts(25)})

    assert error_of(lambda: dynamodb.batch_write_item(RequestItems={ON_DEMAND: puts(2)}))[0] == "ThrottlingException"


def test_each_table_has_its_own_capacity(dynamodb: Any) -> None:
    dynamodb.batch_write_item(RequestItems={ON_DEMAND: puts(10)})
    response = dynamodb.batch_write_item(RequestItems={ON_DEMAND: puts(1), PROVISIONED: puts(10)})

    assert response["UnprocessedItems"] == {ON_DEMAND: puts(1)}


def test_all_writes_of_a_batch_are_repeated_until_they_are_done(dynamodb: Any, clock: FakeClock) -> None:
    left = {ON_DEMAND: puts(25)}
    rounds = 0
    while left:
        left = dynamodb.batch_write_item(RequestItems=left)["UnprocessedItems"]
        clock.seconds += 1
        rounds += 1

    assert rounds == 3
    assert dynamodb.describe_table(TableName=ON_DEMAND)["Table"]["ItemCount"] == 25


def test_a_batch_is_read_in_part(dynamodb: Any) -> None:
    dynamodb.batch_write_item(RequestItems={ON_DEMAND: puts(10)})
    keys = [{"url": {"S": str(number)}} for number in range(10)]

    response = dynamodb.batch_get_item(RequestItems={ON_DEMAND: {"Keys": keys, "ConsistentRead": True}})

    assert len(response["Responses"][ON_DEMAND]) == 5
    assert response["UnprocessedKeys"] == {ON_DEMAND: {"Keys": keys[5:], "ConsistentRead": True}}


def test_an_eventually_consistent_read_takes_half_a_unit(dynamodb: Any) -> None:
    keys = [{"url": {"S": str(number)}} for number in range(30)]

    response = dynamodb.batch_get_item(RequestItems={ON_DEMAND: {"Keys": keys}})

    assert len(response["UnprocessedKeys"][ON_DEMAND]["Keys"]) == 20


def test_a_scan_takes_what_it_has_read(dynamodb: Any, clock: FakeClock) -> None:
    dynamodb.put_item(TableName=ON_DEMAND, Item=item("a", 100_000))
    clock.seconds += 60
    dynamodb.scan(TableName=ON_DEMAND)  # 25 units, half of them
    clock.seconds += 1

    assert error_of(lambda: dynamodb.get_item(TableName=ON_DEMAND, Key={"url": {"S": "b"}}))[0] == "ThrottlingException"
    clock.seconds += 1
    dynamodb.get_item(TableName=ON_DEMAND, Key={"url": {"S": "b"}})


def test_an_invalid_request_is_answered_by_the_service(dynamodb: Any) -> None:
    assert error_of(lambda: dynamodb.put_item(TableName=ON_DEMAND, Item={}))[0] == "ValidationException"
    assert error_of(lambda: dynamodb.scan(TableName="missing"))[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("size", "units"),
    [(0, 1), (1024 - len("urlatext"), 1), (1025 - len("urlatext"), 2), (10_240 - len("urlatext"), 10)],
)
def test_a_write_takes_a_unit_for_each_kb(size: int, units: int) -> None:
    big = item("a", size)

    assert WRITES["PutItem"]({"TableName": "t", "Item": big}) == {"t": units}
    assert batch_units({"PutRequest": {"Item": big}}) == units
    assert WRITES["TransactWriteItems"]({"TransactItems": [{"Put": {"TableName": "t", "Item": big}}]}) == {
        "t": 2 * units
    }


@pytest.mark.parametrize(
    ("size", "keys", "consistent", "units"),
    [(0, 1, True, 1), (0, 1, False, 0.5), (4096, 1, True, 1), (4097, 1, True, 2), (4097, 9, False, 4.5)],
)
def test_a_read_takes_a_unit_for_each_4_kb(size: int, keys: int, consistent: bool, units: float) -> None:
    assert read_units(size, keys=keys, consistent=consistent) == units
