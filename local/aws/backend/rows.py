"""DynamoDB: the items of a table as plain JSON values."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from local.aws.backend.tables.durable import attributes_of, table_of, transaction_of

TRANSACTION_ROWS = 1000
"""Number of rows that `put_rows` writes in one transaction."""


def _count(table: Table) -> int:
    """Replaces moto's own count, which iterates over a dictionary that other threads change: DescribeTable then
    fails with status 500."""
    values: list[Any] = list(table.items.values())
    return sum(len(value) for value in values) if table.has_range_key else len(values)


Table.__len__ = _count  # type: ignore[method-assign]


def rows(table: str) -> Iterator[dict[str, object]]:
    """Every item of a table. A durable table is read in the order of its keys and stays on disk; rows may be deleted
    or replaced while it is read."""
    for attributes in attributes_of(table_of(table)):
        yield {name: _to_json(value) for name, value in attributes.items()}


def count_items(table: str) -> int:
    """The number of items of a table."""
    return len(table_of(table))


def is_on_demand(table: str) -> bool:
    """Whether a table is billed by request, or does not exist."""
    try:
        return bool(table_of(table).billing_mode == "PAY_PER_REQUEST")
    except KeyError:
        return True


def put_row(table: str, row: Mapping[str, object]) -> None:
    """Add an item to a table, or replace it. Raises KeyError without an attribute of the key."""
    _put(table_of(table), row)


def put_rows(table: str, values: Iterable[Mapping[str, object]]) -> int:
    """Add many items, or replace them, and return their number: much faster than `put_row` for each."""
    found, iterator, count = table_of(table), iter(values), 0
    while chunk := list(islice(iterator, TRANSACTION_ROWS)):
        with transaction_of(found):
            for row in chunk:
                _put(found, row)
        count += len(chunk)
    return count


def delete_item(table: str, key: Mapping[str, object]) -> bool:
    """Delete the item with this key, and return whether it existed. Raises KeyError for an incomplete key."""
    found = table_of(table)
    with transaction_of(found):
        sort = _typed(key[found.range_key_attr]) if found.has_range_key else None
        return found.delete_item(_typed(key[found.hash_key_attr]), sort) is not None


def _put(table: Any, row: Mapping[str, object]) -> None:
    attributes = {name: _typed(value) for name, value in row.items()}
    sort = attributes[table.range_key_attr] if table.has_range_key else None
    item = Item(attributes[table.hash_key_attr], sort, {})
    dict.update(item.attrs, attributes)  # moto's own `update` computes the size of the whole item for each attribute
    if sort is None:
        table.items[item.hash_key] = item
    else:
        table.items[item.hash_key][sort] = item


def _typed(value: object) -> DynamoType:
    return DynamoType(_to_dynamodb(value))


def _to_json(value: Mapping[str, Any]) -> object:
    [(kind, content)] = value.items()
    convert = _FROM_DYNAMODB.get(kind)
    return convert(content) if convert else content


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
