"""moto's items as JSON texts, and the mappings that take the place of `Table.items`."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item

from local.aws.backend.tables.keys import key_bytes
from local.aws.backend.tables.store import NO_SORT_KEY, Key, Store


class StoredItems:
    """The items of one table in the store. `sort` is the name of the sort key, None without one."""

    def __init__(self, store: Store, table: int, partition: str, sort: str | None) -> None:
        self.store = store
        self.table = table
        self.partition = partition
        self.sort = sort

    def key_of(self, attributes: Mapping[str, Any]) -> Key:
        """The key of an item in DynamoDB's format. Raises KeyError where an attribute of the key is missing."""
        return _bytes_of(attributes[self.partition]), NO_SORT_KEY if self.sort is None else _bytes_of(
            attributes[self.sort]
        )

    def get(self, key: Key) -> Item:
        """Raises KeyError."""
        text = self.store.get(self.table, key)
        if text is None:
            raise KeyError(key)
        return self._item(text)

    def put(self, item: Item) -> None:
        key = typed_key(item.hash_key), NO_SORT_KEY if self.sort is None else typed_key(item.range_key)
        self.store.put(self.table, [(key, encoded(item))])

    def pop(self, key: Key) -> Item:
        """Remove and return an item. Raises KeyError."""
        with self.store.transaction():
            item = self.get(key)
            self.store.delete(self.table, [key])
        return item

    def stream(self, after: Key | None = None, partition_key: bytes | None = None) -> Iterator[Item]:
        """All items, or those of a partition, in the order of their keys; only one page is in memory."""
        return map(self._item, self.store.items(self.table, after, partition_key))

    def attributes(self) -> Iterator[dict[str, Any]]:
        """All items in DynamoDB's format."""
        return map(json.loads, self.store.items(self.table))

    def _item(self, text: str) -> Item:
        attributes = {name: DynamoType(_with_bytes(value)) for name, value in json.loads(text).items()}
        item = Item(attributes[self.partition], None if self.sort is None else attributes[self.sort], {})
        dict.update(item.attrs, attributes)  # moto's own `update` computes the size of the item for each attribute
        return item


class ItemsByKey(MutableMapping[DynamoType, Item]):
    """`Table.items` of a table without a sort key."""

    def __init__(self, stored: StoredItems) -> None:
        self._stored = stored

    def __getitem__(self, key: DynamoType) -> Item:
        return self._stored.get((typed_key(key), NO_SORT_KEY))

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        self._stored.put(item)

    def __delitem__(self, key: DynamoType) -> None:
        self._stored.pop((typed_key(key), NO_SORT_KEY))

    def __iter__(self) -> Iterator[DynamoType]:
        return (item.hash_key for item in self._stored.stream())

    def __len__(self) -> int:
        return self._stored.store.count(self._stored.table)

    def values(self) -> Any:
        return self._stored.stream()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[DynamoType, Any]:
        """The items in memory: moto copies them into a backup and into a restored table."""
        return defaultdict(dict, {item.hash_key: item for item in self._stored.stream()})


class Partition(MutableMapping[DynamoType, Item]):
    """The items of one partition key, by their sort key. It exists also where it has no items, as in moto."""

    def __init__(self, stored: StoredItems, partition_key: bytes) -> None:
        self._stored = stored
        self._partition_key = partition_key

    def __getitem__(self, key: DynamoType) -> Item:
        return self._stored.get((self._partition_key, typed_key(key)))

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        self._stored.put(item)

    def __delitem__(self, key: DynamoType) -> None:
        self._stored.pop((self._partition_key, typed_key(key)))

    def __iter__(self) -> Iterator[Any]:
        return (item.range_key for item in self.values())

    def __len__(self) -> int:
        return self._stored.store.count(self._stored.table, self._partition_key)

    def values(self) -> Any:
        return self._stored.stream(partition_key=self._partition_key)


class ItemsByPartition(Mapping[DynamoType, Partition]):
    """`Table.items` of a table with a sort key."""

    def __init__(self, stored: StoredItems) -> None:
        self._stored = stored

    def __getitem__(self, key: DynamoType) -> Partition:
        return Partition(self._stored, typed_key(key))

    def __iter__(self) -> Iterator[DynamoType]:
        last: DynamoType | None = None
        for item in self._stored.stream():
            if last is None or item.hash_key != last:
                last = item.hash_key
                yield last

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[DynamoType, Any]:
        """The items in memory: moto copies them into a backup and into a restored table."""
        copied: dict[DynamoType, Any] = defaultdict(dict)
        for item in self._stored.stream():
            copied[item.hash_key][item.range_key] = item
        return copied


def typed_key(value: DynamoType | None) -> bytes:
    if value is None:
        raise KeyError("the sort key is missing")
    return key_bytes(value.type, value.value)


def _bytes_of(value: Mapping[str, Any]) -> bytes:
    [(kind, content)] = value.items()
    return key_bytes(kind, content)


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    """moto keeps the binary value of an attribute as bytes, and one inside a list or map in base64."""
    match value:
        case {"B": content}:
            return {"B": base64.b64decode(content)}
        case {"BS": contents}:
            return {"BS": [base64.b64decode(content) for content in contents]}
    return value


def encoded(item: Item) -> str:
    """The attributes as JSON in DynamoDB's format."""
    return json.dumps(item.attrs, default=_plain, separators=(",", ":"))


def _plain(value: object) -> object:
    """moto's values in the format of requests: it keeps some sets as sets and some binary values as bytes."""
    if isinstance(value, DynamoType):
        return {value.type: value.value}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, set | frozenset):
        return list(value)
    raise TypeError(f"DynamoDB has no type for {type(value).__name__}")
