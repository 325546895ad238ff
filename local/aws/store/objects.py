"""The objects of all buckets: each a file, in OUT when its PUT is answered, and a row of the index."""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from local.aws.store import paths
from local.aws.store.errors import S3Error
from local.aws.store.index import Index, StoredObject

COPY_BYTES = 1 << 20
NULL_VERSION = "null"
PAGE_OBJECTS = 1000


class Buckets(Protocol):
    """The buckets' settings, which are kept elsewhere."""

    def folder(self, bucket: str) -> Path:
        """Where its objects are. Raises S3Error(NoSuchBucket)."""

    def path_of(self, bucket: str, key: str) -> PurePosixPath | None:
        """The readable path of a key below the folder; None if it has none."""

    def versioning(self, bucket: str) -> str:
        """`Enabled`, `Suspended`, or empty where it was never enabled."""


@dataclass(frozen=True, slots=True)
class Content:
    """A verified body in a temporary file. `md5` and `sha256` are hex of its `size` bytes; `etag` replaces the MD5 where
    the object was uploaded in parts."""

    path: Path
    size: int
    md5: str
    sha256: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """The conditions of a write: `if_none_match` is true for `*`; `if_match` is an ETag, or empty."""

    if_none_match: bool = False
    if_match: str = ""

    def check(self, existing: StoredObject | None) -> None:
        """Raises S3Error(PreconditionFailed | NoSuchKey)."""
        there = existing is not None and not existing.marker
        if self.if_none_match and there:
            raise S3Error("PreconditionFailed", Condition="If-None-Match")
        if self.if_match:
            if not there:
                raise S3Error("NoSuchKey")
            if existing is not None and self.if_match not in ("*", existing.etag):
                raise S3Error("PreconditionFailed", Condition="If-Match")


Hook = Callable[[str, StoredObject], None]
"""Gets the event's name (`ObjectCreated:Put`) and the object, when the change is done."""


class ObjectStore:
    """Used by many threads. `on_event` is called after each change, without the lock."""

    def __init__(self, root: Path, buckets: Buckets, on_event: Hook = lambda name, stored: None) -> None:
        self._root = root
        self._buckets = buckets
        self._on_event = on_event
        self._lock = threading.Lock()
        self._index = Index(root / "tables" / "objects.sqlite")
        self._temporary = root / paths.PARTIAL
        self._temporary.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(root, os.O_RDONLY)

    def close(self) -> None:
        with self._lock:
            self._index.close()
            os.close(self._descriptor)
            with suppress(OSError):
                self._temporary.rmdir()

    def temporary_file(self) -> Path:
        """A new name on the file system of the objects; `put` moves it to its place."""
        return self._temporary / secrets.token_hex(12)

    def flush(self) -> None:
        """Returns once all objects that were written are on the disk, one system call for all of them."""
        if _SYNCFS is None:
            os.sync()
        else:
            _SYNCFS(self._descriptor)

    # Reading

    def head(self, bucket: str, key: str, version: str = "") -> StoredObject:
        """Raises S3Error(NoSuchBucket | NoSuchKey | NoSuchVersion | MethodNotAllowed)."""
        self._buckets.folder(bucket)
        with self._lock:
            return self._found(bucket, key, version)

    def open(self, bucket: str, key: str, version: str = "") -> tuple[StoredObject, IO[bytes]]:
        """The object and its file at its beginning: of the same version, whatever is written meanwhile."""
        folder = self._buckets.folder(bucket)
        with self._lock:
            stored = self._found(bucket, key, version)
            return stored, (folder / stored.path).open("rb")

    def _found(self, bucket: str, key: str, version: str) -> StoredObject:
        stored = self._index.version(bucket, key, version) if version else self._index.latest(bucket, key)
        if stored is None:
            raise S3Error("NoSuchVersion", VersionId=version, Key=key) if version else S3Error("NoSuchKey", Key=key)
        if stored.marker:
            raise S3Error("MethodNotAllowed") if version else S3Error("NoSuchKey", Key=key)
        return stored

    def list_keys(self, bucket: str, prefix: str, after: str, count: int) -> list[StoredObject]:
        self._buckets.folder(bucket)
        with self._lock:
            return self._index.keys_after(bucket, after, prefix, count)

    def iterate(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        """The latest versions with the prefix, a page at a time."""
        last = ""
        while page := self.list_keys(bucket, prefix, last, PAGE_OBJECTS):
            yield from page
            last = page[-1].key

    def list_versions(self, bucket: str, prefix: str, key: str, version: str, count: int) -> list[StoredObject]:
        """After the version of the key, which need not exist any more; all of it where `version` is empty."""
        self._buckets.folder(bucket)
        with self._lock:
            marker = self._index.version(bucket, key, version) if version else None
            return self._index.versions_after(bucket, key, marker.sequence if marker else None, prefix, count)

    def is_empty(self, bucket: str) -> bool:
        with self._lock:
            return self._index.is_empty(bucket)

    def everything(self) -> list[StoredObject]:
        """Every version that has a file, of all buckets."""
        with self._lock:
            return list(self._index.all())

    # Writing

    def put(
        self,
        bucket: str,
        key: str,
        content: Content,
        headers: Mapping[str, str],
        condition: Condition = Condition(),
        event: str = "ObjectCreated:Put",
    ) -> StoredObject:
        """Takes the temporary file over, whatever happens. Raises S3Error."""
        try:
            folder, versioning = self._buckets.folder(bucket), self._buckets.versioning(bucket)
            mtime = content.path.stat().st_mtime_ns
            with self._lock:
                existing = self._index.latest(bucket, key)
                condition.check(existing)
                path = self._path_for(bucket, key, folder)
                stored = StoredObject(
                    bucket=bucket,
                    key=key,
                    version=_new_version(versioning),
                    latest=True,
                    marker=False,
                    path=str(path),
                    folded=paths.folded(path),
                    size=content.size,
                    etag=content.etag or content.md5,
                    sha256=content.sha256,
                    modified=time.time(),
                    mtime=mtime,
                    headers=dict(headers),
                    sequence=self._index.next_sequence(),
                )
                self._replace(existing, stored, content.path)
        finally:
            content.path.unlink(missing_ok=True)
        self._on_event(event, stored)
        return stored

    def delete(self, bucket: str, key: str, version: str = "") -> tuple[bool, str]:
        """Whether a delete marker was made or removed, and the version that it was about (empty where there is none)."""
        self._buckets.folder(bucket)
        versioning = self._buckets.versioning(bucket)
        with self._lock:
            if version:
                removed = self._index.version(bucket, key, version)
                if removed is not None:
                    self._remove(removed)
            elif versioning:
                removed = None
                marker = self._mark(bucket, key, versioning)
            else:
                removed = self._index.latest(bucket, key)
                if removed is not None:
                    self._remove(removed)
        if not version and versioning:
            self._on_event("ObjectRemoved:DeleteMarkerCreated", marker)
            return True, marker.version
        if removed is not None and not removed.marker:
            self._on_event("ObjectRemoved:Delete", removed)
        return removed is not None and removed.marker, version

    def _path_for(self, bucket: str, key: str, folder: Path) -> PurePosixPath:
        """Readable, unless another key has that file, or a part of it is a file or a folder already."""
        path = self._buckets.path_of(bucket, key)
        if path is None:
            return paths.odd_path(key)
        owner = self._index.key_of_path(bucket, paths.folded(path))
        if owner not in (None, key) or (folder / path).is_dir():
            return paths.odd_path(key)
        try:
            _make_folder(folder, path.parent)
        except (FileExistsError, NotADirectoryError):
            return paths.odd_path(key)
        return path

    def _replace(self, existing: StoredObject | None, stored: StoredObject, temporary: Path) -> None:
        """Announce, move, write: a kill at any moment is finished or undone by `recover`."""
        demoted = self._demoted(existing, stored)
        pending = self._index.announce(
            temporary.name, {"put": _entry(stored), "demoted": _entry(demoted) if demoted else None}
        )
        folder = self._buckets.folder(stored.bucket)
        if existing is not None and demoted is not None and not existing.marker:
            _move(folder, existing.path, demoted.path)
        _make_folder(folder, PurePosixPath(stored.path).parent)
        os.replace(temporary, folder / stored.path)
        self._record(pending, stored, demoted, existing)

    def _demoted(self, existing: StoredObject | None, stored: StoredObject) -> StoredObject | None:
        """The former latest version, as it is kept; None where the new one takes its place."""
        if existing is None or existing.version == stored.version:
            return None
        path = paths.version_path(existing.version if existing.version != NULL_VERSION else f"null{existing.sequence}")
        kept = existing.path if existing.marker else str(path)
        return replace(existing, latest=False, path=kept, folded=paths.folded(PurePosixPath(kept)))

    def _record(
        self, pending: int, stored: StoredObject, demoted: StoredObject | None, existing: StoredObject | None
    ) -> None:
        with self._index.transaction():
            if demoted is not None:
                self._index.write(demoted)
            self._index.write(stored)
            self._index.settle(pending)
        if existing is not None and demoted is None and existing.path != stored.path and not existing.marker:
            (self._buckets.folder(stored.bucket) / existing.path).unlink(missing_ok=True)

    def _mark(self, bucket: str, key: str, versioning: str) -> StoredObject:
        """A delete marker becomes the latest version."""
        existing = self._index.latest(bucket, key)
        marker = StoredObject(
            bucket, key, _new_version(versioning), True, True, "", "", 0, "", "", time.time(), 0, {},
            self._index.next_sequence(),
        )  # fmt: skip
        demoted = self._demoted(existing, marker)
        pending = self._index.announce(None, {"put": _entry(marker), "demoted": _entry(demoted) if demoted else None})
        folder = self._buckets.folder(bucket)
        if existing is not None and not existing.marker:
            if demoted is None:
                (folder / existing.path).unlink(missing_ok=True)
            else:
                _move(folder, existing.path, demoted.path)
        with self._index.transaction():
            if demoted is not None:
                self._index.write(demoted)
            self._index.write(marker)
            self._index.settle(pending)
        return marker

    def _remove(self, stored: StoredObject) -> None:
        """One version for good; the newest that is left becomes the latest, and its file gets the readable name."""
        folder = self._buckets.folder(stored.bucket)
        pending = self._index.announce(None, {"removed": _entry(stored)})
        if not stored.marker:
            (folder / stored.path).unlink(missing_ok=True)
            _remove_empty_folders(folder, PurePosixPath(stored.path).parent)
        with self._index.transaction():
            self._index.delete(stored.bucket, stored.key, stored.version)
            if stored.latest:
                others = self._index.versions_of(stored.bucket, stored.key)
                if others:
                    self._index.write(replace(others[0], latest=True))
            self._index.settle(pending)

    # After a crash

    def recover(self) -> None:
        """Finishes or undoes the changes that a killed process had announced, and removes its temporary files."""
        with self._lock:
            for pending in self._index.pending():
                self._finish(pending.id, pending.temporary, pending.entry)
            for path in self._temporary.iterdir():
                path.unlink(missing_ok=True)

    def _finish(self, pending: int, temporary: str | None, entry: Mapping[str, object]) -> None:
        if removed := _stored(entry.get("removed")):
            self._remove(removed)
            self._index.settle(pending)
            return
        put, demoted = _stored(entry["put"]), _stored(entry.get("demoted"))
        assert put is not None
        existing = self._index.latest(put.bucket, put.key)
        folder = self._buckets.folder(put.bucket)
        if temporary is not None and (self._temporary / temporary).exists():
            if demoted is not None and existing is not None and not existing.marker:
                _move(folder, demoted.path, existing.path)
            self._index.settle(pending)
            return
        if temporary is None and existing is not None and not existing.marker:
            if demoted is None:
                (folder / existing.path).unlink(missing_ok=True)
            else:
                _move(folder, existing.path, demoted.path)
        self._record(pending, put, demoted, existing)

    def verify(self) -> list[StoredObject]:
        """Drops the objects whose file is gone or was changed by somebody else, and returns them.

        A file with the size and the time of its row is taken as it is; any other is read.
        """
        dropped = []
        with self._lock:
            for stored in list(self._index.all()):
                path = self._buckets.folder(stored.bucket) / stored.path
                if not _is_unchanged(path, stored):
                    dropped.append(stored)
            with self._index.transaction():
                for stored in dropped:
                    self._index.delete(stored.bucket, stored.key, stored.version)
        return dropped


_STORED_FIELDS = tuple(StoredObject.__dataclass_fields__)


def _entry(stored: StoredObject) -> dict[str, object]:
    return {name: getattr(stored, name) for name in _STORED_FIELDS}


def _stored(entry: object) -> StoredObject | None:
    return StoredObject(**entry) if isinstance(entry, dict) else None


def _new_version(versioning: str) -> str:
    return secrets.token_urlsafe(24) if versioning == "Enabled" else NULL_VERSION


def _make_folder(folder: Path, parent: PurePosixPath) -> None:
    """Never through a symbolic link below the bucket's folder. Raises FileExistsError where a part is a file."""
    path = folder
    for part in parent.parts:
        path = path / part
        if path.is_symlink():
            raise NotADirectoryError(f"{path} is a symbolic link")
        path.mkdir(exist_ok=True)


def _move(folder: Path, source: str, target: str) -> None:
    """Does nothing where it was done before."""
    if (folder / source).exists():
        _make_folder(folder, PurePosixPath(target).parent)
        os.replace(folder / source, folder / target)


def _remove_empty_folders(folder: Path, parent: PurePosixPath) -> None:
    while parent.parts:
        try:
            (folder / parent).rmdir()
        except OSError:
            return
        parent = parent.parent


def _is_unchanged(path: Path, stored: StoredObject) -> bool:
    try:
        found = path.lstat()
        if path.is_symlink() or found.st_size != stored.size:
            return False
        if found.st_mtime_ns == stored.mtime:
            return True
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == stored.sha256
    except OSError:
        return False


def copy_to(source: IO[bytes], target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, COPY_BYTES)


def blocks(source: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    """So many bytes from `start`, in blocks; closes the file."""
    with source:
        source.seek(start)
        while length > 0 and (block := source.read(min(COPY_BYTES, length))):
            length -= len(block)
            yield block


def _syncfs() -> Callable[[int], int] | None:
    """Linux's; macOS has none."""
    try:
        function: Callable[[int], int] = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return None
    return function


_SYNCFS = _syncfs()
