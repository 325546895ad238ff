"""DynamoDB: the rows of a table."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from local.aws.backend.place import ACCOUNT, REGION


def _count(table: Table) -> int:
    """moto's own walks a dictionary into which other threads write, and DescribeTable then ends in a 500."""
    values: list[Any] = list(table.items.values())
    return sum(len(value) for value in values) if table.has_range_key else len(values)


Table.__len__ = _count  # type: ignore[method-assign]


def rows(table: str) -> Iterator[dict[str, Any]]:
    """Every row of a table without a sort key, in plain JSON types."""
    items: list[Any] = list(dynamodb_backends[ACCOUNT][REGION].tables[table].items.values())
    for item in items:
        yield {name: _plain(value) for name, value in item.attrs.items()}


def put_row(table: str, row: Mapping[str, Any]) -> None:
    """Raises `KeyError` without the partition key."""
    found: Any = dynamodb_backends[ACCOUNT][REGION].tables[table]
    attributes = {name: DynamoType(_typed(value)) for name, value in row.items()}
    item = Item(attributes[found.hash_key_attr], None, {})
    dict.update(item.attrs, attributes)  # its own `update` weighs the whole item again for each attribute
    found.items[item.hash_key] = item


def _plain(value: DynamoType) -> Any:
    return _PLAIN.get(value.type, lambda it: it)(value.value)


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "N": _number,
    "NULL": lambda _: None,
    "L": lambda items: [_plain(item) for item in items],
    "M": lambda fields: {name: _plain(item) for name, item in fields.items()},
    "SS": sorted,
    "NS": lambda items: sorted(_number(item) for item in items),
    "B": lambda content: base64.b64encode(content).decode() if isinstance(content, bytes) else content,
}


def _typed(value: Any) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    for kind, typed in _TYPED:
        if isinstance(value, kind):
            return typed(value)
    raise TypeError(f"no DynamoDB type for {type(value).__name__}")


_TYPED: tuple[tuple[Any, Callable[[Any], dict[str, Any]]], ...] = (
    (str, lambda text: {"S": text}),
    (bool, lambda flag: {"BOOL": flag}),
    ((int, float), lambda number: {"N": str(number)}),
    (list, lambda items: {"L": [_typed(item) for item in items]}),
    (dict, lambda fields: {"M": {name: _typed(item) for name, item in fields.items()}}),
)
