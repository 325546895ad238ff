"""BatchWriteItem and BatchGetItem of durable tables: what they write, and every limit."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import backend


def put(url: str, **fields: Any) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"url": {"S": url}, **fields}}}


def delete(url: str) -> dict[str, Any]:
    return {"DeleteRequest": {"Key": {"url": {"S": url}}}}


def write(dynamodb: Any, *requests: dict[str, Any], table: str = "durable-hash") -> Any:
    return dynamodb.batch_write_item(RequestItems={table: list(requests)})


def read(dynamodb: Any, *urls: str, **options: Any) -> list[dict[str, Any]]:
    keys = [{"url": {"S": url}} for url in urls]
    response = dynamodb.batch_get_item(RequestItems={"durable-hash": {"Keys": keys, **options}})
    found: list[dict[str, Any]] = response["Responses"]["durable-hash"]
    return found


def test_puts_and_deletes_of_several_tables_in_one_request(dynamodb: Any) -> None:
    write(dynamodb, put("old"))
    host = {"host": {"S": "h"}, "kind": {"S": "limit"}}
    response = dynamodb.batch_write_item(
        RequestItems={
            "durable-hash": [put("new", value={"M": {"é": {"L": [{"N": "1"}]}}}), delete("old")],
            "durable-sorted": [{"PutRequest": {"Item": host}}],
        }
    )
    assert response["UnprocessedItems"] == {}
    assert read(dynamodb, "old", "new") == [{"url": {"S": "new"}, "value": {"M": {"é": {"L": [{"N": "1"}]}}}}]
    assert dynamodb.scan(TableName="durable-sorted")["Items"] == [host]


def test_a_batch_for_a_durable_table_and_one_in_memory(dynamodb: Any) -> None:
    dynamodb.batch_write_item(RequestItems={"durable-hash": [put("a")], "plain-hash": [put("b")]})
    assert read(dynamodb, "a") == [{"url": {"S": "a"}}]
    assert dynamodb.scan(TableName="plain-hash")["Items"] == [{"url": {"S": "b"}}]


def test_a_table_by_its_arn(dynamodb: Any) -> None:
    arn = dynamodb.describe_table(TableName="durable-hash")["Table"]["TableArn"]
    write(dynamodb, put("a"), table=arn)
    assert read(dynamodb, "a") == [{"url": {"S": "a"}}]


def test_values_that_go_on_to_moto_are_stored_as_well(dynamodb: Any) -> None:
    fields = {"b": {"B": b"\xff"}, "s": {"SS": ["x"]}, "m": {"M": {"b": {"B": b"\x00"}}}, "n": {"N": "1E5"}}
    write(dynamodb, put("a", **fields), put("c", **fields))
    assert read(dynamodb, "a", "c") == [{"url": {"S": url}, **fields} for url in "ac"]


def test_a_projection_goes_on_to_moto(dynamodb: Any) -> None:
    write(dynamodb, put("a", x={"N": "1"}, y={"N": "2"}))
    assert read(dynamodb, "a", ProjectionExpression="x") == [{"x": {"N": "1"}}]


BIG = {"S": "x" * 410_000}


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        ([put(f"{n}") for n in range(26)], "Too many items requested for the BatchWriteItem call"),
        ([put("a"), put("a", x={"N": "1"})], "Provided list of item keys contains duplicates"),
        ([put("a"), delete("a")], "Provided list of item keys contains duplicates"),
        ([{"PutRequest": {"Item": {"x": {"S": "a"}}}}], "Missing the key url"),
        ([{"PutRequest": {"Item": {"url": {"N": "1"}}}}], "Type mismatch for key url expected: S actual: N"),
        ([put("")], "cannot contain an empty string value. Key: url"),
        ([put("x" * 2049)], "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        ([put("a", x=BIG)], "Item size has exceeded the maximum allowed size"),
        ([put("a", group={"S": ""})], "cannot contain an empty string value"),
        ([put("a", x={"N": "one"})], "cannot be converted to a numeric value: one"),
    ],
)
def test_an_invalid_batch_is_refused_and_writes_nothing(
    dynamodb: Any, requests: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ClientError, match="ValidationException") as refused:
        write(dynamodb, *requests)
    assert message in refused.value.response["Error"]["Message"]
    assert backend.count_items("durable-hash") == 0


def test_25_items_with_the_longest_keys(dynamodb: Any) -> None:
    urls = [f"{n:02}" + "x" * 2046 for n in range(25)]
    write(dynamodb, *map(put, urls))
    assert [item["url"]["S"] for item in read(dynamodb, *urls)] == urls


def test_a_batch_for_an_unknown_table(dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        write(dynamodb, put("a"), table="unknown")


def test_more_than_100_keys_and_repeated_keys_cannot_be_read(dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        read(dynamodb, *map(str, range(101)))
    with pytest.raises(ClientError, match="duplicates"):
        read(dynamodb, "a", "a")


def test_what_exceeds_16_mb_is_left_to_another_request(dynamodb: Any) -> None:
    urls = [f"{n:02}" for n in range(50)]
    for url in urls:
        write(dynamodb, put(url, x={"S": "x" * 400_000}))
    keys = [{"url": {"S": url}} for url in urls]
    response = dynamodb.batch_get_item(RequestItems={"durable-hash": {"Keys": keys}})
    found = {item["url"]["S"] for item in response["Responses"]["durable-hash"]}
    left = {key["url"]["S"] for key in response["UnprocessedKeys"]["durable-hash"]["Keys"]}
    assert found | left == set(urls)
    assert not found & left
