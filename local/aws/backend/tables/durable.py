"""Replaces the items of moto's tables, and writes back the items that moto changes in place."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from local.aws.backend.application import ACCOUNT, REGION
from local.aws.backend.tables.items import ItemsByKey, ItemsByPartition, StoredItems, typed_key
from local.aws.backend.tables.store import Key, Store

# Any: moto's requests are dictionaries, and its types have no stubs for them.


class DurableTable(Table):
    """moto's table with its items in the store. `after` and `within` restrict `all_items` in a copy of the table."""

    stored: StoredItems
    after: Key | None = None
    within: bytes | None = None

    def __len__(self) -> int:
        return self.stored.store.count(self.stored.table)

    def all_items(self) -> Iterator[Item]:  # type: ignore[override]  # moto only iterates over the result
        return self.stored.stream(self.after, self.within)

    def scan(self, filters: Any, limit: int, exclusive_start_key: Any, *args: Any, **options: Any) -> Any:
        """Start reading after the key: moto reads all items of the pages before it."""
        view, index_name = self, args[1] if len(args) > 1 else options.get("index_name")
        if exclusive_start_key and not index_name:
            view = copy.copy(self)
            view.after = self.stored.key_of(exclusive_start_key)
        return super(DurableTable, view).scan(filters, limit, exclusive_start_key, *args, **options)

    def query(self, hash_key: DynamoType | None, *args: Any, **options: Any) -> Any:
        """Read one partition: moto reads the whole table."""
        view, index_name = self, args[6] if len(args) > 6 else options.get("index_name")
        if hash_key is not None and not index_name:
            view = copy.copy(self)
            view.within = typed_key(hash_key)
        return super(DurableTable, view).query(hash_key, *args, **options)

    def __deepcopy__(self, memo: dict[int, Any]) -> Table:
        """A table in memory, for a backup. In a transaction, the table itself: the store undoes the changes."""
        if self.stored.store.in_transaction():
            return self
        copied: Any = Table.__new__(Table)
        memo[id(self)] = copied
        state = {name: value for name, value in vars(self).items() if name not in ("stored", "after", "within")}
        vars(copied).update(copy.deepcopy(state, memo))
        return copied  # type: ignore[no-any-return]


class DurableBackend(DynamoDBBackend):
    """moto's DynamoDB in which each request that writes is one transaction of the store.

    `update_item` is the only method of moto that changes an item in place; transactions and statements use the methods
    below and those of the table.
    """

    __module__ = DynamoDBBackend.__module__  # moto finds the URLs of a service by the module of its backend

    def put_item(self, table_name: str, *args: Any, **options: Any) -> Item:
        with self._transaction(table_name):
            return super().put_item(table_name, *args, **options)

    def update_item(self, table_name: str, *args: Any, **options: Any) -> Item:
        with self._transaction(table_name):
            item = super().update_item(table_name, *args, **options)
            table = self.get_table(table_name)
            if isinstance(table, DurableTable):
                table.stored.put(item)
            return item

    def delete_item(self, table_name: str, *args: Any, **options: Any) -> Item | None:
        with self._transaction(table_name):
            return super().delete_item(table_name, *args, **options)

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        with self._transaction():
            super().transact_write_items(transact_items)

    def execute_statement(self, statement: str, parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        with self._transaction():
            return super().execute_statement(statement, parameters)

    def delete_table(self, name: str) -> Table:
        """Delete the items too: a new table of this name is empty."""
        table = super().delete_table(name)
        if isinstance(table, DurableTable):
            table.stored.store.clear(table.stored.table)
        return table

    def _transaction(self, table_name: str | None = None) -> AbstractContextManager[None]:
        """A transaction where the table, or any table, is in the store. A name may be an ARN."""
        tables = list(self.tables.values()) if table_name is None else [self.get_table(table_name)]
        durable = next((table for table in tables if isinstance(table, DurableTable)), None)
        return nullcontext() if durable is None else durable.stored.store.transaction()


_open: Store | None = None


def open_tables(path: Path, names: Iterable[str]) -> Store:
    """Keep the items of these deployed tables in a file, which may hold items of an earlier process.

    Raises TableFileError if the file cannot be used or has another key for a table.
    """
    global _open
    close_tables()
    backend: Any = dynamodb_backends[ACCOUNT][REGION]
    store = Store(path)
    try:
        for name in names:
            _make_durable(backend.tables[name], store)
    except BaseException:
        store.close()
        raise
    backend.__class__ = DurableBackend
    _open = store
    return store


def close_tables() -> None:
    """Close the file. Requests for its tables fail from now on; `reset` removes the tables."""
    global _open
    if _open is not None:
        backend: Any = dynamodb_backends[ACCOUNT][REGION]
        backend.__class__ = DynamoDBBackend
        _open.close()
        _open = None


def open_store() -> Store | None:
    return _open


def _make_durable(table: Any, store: Store) -> None:
    keys = [(table.hash_key_attr, table.hash_key_type)]
    if table.has_range_key:
        keys.append((table.range_key_attr, table.range_key_type))
    number = store.table(table.name, keys)
    stored = StoredItems(store, number, table.hash_key_attr, table.range_key_attr)
    for item in table.all_items():
        stored.put(item)
    table.stored = stored
    table.items = ItemsByPartition(stored) if table.has_range_key else ItemsByKey(stored)
    table.__class__ = DurableTable


def table_of(name: str) -> Any:
    """moto's table. Any: its items are not those of moto where it is durable. Raises KeyError."""
    return dynamodb_backends[ACCOUNT][REGION].tables[name]


def attributes_of(table: Any) -> Iterator[Mapping[str, Any]]:
    """The items of a table in DynamoDB's format; only one page is in memory where the table is durable."""
    if isinstance(table, DurableTable):
        yield from table.stored.attributes()
        return
    for entry in list(table.items.values()):
        for item in list(entry.values()) if table.has_range_key else [entry]:
            yield item.to_json()["Attributes"]


def transaction_of(table: Any) -> AbstractContextManager[None]:
    """A transaction of the table's store; nothing for a table in memory."""
    return table.stored.store.transaction() if isinstance(table, DurableTable) else nullcontext()
