"""Random operations on a durable table have the results that they have on moto's own table."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.local.aws.backend.conftest import KEYS

TEXTS = ["a", "b", "é", "🍎", "https://example.com/a?b=c", "\n", '"', "zz" * 300]
NUMBERS = ["0", "1", "1.0", "-1", "2.5", "-0.25", "1e20", "10", "-100", "12345678901234567890.5", "0.00001"]
OPERATIONS = 250

Operation = tuple[str, dict[str, Any]]
"""A method of the client and its arguments, with TABLE for the table's name."""


def text(seeded: random.Random) -> str:
    return seeded.choice(TEXTS)


def value(seeded: random.Random, depth: int = 0) -> dict[str, Any]:
    kinds: list[Callable[[], dict[str, Any]]] = [
        lambda: {"S": text(seeded)},
        lambda: {"N": seeded.choice(NUMBERS)},
        lambda: {"BOOL": seeded.random() < 0.5},
        lambda: {"NULL": True},
        lambda: {"B": seeded.randbytes(5)},
        lambda: {"SS": seeded.sample(TEXTS, 2)},
        lambda: {"NS": seeded.sample(["1", "2", "3.5", "-4"], 2)},
    ]
    if depth < 2:
        kinds += [
            lambda: {"L": [value(seeded, depth + 1) for _ in range(seeded.randrange(3))]},
            lambda: {"M": {text(seeded): value(seeded, depth + 1) for _ in range(seeded.randrange(3))}},
        ]
    return seeded.choice(kinds)()


def key(seeded: random.Random, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"N": seeded.choice(NUMBERS)} if name == "n" else {"S": seeded.choice(TEXTS[:5])} for name in names}


def item(seeded: random.Random, names: tuple[str, ...]) -> dict[str, Any]:
    fields = {f"f{n}": value(seeded) for n in range(seeded.randrange(4))}
    index = {"group": {"S": "g"}, "started": {"S": seeded.choice("abcdef")}} if seeded.random() < 0.7 else {}
    return {**fields, **index, "count": {"N": str(seeded.randrange(9))}, **key(seeded, names)}


def distinct(keys: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    def identity(entry: dict[str, Any]) -> str:
        return str([float(entry[name]["N"]) if name == "n" else entry[name] for name in names])

    return list({identity(entry): entry for entry in keys}.values())


def put(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    absent = {"ConditionExpression": "attribute_not_exists(#k)", "ExpressionAttributeNames": {"#k": names[0]}}
    condition = absent if seeded.random() < 0.5 else {}
    return "put_item", {"TableName": "TABLE", "Item": item(seeded, names), "ReturnValues": "ALL_OLD", **condition}


def update(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    expression = seeded.choice(
        [
            "SET #f = :v",
            "SET #f = if_not_exists(#f, :v), #c = #c + :one",
            "ADD #c :one",
            "REMOVE #f",
            "SET #f = :v REMOVE #c",
            "SET #l = list_append(if_not_exists(#l, :list), :list)",
        ]
    )
    aliases = {"#f": f"f{seeded.randrange(4)}", "#c": "count", "#l": "list"}
    values = {":v": value(seeded), ":one": {"N": "1"}, ":list": {"L": [value(seeded)]}}
    condition = {"ConditionExpression": "attribute_exists(f1)"} if seeded.random() < 0.3 else {}
    used = {alias: name for alias, name in aliases.items() if alias in expression}
    given = {name: content for name, content in values.items() if name in expression}
    extra = {"ExpressionAttributeValues": given} if given else {}
    return "update_item", {
        **{"TableName": "TABLE", "Key": key(seeded, names), "UpdateExpression": expression, "ReturnValues": "ALL_NEW"},
        **{"ExpressionAttributeNames": used, **extra, **condition},
    }


def delete(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    return "delete_item", {"TableName": "TABLE", "Key": key(seeded, names), "ReturnValues": "ALL_OLD"}


def get(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    return "get_item", {"TableName": "TABLE", "Key": key(seeded, names), "ConsistentRead": True}


def batch_write(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    items = distinct([item(seeded, names) for _ in range(seeded.randrange(1, 12))], names)
    half = seeded.randrange(len(items) + 1)
    deletes = [{"DeleteRequest": {"Key": {name: entry[name] for name in names}}} for entry in items[half:]]
    return "batch_write_item", {
        "RequestItems": {"TABLE": [{"PutRequest": {"Item": entry}} for entry in items[:half]] + deletes}
    }


def batch_get(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    keys = distinct([key(seeded, names) for _ in range(seeded.randrange(1, 9))], names)
    return "batch_get_item", {"RequestItems": {"TABLE": {"Keys": keys}}}


def query_index(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    return "query", {
        **{"TableName": "TABLE", "IndexName": "newest", "ScanIndexForward": seeded.random() < 0.5},
        **{"KeyConditionExpression": "#g = :g", "ExpressionAttributeNames": {"#g": "group"}},
        **{"ExpressionAttributeValues": {":g": {"S": "g"}}, "Limit": seeded.randrange(1, 9)},
    }


def query_key(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    return "query", {
        **{"TableName": "TABLE", "KeyConditionExpression": "#k = :k", "ExpressionAttributeNames": {"#k": names[0]}},
        "ExpressionAttributeValues": {":k": {"S": seeded.choice(TEXTS[:5])}},
    }


def scan(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    if seeded.random() < 0.5:
        return "scan", {"TableName": "TABLE", "FilterExpression": "attribute_exists(f1)"}
    return "scan", {"TableName": "TABLE", "Limit": seeded.randrange(1, 5), "ExclusiveStartKey": key(seeded, names)}


def transact(seeded: random.Random, names: tuple[str, ...]) -> Operation:
    _, change = update(seeded, names)
    change.pop("ReturnValues")
    items = distinct([item(seeded, names) for _ in range(2)], names)
    puts = [{"Put": {"TableName": "TABLE", "Item": entry}} for entry in items]
    checked = {
        **{"TableName": "TABLE", "Key": key(seeded, names)},
        **{"ConditionExpression": "attribute_exists(#k)", "ExpressionAttributeNames": {"#k": names[0]}},
    }
    return "transact_write_items", {"TransactItems": [*puts, {"Update": change}, {"ConditionCheck": checked}]}


MAKERS = (put, put, update, update, update, delete, get, batch_write, batch_get, query_index, query_key, scan, transact)


def named(arguments: Any, table: str) -> Any:
    """The arguments with the name of the table."""
    if isinstance(arguments, dict):
        return {table if name == "TABLE" else name: named(inner, table) for name, inner in arguments.items()}
    if isinstance(arguments, list):
        return [named(inner, table) for inner in arguments]
    return table if arguments == "TABLE" else arguments


def result(dynamodb: Any, operation: Operation, table: str) -> Any:
    method, arguments = operation
    try:
        response = getattr(dynamodb, method)(**named(arguments, table))
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    response.pop("ResponseMetadata")
    response.pop("ConsumedCapacity", None)
    response.pop("ItemCollectionMetrics", None)
    if "Responses" in response:
        return sorted(map(str, map(comparable, response["Responses"][table])))
    return comparable(response)


def comparable(content: Any) -> Any:
    """Sets have no order."""
    if isinstance(content, dict):
        return {
            name: sorted(inner) if name in ("SS", "NS") else comparable(inner)
            for name, inner in sorted(content.items())
        }
    return [comparable(inner) for inner in content] if isinstance(content, list) else content


def everything(dynamodb: Any, table: str) -> Any:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": 3})
    return [comparable(entry) for page in pages for entry in page["Items"]]


@pytest.mark.parametrize("shape", KEYS)
def test_random_operations_have_the_same_results(dynamodb: Any, shape: str) -> None:
    seed = random.randrange(10**6)
    seeded = random.Random(seed)
    for _ in range(OPERATIONS):
        operation = seeded.choice(MAKERS)(seeded, KEYS[shape])
        plain, durable = (result(dynamodb, operation, f"{kind}-{shape}") for kind in ("plain", "durable"))
        assert durable == plain, (seed, operation)
    assert everything(dynamodb, f"durable-{shape}") == everything(dynamodb, f"plain-{shape}")
    counts = [
        dynamodb.describe_table(TableName=f"{kind}-{shape}")["Table"]["ItemCount"] for kind in ("plain", "durable")
    ]
    assert counts[0] == counts[1] > 0
