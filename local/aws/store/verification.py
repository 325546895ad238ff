"""Compares the files in OUT with the index, when a store is opened again."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from local.aws.store import files
from local.aws.store.index import FileFact, Index, StoredObject


class Verification:
    """`folder_of` returns the folder of a bucket, or None if the bucket does not exist: its objects are left out."""

    def __init__(
        self, index: Index, lock: AbstractContextManager[object], folder_of: Callable[[str], Path | None]
    ) -> None:
        self._index = index
        self._lock = lock
        self._folder_of = folder_of

    def drop_changed(self) -> list[StoredObject]:
        """Drops the objects whose file is missing or was changed by another program, and returns them.

        A file with the size and the time in its row is not read; any other file is. The files stay as they are.
        """
        wrong: list[FileFact] = []
        last: FileFact | None = None
        while page := self._page(last):
            touched = self._compare(page, wrong)
            if touched:
                with self._lock:
                    self._index.set_mtimes(touched)
            last = page[-1]
        return [stored for fact in wrong if (stored := self._drop(fact))]

    def _page(self, last: FileFact | None) -> list[FileFact]:
        with self._lock:
            return self._index.file_facts(last)

    def _compare(self, page: Sequence[FileFact], wrong: list[FileFact]) -> list[tuple[FileFact, int]]:
        """The files with the same content and another time; the wrong ones are added to `wrong`."""
        touched = []
        folders = {bucket: self._folder_of(bucket) for bucket in {fact.bucket for fact in page}}
        for fact in page:
            folder = folders[fact.bucket]
            if folder is not None:
                mtime = _mtime(f"{folder}/{fact.path}", fact)
                if mtime is None:
                    wrong.append(fact)
                elif mtime != fact.mtime:
                    touched.append((fact, mtime))
        return touched

    def _drop(self, fact: FileFact) -> StoredObject | None:
        with self._lock:
            stored = self._index.version(fact.bucket, fact.key, fact.version)
            if stored is not None:
                others = self._index.versions_of(fact.bucket, fact.key)[1:2] if stored.latest else []
                self._index.change([stored], [replace(other, latest=True) for other in others])
            return stored


def _mtime(path: str, fact: FileFact) -> int | None:
    """The time of the file, None if it has not the content in the index."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size != fact.size:
            return None
        if found.st_mtime_ns != fact.mtime:
            with files.open_to_read(Path(path)) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != fact.sha256:
                    return None
    except OSError:
        return None
    return found.st_mtime_ns
