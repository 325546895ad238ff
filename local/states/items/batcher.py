"""The ItemBatcher: items to the inputs of child executions.

A batch is full at MaxItemsPerBatch, or when one more item would take the whole input,
`{"BatchInput": …, "Items": […]}` as compact UTF-8 JSON, over MaxInputBytesPerBatch; never over 256 KiB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from local.states.base import payloads
from local.states.base.errors import StatesError

COMMA = 1


@dataclass(frozen=True)
class Batch:
    input: Any
    items: int


@dataclass(frozen=True)
class Limits:
    items: int | None = None
    bytes: int | None = None

    @property
    def most_items(self) -> float:
        return self.items or float("inf")

    @property
    def most_bytes(self) -> int:
        return min(self.bytes or payloads.LIMIT, payloads.LIMIT)


def single(items: Iterable[Any]) -> Iterator[Batch]:
    """Without an ItemBatcher every item is an input by itself."""
    for index, item in enumerate(items):
        if payloads.size(item) > payloads.LIMIT:
            raise too_large(index, payloads.LIMIT)
        yield Batch(item, 1)


def batches(items: Iterable[Any], limits: Limits, batch_input: Any = None) -> Iterator[Batch]:
    """Lazy. Raises `States.DataLimitExceeded` for an item that fits into no batch."""
    frame = {} if batch_input is None else {"BatchInput": batch_input}
    empty = payloads.size({**frame, "Items": []})
    held: list[Any] = []
    used = empty
    for index, item in enumerate(items):
        need = payloads.size(item)
        if empty + need > limits.most_bytes:
            raise too_large(index, limits.most_bytes)
        if held and (len(held) >= limits.most_items or used + COMMA + need > limits.most_bytes):
            yield Batch({**frame, "Items": held}, len(held))
            held, used = [], empty
        used += need + (COMMA if held else 0)
        held.append(item)
    if held:
        yield Batch({**frame, "Items": held}, len(held))


def too_large(index: int, limit: int) -> StatesError:
    return StatesError(
        "States.DataLimitExceeded",
        f"item {index} makes the input of its child execution larger than {limit} bytes",
    )
