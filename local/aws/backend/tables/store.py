"""The SQLite file of the items and of the published messages: `OUT/tables/items.sqlite`."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, key_schema TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    table_id INTEGER NOT NULL,
    partition_key BLOB NOT NULL,
    sort_key BLOB NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (table_id, partition_key, sort_key)
);
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, queue TEXT NOT NULL, body TEXT NOT NULL);
"""

# A commit survives the death of the process: the operating system has it. A flush of the file system is the caller's.
PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=4000;"

PAGE_ITEMS = 500
"""Number of items that are read at once while all items of a table are read."""

NO_SORT_KEY = b""
"""Sort key of the items of a table that has no sort key."""

Key = tuple[bytes, bytes]
"""Partition key and sort key of an item, each as `keys.key_bytes` gives it."""

_PUT = """INSERT INTO items VALUES (?, ?, ?, ?)
ON CONFLICT (table_id, partition_key, sort_key) DO UPDATE SET item = excluded.item"""
_PAGE = """SELECT partition_key, sort_key, item FROM items
WHERE table_id = ? AND (partition_key, sort_key) > (?, ?) ORDER BY partition_key, sort_key LIMIT ?"""
_PARTITION_PAGE = """SELECT partition_key, sort_key, item FROM items
WHERE table_id = ? AND partition_key = ? AND sort_key > ? ORDER BY sort_key LIMIT ?"""
_ONE = "WHERE table_id = ? AND partition_key = ? AND sort_key = ?"


class TableFileError(Exception):
    """The file of the tables cannot be used; the message says why."""


class Store:
    """One connection that all threads use in turn. Items are JSON texts in DynamoDB's format."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises TableFileError."""
        self._path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise TableFileError(f"The tables' file {path} cannot be opened: {error}") from error
        try:
            self._db.executescript(PRAGMAS + SCHEMA)
        except sqlite3.Error as error:
            self._db.close()
            raise TableFileError(f"The tables' file {path} cannot be used: {error}") from error

    def close(self) -> None:
        with self._lock:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything or, after an exception, nothing. A transaction inside another one is a part of it."""
        with self._lock:
            if self._db.in_transaction:
                yield
            else:
                yield from self._outer_transaction()

    def _outer_transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite has ended it already after some errors
                self._db.execute("ROLLBACK")
            raise

    def in_transaction(self) -> bool:
        """Whether the calling thread is inside a transaction. Waits for the transaction of another thread."""
        with self._lock:
            return self._db.in_transaction

    def table(self, name: str, key_schema: Sequence[Sequence[str]]) -> int:
        """The number of a table, which is new if it has no items yet. Raises TableFileError for another key schema."""
        schema = json.dumps(key_schema)
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO tables (name, key_schema) VALUES (?, ?)", (name, schema))
            [(number, stored)] = self._db.execute("SELECT id, key_schema FROM tables WHERE name = ?", (name,))
        if stored != schema:
            raise TableFileError(
                f"The items of the table {name} in {self._path} have the key {_key_text(stored)}, but the stack's key"
                f" is {_key_text(schema)}. Use another OUT folder, or move {self._path.parent} away."
            )
        return int(number)

    def get(self, table: int, key: Key) -> str | None:
        with self._lock:
            found = self._db.execute(f"SELECT item FROM items {_ONE}", (table, *key)).fetchone()
        return None if found is None else str(found[0])

    def get_many(self, table: int, keys: Sequence[Key]) -> list[str]:
        """The items that exist."""
        query = f"SELECT item FROM items {_ONE}"
        with self._lock:
            found = [self._db.execute(query, (table, *key)).fetchone() for key in keys]
        return [str(row[0]) for row in found if row is not None]

    def put(self, table: int, items: Sequence[tuple[Key, str]]) -> None:
        with self.transaction():
            self._db.executemany(_PUT, [(table, *key, item) for key, item in items])

    def delete(self, table: int, keys: Sequence[Key]) -> None:
        with self.transaction():
            self._db.executemany(f"DELETE FROM items {_ONE}", [(table, *key) for key in keys])

    def clear(self, table: int) -> None:
        with self._lock:
            self._db.execute("DELETE FROM items WHERE table_id = ?", (table,))

    def count(self, table: int, partition_key: bytes | None = None) -> int:
        where, values = ("", ()) if partition_key is None else (" AND partition_key = ?", (partition_key,))
        with self._lock:
            [(count,)] = self._db.execute(f"SELECT count(*) FROM items WHERE table_id = ?{where}", (table, *values))
        return int(count)

    def items(self, table: int, after: Key | None = None, partition_key: bytes | None = None) -> Iterator[str]:
        """The items in the order of their keys, of one partition or of all. Items written meanwhile may be included."""
        for _, item in self.keys_and_items(table, after, partition_key):
            yield item

    def keys_and_items(
        self, table: int, after: Key | None = None, partition_key: bytes | None = None
    ) -> Iterator[tuple[Key, str]]:
        last, started = after or (b"", b""), after is not None
        while True:
            # No key is smaller than two empty ones, which only a table with such a key has.
            page = self._page(table, last, partition_key, with_empty=not started)
            for partition, sort, item in page:
                yield (partition, sort), item
            if len(page) < PAGE_ITEMS:
                return
            last, started = (page[-1][0], page[-1][1]), True

    def _page(
        self, table: int, last: Key, partition_key: bytes | None, *, with_empty: bool
    ) -> list[tuple[bytes, bytes, str]]:
        if partition_key is None:
            query, values = _PAGE, (table, *last, PAGE_ITEMS)
        else:
            query, values = _PARTITION_PAGE, (table, partition_key, last[1], PAGE_ITEMS)
        query = query.replace(" > ", " >= ") if with_empty else query
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def add_message(self, queue: str, body: str) -> None:
        with self._lock:
            self._db.execute("INSERT INTO messages (queue, body) VALUES (?, ?)", (queue, body))

    def messages(self, queue: str) -> Iterator[str]:
        """The bodies of a queue's messages, oldest first."""
        last = 0
        while True:
            query = "SELECT id, body FROM messages WHERE queue = ? AND id > ? ORDER BY id LIMIT ?"
            with self._lock:
                page = self._db.execute(query, (queue, last, PAGE_ITEMS)).fetchall()
            yield from (body for _, body in page)
            if len(page) < PAGE_ITEMS:
                return
            last = page[-1][0]


def _key_text(schema: str) -> str:
    return " and ".join(f"{name} ({kind})" for name, kind in json.loads(schema))
