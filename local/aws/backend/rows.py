"""DynamoDB: the items of a table as plain JSON values."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from local.aws.backend.application import ACCOUNT, REGION


def _count(table: Table) -> int:
    """Replaces moto's own count, which iterates over a dictionary that other threads change: DescribeTable then
    fails with status 500."""
    values: list[Any] = list(table.items.values())
    return sum(len(value) for value in values) if table.has_range_key else len(values)


Table.__len__ = _count  # type: ignore[method-assign]


def rows(table: str) -> Iterator[dict[str, object]]:
    """Every item of a table that has no sort key."""
    items: list[Any] = list(dynamodb_backends[ACCOUNT][REGION].tables[table].items.values())
    for item in items:
        yield {name: _to_json(value) for name, value in item.attrs.items()}


def put_row(table_name: str, row: Mapping[str, object]) -> None:
    """Add an item to a table. Raises KeyError without the partition key."""
    table: Any = dynamodb_backends[ACCOUNT][REGION].tables[table_name]
    attributes = {name: DynamoType(_to_dynamodb(value)) for name, value in row.items()}
    item = Item(attributes[table.hash_key_attr], None, {})
    dict.update(item.attrs, attributes)  # moto's own `update` computes the size of the whole item for each attribute
    table.items[item.hash_key] = item


def delete_row(table_name: str, key: object) -> None:
    """Delete an item by its partition key."""
    table: Any = dynamodb_backends[ACCOUNT][REGION].tables[table_name]
    table.items.pop(DynamoType(_to_dynamodb(key)), None)


def _to_json(value: DynamoType) -> object:
    convert = _FROM_DYNAMODB.get(value.type)
    return convert(value.value) if convert else value.value


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


# Any: the type of a DynamoDB value depends on its type tag.
_FROM_DYNAMODB: dict[str, Callable[[Any], object]] = {
    "N": _number,
    "NULL": lambda _: None,
    "L": lambda items: [_to_json(item) for item in items],
    "M": lambda fields: {name: _to_json(item) for name, item in fields.items()},
    "SS": sorted,
    "NS": lambda items: sorted(_number(item) for item in items),
    "B": lambda content: base64.b64encode(content).decode() if isinstance(content, bytes) else content,
}


def _to_dynamodb(value: object) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    for kind, convert in _TO_DYNAMODB:
        if isinstance(value, kind):
            return convert(value)
    raise TypeError(f"DynamoDB has no type for {type(value).__name__}")


_TO_DYNAMODB: tuple[tuple[type | tuple[type, ...], Callable[[Any], dict[str, Any]]], ...] = (
    (str, lambda text: {"S": text}),
    (bool, lambda flag: {"BOOL": flag}),
    ((int, float), lambda number: {"N": str(number)}),
    (list, lambda items: {"L": [_to_dynamodb(item) for item in items]}),
    (dict, lambda fields: {"M": {name: _to_dynamodb(item) for name, item in fields.items()}}),
)
