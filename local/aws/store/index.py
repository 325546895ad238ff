"""The index of all objects in SQLite, `OUT/tables/objects.sqlite`: one row for each version of an object.

A change survives the death of the process as soon as it is written: the operating system has it. `ObjectStore.flush` is
for the death of the machine, after which the database is whole and at most its last changes are missing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
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
    file INTEGER NOT NULL,
    PRIMARY KEY (bucket, key, version)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS files ON objects (bucket, folded) WHERE marker = 0;
"""
PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=4000;"
)
PAGE = 1000


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A version of an object, or a delete marker. The fields are the columns of the index.

    `path` is relative to the bucket's folder, `folded` is its form for comparisons; `etag` has no quotation marks.
    `modified` is in seconds since the epoch, `mtime` is that of the file in nanoseconds. `headers` are those of the
    answer to a GET, names in lower case: content-type, x-amz-meta-..., x-amz-checksum-..., x-amz-storage-class. Of two
    versions of a key the newer one has the higher `sequence`. `file` names the file while it is not at its path.
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
    file: int = 0


@dataclass(frozen=True, slots=True)
class FileFact:
    """What the index says about a file."""

    bucket: str
    key: str
    version: str
    path: str
    size: int
    mtime: int
    sha256: str


_COLUMNS = tuple(each.name for each in fields(StoredObject))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM objects"
_UPSERT = (
    f"INSERT INTO objects VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT (bucket, key, version) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[3:])
)
_FACTS = f"SELECT {', '.join(each.name for each in fields(FileFact))} FROM objects"
_NEXT_PAGE = f"WHERE marker = 0 AND (bucket, key, version) > (?, ?, ?) ORDER BY bucket, key, version LIMIT {PAGE}"


def _row(stored: StoredObject) -> tuple[object, ...]:
    return (
        *(stored.bucket, stored.key, stored.version, stored.latest, stored.marker, stored.path, stored.folded),
        *(stored.size, stored.etag, stored.sha256, stored.modified, stored.mtime),
        *(json.dumps(stored.headers), stored.sequence, stored.file),
    )


def _stored(row: Sequence[str]) -> StoredObject:
    (
        bucket,
        key,
        version,
        latest,
        marker,
        path,
        folded,
        size,
        etag,
        sha256,
        modified,
        mtime,
        headers,
        sequence,
        file,
    ) = row
    return StoredObject(
        *(bucket, key, version, bool(latest), bool(marker), path, folded, size, etag, sha256),  # type: ignore[arg-type]
        *(modified, mtime, json.loads(headers), sequence, file),  # type: ignore[arg-type]
    )


class Index:
    """One connection, used under the lock of its owner."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(PRAGMAS + SCHEMA)

    def close(self) -> None:
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def highest_sequence(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(sequence), 0) FROM objects").fetchone()[0])

    def highest_file(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(file), 0) FROM objects").fetchone()[0])

    def latest(self, bucket: str, key: str) -> StoredObject | None:
        """The newest version, which may be a delete marker."""
        return self._one("WHERE bucket = ? AND key = ? AND latest = 1", bucket, key)

    def version(self, bucket: str, key: str, version: str) -> StoredObject | None:
        return self._one("WHERE bucket = ? AND key = ? AND version = ?", bucket, key, version)

    def versions_of(self, bucket: str, key: str) -> list[StoredObject]:
        """Newest first."""
        return self._many("WHERE bucket = ? AND key = ? ORDER BY sequence DESC", bucket, key)

    def with_file(self, file: int) -> StoredObject | None:
        """The version with this file. Reads the whole table."""
        return self._one("WHERE file = ? AND marker = 0", file)

    def key_of_path(self, bucket: str, folded: str) -> str | None:
        """The key whose file has this path, whatever its case."""
        row = self._db.execute(
            "SELECT key FROM objects WHERE bucket = ? AND folded = ? AND marker = 0", (bucket, folded)
        ).fetchone()
        return str(row[0]) if row else None

    def keys_after(self, bucket: str, after: str, prefix: str, count: int) -> list[StoredObject]:
        """Latest versions with the prefix, keys greater than `after`, in the order of their UTF-8 bytes."""
        return self._many(
            "WHERE bucket = ? AND key > ? AND key >= ? AND key < ? AND latest = 1 AND marker = 0 ORDER BY key LIMIT ?",
            *(bucket, after, prefix, end_of(prefix), count),
        )

    def versions_after(
        self, bucket: str, key: str, sequence: int | None, prefix: str, count: int
    ) -> list[StoredObject]:
        """All versions with the prefix after (`key`, `sequence`), by key and then newest first."""
        return self._many(
            "WHERE bucket = ? AND key >= ? AND key >= ? AND key < ? AND (key > ? OR sequence < ?)"
            " ORDER BY key, sequence DESC LIMIT ?",
            *(bucket, key, prefix, end_of(prefix), key, -1 if sequence is None else sequence, count),
        )

    def all(self) -> Iterator[StoredObject]:
        """Every version that has a file. Changes may be made between two of them."""
        last = ("", "", "")
        while page := self._many(_NEXT_PAGE, *last):
            yield from page
            last = (page[-1].bucket, page[-1].key, page[-1].version)

    def file_facts(self, after: FileFact | None) -> list[FileFact]:
        """The next page of all versions that have a file."""
        last = (after.bucket, after.key, after.version) if after else ("", "", "")
        return [FileFact(*row) for row in self._db.execute(f"{_FACTS} {_NEXT_PAGE}", last)]

    def is_empty(self, bucket: str) -> bool:
        return self._db.execute("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (bucket,)).fetchone() is None

    def change(self, removed: Sequence[StoredObject], written: Sequence[StoredObject]) -> None:
        """Deletes and writes rows, all or none of them."""
        if not removed and len(written) == 1:
            self._write(written[0])
            return
        with self._transaction():
            for stored in removed:
                self._db.execute("DELETE FROM objects WHERE bucket = ? AND key = ? AND version = ?", _identity(stored))
            for stored in written:
                self._write(stored)

    def set_mtimes(self, changed: Iterable[tuple[FileFact, int]]) -> None:
        with self._transaction():
            self._db.executemany(
                "UPDATE objects SET mtime = ? WHERE bucket = ? AND key = ? AND version = ?",
                [(mtime, fact.bucket, fact.key, fact.version) for fact, mtime in changed],
            )

    def _write(self, stored: StoredObject) -> None:
        self._db.execute(_UPSERT, _row(stored))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _one(self, where: str, *values: object) -> StoredObject | None:
        row = self._db.execute(f"{_SELECT} {where}", values).fetchone()
        return _stored(row) if row else None

    def _many(self, where: str, *values: object) -> list[StoredObject]:
        return [_stored(row) for row in self._db.execute(f"{_SELECT} {where}", values)]


def _identity(stored: StoredObject) -> tuple[str, str, str]:
    return stored.bucket, stored.key, stored.version


def end_of(prefix: str) -> str:
    """Greater than every key with the prefix: no key has a character above U+10FFFF."""
    return prefix + "\U0010ffff" * 4
