"""The capacity units of DynamoDB's requests.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html: a write takes one unit per
KB of the item, a read one unit per 4 KB, half of it if it is eventually consistent; a transaction takes twice that. The
size of an item that a request does not contain is not known here: an update or a deletion counts its request.
"""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

WRITE_BYTES = 1024
READ_BYTES = 4096

Units = Mapping[str, float]
"""Capacity units by table. Tables may be names or ARNs."""


def write_units(*parts: Mapping[str, Any]) -> int:
    return max(1, math.ceil(sum(map(_item_bytes, parts)) / WRITE_BYTES))


def read_units(size: int, *, keys: int, consistent: bool) -> float:
    """Units of `keys` items whose size is `size` bytes in all."""
    units = max(keys, math.ceil(size / READ_BYTES))
    return units if consistent else units / 2


def _item_bytes(item: Mapping[str, Any]) -> int:
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    return sum(_SIZES.get(kind, _flag_bytes)(content) for kind, content in value.items())


def _flag_bytes(_: Any) -> int:
    return 1


def _text_bytes(text: str) -> int:
    return len(text.encode())


def _number_bytes(text: str) -> int:
    return len(text) // 2 + 1


def _binary_bytes(text: str) -> int:
    return len(base64.b64decode(text))


_SIZES: Mapping[str, Callable[[Any], int]] = {
    "S": _text_bytes,
    "N": _number_bytes,
    "B": _binary_bytes,
    "SS": lambda values: sum(map(_text_bytes, values)),
    "NS": lambda values: sum(map(_number_bytes, values)),
    "BS": lambda values: sum(map(_binary_bytes, values)),
    "L": lambda values: 3 + sum(1 + _value_bytes(value) for value in values),
    "M": lambda fields: 3 + len(fields) + _item_bytes(fields),
}


def _single_write(body: Any) -> Units:
    parts = (body.get(name, {}) for name in ("Item", "Key", "ExpressionAttributeValues"))
    return {body["TableName"]: write_units(*parts)}


def _transaction_writes(body: Any) -> Units:
    units: Counter[str] = Counter()
    for action in body["TransactItems"]:
        for write in action.values():
            units.update({table: 2 * number for table, number in _single_write(write).items()})
    return units


WRITES: Mapping[str, Callable[[Any], Units]] = {
    "PutItem": _single_write,
    "UpdateItem": _single_write,
    "DeleteItem": _single_write,
    "TransactWriteItems": _transaction_writes,
}
"""The units of a request, by action. Any: the body of a request is JSON."""

READS = ("GetItem", "Query", "Scan")
"""Actions whose units are known from the response."""


def batch_units(request: Mapping[str, Any]) -> int:
    """The units of a PutRequest or a DeleteRequest."""
    return write_units(*(part.get("Item", part.get("Key", {})) for part in request.values()))
