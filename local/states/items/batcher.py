"""The ItemBatcher: groups items into the inputs of child executions. DG "ItemBatcher (Map)".

A batch is full at MaxItemsPerBatch, or when one more item would make the whole input,
`{"BatchInput": ..., "Items": [...]}` as compact UTF-8 JSON, larger than MaxInputBytesPerBatch. An input is never larger
than 256 KiB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from local.states.base import payloads, quotas
from local.states.base.errors import DATA_LIMIT_EXCEEDED, StatesError
from local.states.base.payloads import JsonValue

COMMA_BYTES = 1


@dataclass(frozen=True)
class Batch:
    """The input of one child execution, and the number of items in it."""

    input: JsonValue
    items: int


@dataclass(frozen=True)
class Limits:
    """MaxItemsPerBatch, and MaxInputBytesPerBatch in bytes; None is no limit of its own."""

    items: int | None = None
    bytes: int | None = None

    @property
    def max_items(self) -> float:
        return self.items or float("inf")

    @property
    def max_bytes(self) -> int:
        return min(self.bytes or quotas.MAX_PAYLOAD_BYTES, quotas.MAX_PAYLOAD_BYTES)


def unbatched(items: Iterable[JsonValue]) -> Iterator[Batch]:
    """Without an ItemBatcher every item is the input of a child execution.

    Raises `States.DataLimitExceeded` for an item larger than 256 KiB.
    """
    for index, item in enumerate(items):
        if payloads.size(item) > quotas.MAX_PAYLOAD_BYTES:
            raise _item_too_large(index, quotas.MAX_PAYLOAD_BYTES)
        yield Batch(item, 1)


def batches(items: Iterable[Any], limits: Limits, batch_input: Any = None) -> Iterator[Batch]:
    """Groups the items, which are JSON. `Any`, so that callers can pass TypedDicts.

    It reads one item more than the batch that it yields.

    Raises `States.DataLimitExceeded` for an item that is too large for a batch of its own.
    """
    common = {} if batch_input is None else {"BatchInput": batch_input}
    empty_size = payloads.size({**common, "Items": []})
    pending: list[JsonValue] = []
    batch_size = empty_size
    for index, item in enumerate(items):
        item_size = payloads.size(item)
        if empty_size + item_size > limits.max_bytes:
            raise _item_too_large(index, limits.max_bytes)
        if pending and (len(pending) >= limits.max_items or batch_size + COMMA_BYTES + item_size > limits.max_bytes):
            yield Batch({**common, "Items": pending}, len(pending))
            pending, batch_size = [], empty_size
        batch_size += item_size + (COMMA_BYTES if pending else 0)
        pending.append(item)
    if pending:
        yield Batch({**common, "Items": pending}, len(pending))


def _item_too_large(index: int, limit: int) -> StatesError:
    return StatesError(
        DATA_LIMIT_EXCEEDED,
        f"item {index} makes the input of its child execution larger than {limit} bytes",
    )
