"""What is known of each object, in SQLite: `OUT/tables/objects.sqlite`.

Every change of a file is announced (`pending`) before it is made and removed with the change of the row, so that a process
that was killed in between leaves an entry that says what to finish or to undo.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    latest INTEGER NOT NULL,
    marker INTEGER NOT NULL,
    path TEXT NOT NULL,
    folded TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    modified REAL NOT NULL,
    mtime INTEGER NOT NULL,
    headers TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (bucket, key, version)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS versions ON objects (bucket, key, sequence DESC);
CREATE UNIQUE INDEX IF NOT EXISTS files ON objects (bucket, folded) WHERE marker = 0;
CREATE TABLE IF NOT EXISTS pending (
    id INTEGER PRIMARY KEY,
    temporary TEXT,
    entry TEXT NOT NULL
);
"""

# Changes survive the death of the process without any flush: the operating system has them. `ObjectStore.flush` is for the
# death of the machine.
PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=4000;"

_COLUMNS = (
    *("bucket", "key", "version", "latest", "marker", "path", "folded", "size", "etag", "sha256"),
    *("modified", "mtime", "headers", "sequence"),
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM objects"
_INSERT = f"INSERT OR REPLACE INTO objects VALUES ({', '.join('?' * len(_COLUMNS))})"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One version of an object, or a delete marker. `path` is relative to the bucket's folder; `etag` has no quotation marks.

    `modified` is in seconds since the epoch, `mtime` that of the file in nanoseconds. `headers` are those that a GET answers
    with, names in lower case: content-type, x-amz-meta-..., x-amz-checksum-..., x-amz-storage-class.
    """

    bucket: str
    key: str
    version: str
    latest: bool
    marker: bool
    path: str
    folded: str
    size: int
    etag: str
    sha256: str
    modified: float
    mtime: int
    headers: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 0

    def row(self) -> tuple[object, ...]:
        values = (getattr(self, name) for name in _COLUMNS)
        return tuple(json.dumps(value) if isinstance(value, dict) else value for value in values)

    @classmethod
    def of(cls, row: tuple[object, ...]) -> StoredObject:
        values = dict(zip(_COLUMNS, row, strict=True))
        values["headers"] = json.loads(str(values["headers"]))
        values["latest"], values["marker"] = bool(values["latest"]), bool(values["marker"])
        return cls(**values)  # type: ignore[arg-type]  # the columns are the fields


@dataclass(frozen=True, slots=True)
class Pending:
    """An announced change. `temporary` is the file that is to become `moves[-1][1]`, None for a deletion.

    `moves` are pairs of paths (from, to), in the order in which they are made; `put` is the row to write, `remove` the keys
    (bucket, key, version) of rows to delete, `demote` those that are no longer the latest, with their new path.
    """

    id: int
    temporary: str | None
    entry: Mapping[str, object]


class Index:
    """One connection, used under the lock of its owner."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self._db.executescript(PRAGMAS + SCHEMA)
        [self._sequence] = self._db.execute("SELECT coalesce(max(sequence), 0) FROM objects").fetchone()

    def close(self) -> None:
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def next_sequence(self) -> int:
        self._sequence += 1
        return int(self._sequence)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def latest(self, bucket: str, key: str) -> StoredObject | None:
        """The newest version, which may be a delete marker."""
        row = self._db.execute(f"{_SELECT} WHERE bucket = ? AND key = ? AND latest = 1", (bucket, key)).fetchone()
        return StoredObject.of(row) if row else None

    def version(self, bucket: str, key: str, version: str) -> StoredObject | None:
        row = self._db.execute(
            f"{_SELECT} WHERE bucket = ? AND key = ? AND version = ?", (bucket, key, version)
        ).fetchone()
        return StoredObject.of(row) if row else None

    def versions_of(self, bucket: str, key: str) -> list[StoredObject]:
        """Newest first."""
        rows = self._db.execute(f"{_SELECT} WHERE bucket = ? AND key = ? ORDER BY sequence DESC", (bucket, key))
        return [StoredObject.of(row) for row in rows]

    def key_of_path(self, bucket: str, folded: str) -> str | None:
        """The key whose file has this path, whatever its case."""
        row = self._db.execute(
            "SELECT key FROM objects WHERE bucket = ? AND folded = ? AND marker = 0", (bucket, folded)
        ).fetchone()
        return str(row[0]) if row else None

    def keys_after(self, bucket: str, after: str, prefix: str, count: int) -> list[StoredObject]:
        """Latest versions with the prefix, keys greater than `after`, in the order of their UTF-8 bytes."""
        rows = self._db.execute(
            f"{_SELECT} WHERE bucket = ? AND key > ? AND key >= ? AND key < ? AND latest = 1 AND marker = 0"
            " ORDER BY key LIMIT ?",
            (bucket, after, prefix, _end_of(prefix), count),
        )
        return [StoredObject.of(row) for row in rows]

    def versions_after(
        self, bucket: str, key: str, sequence: int | None, prefix: str, count: int
    ) -> list[StoredObject]:
        """All versions with the prefix after (`key`, `sequence`), by key and then newest first."""
        rows = self._db.execute(
            f"{_SELECT} WHERE bucket = ? AND key >= ? AND key < ? AND (key > ? OR (key = ? AND sequence < ?))"
            " ORDER BY key, sequence DESC LIMIT ?",
            (bucket, prefix, _end_of(prefix), key, key, sequence if sequence is not None else -1, count),
        )
        return [StoredObject.of(row) for row in rows]

    def all(self) -> Iterator[StoredObject]:
        """Every version that has a file, of all buckets."""
        for row in self._db.execute(f"{_SELECT} WHERE marker = 0 ORDER BY bucket, key"):
            yield StoredObject.of(row)

    def is_empty(self, bucket: str) -> bool:
        return self._db.execute("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (bucket,)).fetchone() is None

    def write(self, stored: StoredObject) -> None:
        self._db.execute(_INSERT, stored.row())

    def delete(self, bucket: str, key: str, version: str) -> None:
        self._db.execute("DELETE FROM objects WHERE bucket = ? AND key = ? AND version = ?", (bucket, key, version))

    def announce(self, temporary: str | None, entry: Mapping[str, object]) -> int:
        cursor = self._db.execute(
            "INSERT INTO pending (temporary, entry) VALUES (?, ?)", (temporary, json.dumps(entry))
        )
        return int(cursor.lastrowid or 0)

    def settle(self, pending: int) -> None:
        self._db.execute("DELETE FROM pending WHERE id = ?", (pending,))

    def pending(self) -> list[Pending]:
        rows = self._db.execute("SELECT id, temporary, entry FROM pending ORDER BY id").fetchall()
        return [Pending(identity, temporary, json.loads(entry)) for identity, temporary, entry in rows]


def _end_of(prefix: str) -> str:
    """Greater than every key with the prefix: no key has a character above U+10FFFF."""
    return prefix + "\U0010ffff" * 4
