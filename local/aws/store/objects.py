"""The objects of all buckets: each a file, in OUT when its PUT is answered, and a row of the index."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import Protocol

from local.aws.store import files, paths
from local.aws.store.changes import Changes
from local.aws.store.conditions import NO_CONDITION, Condition
from local.aws.store.errors import S3Error
from local.aws.store.files import Content
from local.aws.store.index import Index, StoredObject
from local.aws.store.verification import Verification

NULL_VERSION = "null"
PAGE_OBJECTS = 1000


class Buckets(Protocol):
    """The buckets' settings, which are kept elsewhere."""

    def folder(self, bucket: str) -> Path:
        """The folder of its objects. Raises S3Error(NoSuchBucket)."""

    def path_of(self, bucket: str, key: str) -> PurePosixPath | None:
        """The readable path of a key below the folder; None if it has none."""

    def versioning(self, bucket: str) -> str:
        """`Enabled`, `Suspended`, or empty if it was never enabled."""


Hook = Callable[[str, StoredObject], None]
"""Called with the event's name (`ObjectCreated:Put`) and the object, when the change is done."""


class ObjectStore:
    """Used by many threads. `on_event` is called after each change, without the lock."""

    def __init__(self, root: Path, buckets: Buckets, on_event: Hook = lambda name, stored: None) -> None:
        self._buckets = buckets
        self._on_event = on_event
        self._lock = threading.Lock()
        self._index = Index(root / "tables" / "objects.sqlite")
        self._sequence = self._index.highest_sequence()
        self._changes = Changes(root / paths.PARTIAL, self._index)
        self._descriptor = os.open(root, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Removes the parts of uploads that were not completed."""
        with self._lock:
            self._index.close()
            self._changes.close()
            os.close(self._descriptor)

    def temporary_file(self) -> Path:
        """A new name on the file system of the objects; `put` moves the file to its path."""
        return self._changes.path(self._changes.new_file())

    def flush(self) -> None:
        """Returns when all objects that were written are on the disk: one system call for all of them."""
        files.flush(self._descriptor)

    def head(self, bucket: str, key: str, version: str = "") -> StoredObject:
        """Raises S3Error(NoSuchBucket | NoSuchKey | NoSuchVersion | MethodNotAllowed)."""
        self._buckets.folder(bucket)
        with self._lock:
            return self._found(bucket, key, version)

    def open(self, bucket: str, key: str, version: str = "") -> tuple[StoredObject, FileIO]:
        """The object and its file, also if it is replaced meanwhile. Raises S3Error."""
        folder = self._buckets.folder(bucket)
        with self._lock:
            stored = self._found(bucket, key, version)
            try:
                file = files.open_to_read(folder / stored.path)
            except OSError as error:
                raise S3Error("NoSuchKey", "The file of this object was removed from OUT.", Key=key) from error
        if os.fstat(file.fileno()).st_size != stored.size:
            file.close()
            raise S3Error("InternalError", "The file of this object in OUT was changed by another program.", Key=key)
        return stored, file

    def _found(self, bucket: str, key: str, version: str) -> StoredObject:
        stored = self._index.version(bucket, key, version) if version else self._index.latest(bucket, key)
        if stored is None:
            raise S3Error("NoSuchVersion", VersionId=version, Key=key) if version else S3Error("NoSuchKey", Key=key)
        if stored.marker:
            headers = {"x-amz-delete-marker": "true", "x-amz-version-id": stored.version}
            raise S3Error("MethodNotAllowed" if version else "NoSuchKey", headers=headers, Key=key)
        return stored

    def list_keys(self, bucket: str, prefix: str, after: str, count: int) -> list[StoredObject]:
        """Latest versions with the prefix, keys greater than `after`, in the order of their UTF-8 bytes."""
        self._buckets.folder(bucket)
        with self._lock:
            return self._index.keys_after(bucket, after, prefix, count)

    def iterate(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        """The latest versions with the prefix, read in pages."""
        last = ""
        while page := self.list_keys(bucket, prefix, last, PAGE_OBJECTS):
            yield from page
            last = page[-1].key

    def list_versions(self, bucket: str, prefix: str, key: str, version: str, count: int) -> list[StoredObject]:
        """After that version of the key, or after all versions of the key if `version` is empty or does not exist."""
        self._buckets.folder(bucket)
        with self._lock:
            marker = self._index.version(bucket, key, version) if version else None
            return self._index.versions_after(bucket, key, marker.sequence if marker else None, prefix, count)

    def is_empty(self, bucket: str) -> bool:
        with self._lock:
            return self._index.is_empty(bucket)

    def everything(self) -> Iterator[StoredObject]:
        """Every version that has a file, of all buckets, read in pages. Must not run beside other calls."""
        return self._index.all()

    def put(
        self,
        bucket: str,
        key: str,
        content: Content,
        headers: Mapping[str, str],
        condition: Condition = NO_CONDITION,
        event: str = "ObjectCreated:Put",
    ) -> StoredObject:
        """Takes the temporary file over, also if it fails. Raises S3Error, OSError."""
        try:
            folder = self._buckets.folder(bucket)
            version = _new_version(self._buckets.versioning(bucket))
            mtime = os.stat(content.path).st_mtime_ns
            with self._lock:
                existing = self._index.latest(bucket, key)
                condition.check(existing)
                path = self._path_for(bucket, key, folder, existing)
                stored = self._new(bucket, key, version, path, content, mtime, int(content.path.name), headers)
                self._changes.make(folder, *self._superseded(existing, stored))
        except BaseException:
            content.path.unlink(missing_ok=True)
            raise
        self._on_event(event, stored)
        return stored

    def delete(self, bucket: str, key: str, version: str = "", condition: Condition = NO_CONDITION) -> tuple[bool, str]:
        """Whether a delete marker was made or removed, and the version that it was about (empty if there is none)."""
        folder = self._buckets.folder(bucket)
        versioning = self._buckets.versioning(bucket)
        with self._lock:
            found = self._index.version(bucket, key, version) if version else self._index.latest(bucket, key)
            condition.check(found)
            marker = None if version or not versioning else self._new_marker(bucket, key, versioning)
            if marker is not None:
                self._changes.make(folder, *self._superseded(found, marker))
            elif found is not None:
                self._remove(folder, found)
        if marker is not None:
            self._on_event("ObjectRemoved:DeleteMarkerCreated", marker)
            return True, marker.version
        if found is not None and not found.marker:
            self._on_event("ObjectRemoved:Delete", found)
        return found is not None and found.marker, version

    def adopt(self, bucket: str, key: str, path: Path, headers: Mapping[str, str], sha256: str = "") -> StoredObject:
        """Makes a file in the bucket's folder an object, where it is, without an event; an object that exists stays.

        Raises OSError, and ValueError if the file is not below the folder or has another SHA-256 than `sha256`.
        """
        folder = self._buckets.folder(bucket)
        relative = path.relative_to(folder).as_posix()
        if ".." in path.parts:
            raise ValueError(f"{path} is not below {folder}")
        version = _new_version(self._buckets.versioning(bucket))
        digests = files.digests_of(path)
        files.make_folders(folder, relative.rpartition("/")[0])  # raises OSError for a symbolic link
        content = Content(path, digests.size, digests.md5.digest().hex(), digests.sha256.digest().hex())
        if sha256 not in ("", content.sha256):
            raise ValueError(f"{path} has the SHA-256 {content.sha256}, not {sha256}")
        mtime = os.stat(path).st_mtime_ns
        with self._lock:
            existing = self._index.latest(bucket, key)
            if existing is not None:
                return existing
            if self._index.key_of_path(bucket, paths.folded(relative)) is not None:
                raise ValueError(f"{path} is the file of another key")
            file = self._changes.new_file()
            new = self._new(bucket, key, version, relative, content, mtime, file, headers)
            stored = replace(new, modified=mtime / 1e9)
            self._index.change([], [stored])
        return stored

    def _new(
        self,
        bucket: str,
        key: str,
        version: str,
        path: str,
        content: Content,
        mtime: int,
        file: int,
        headers: Mapping[str, str],
    ) -> StoredObject:
        self._sequence += 1
        return StoredObject(
            *(bucket, key, version, True, False, path, paths.folded(path), content.size),
            *(content.etag or content.md5, content.sha256, time.time(), mtime, headers, self._sequence, file),
        )

    def _new_marker(self, bucket: str, key: str, versioning: str) -> StoredObject:
        self._sequence += 1
        return StoredObject(
            *(bucket, key, _new_version(versioning), True, True, "", "", 0, "", "", time.time(), 0, {}, self._sequence)
        )

    def _path_for(self, bucket: str, key: str, folder: Path, existing: StoredObject | None) -> str:
        """Readable, unless another key has that file, or a part of it is a file or the whole a folder."""
        if existing is not None and not existing.marker and not paths.is_version_path(existing.path):
            return existing.path
        path = self._buckets.path_of(bucket, key)
        if path is not None:
            text = str(path)
            with suppress(OSError):
                files.make_folders(folder, text.rpartition("/")[0])
                owner = self._index.key_of_path(bucket, paths.folded(text))
                if owner in (None, key) and not files.is_folder(f"{folder}/{text}"):
                    return text
        return str(paths.odd_path(key))

    def _superseded(
        self, existing: StoredObject | None, new: StoredObject
    ) -> tuple[list[StoredObject], list[StoredObject]]:
        """The rows before and after the new version is written."""
        if existing is None:
            return [], [new]
        if existing.version == new.version:
            return [existing], [new]
        before = [existing]
        former = self._index.version(new.bucket, new.key, NULL_VERSION) if new.version == NULL_VERSION else None
        if former is not None:
            before.append(former)
        return before, [_noncurrent(existing), new]

    def _remove(self, folder: Path, stored: StoredObject) -> None:
        """The newest version that is left becomes the latest, and its file takes the readable path."""
        before, after = [stored], []
        others = self._index.versions_of(stored.bucket, stored.key)[1:] if stored.latest else []
        if others:
            newest = others[0]
            path = newest.path if newest.marker else self._path_for(stored.bucket, stored.key, folder, stored)
            before.append(newest)
            after.append(replace(newest, latest=True, path=path, folded=paths.folded(path)))
        self._changes.make(folder, before, after)

    # At the start

    def recover(self) -> None:
        """Finishes or undoes the change of a killed process, and removes its temporary files.

        Call it before any change.
        """
        with self._lock:
            self._changes.recover(self._buckets.folder)

    def verify(self) -> list[StoredObject]:
        """Drops the objects whose file is missing or was changed by another program, and returns them.

        A file with the size and the time in its row is not read; any other file is. The files stay as they are.
        """
        return Verification(self._index, self._lock, self._folder).drop_changed()

    def _folder(self, bucket: str) -> Path | None:
        try:
            return self._buckets.folder(bucket)
        except S3Error:
            return None


def _noncurrent(stored: StoredObject) -> StoredObject:
    if stored.marker or paths.is_version_path(stored.path):
        return replace(stored, latest=False)
    name = stored.version if stored.version != NULL_VERSION else f"{NULL_VERSION}-{stored.file}"
    path = paths.version_path(name)
    return replace(stored, latest=False, path=path, folded=paths.folded(path))


def _new_version(versioning: str) -> str:
    return secrets.token_urlsafe(24) if versioning == "Enabled" else NULL_VERSION
