"""Changes of files and rows that are whole after the death of the process.

A file that is not at its path is in the folder `.partial-`, under the number in its row. A change takes files there,
writes the rows in one transaction, and moves each file to the path in its row. A process that is killed in between
leaves files in that folder; `recover` moves each one to the path in its row, and removes those without a row.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from local.aws.store import files
from local.aws.store.errors import S3Error
from local.aws.store.index import Index, StoredObject


class Changes:
    """Used under the lock of the owner, except for `new_file`."""

    def __init__(self, temporary: Path, index: Index) -> None:
        self._temporary = temporary
        self._index = index
        temporary.mkdir(parents=True, exist_ok=True)
        numbers = [int(name) for name in os.listdir(temporary) if name.isdecimal()]
        self._numbers = itertools.count(max([index.highest_file(), *numbers]) + 1)

    def new_file(self) -> int:
        """The number of a new file."""
        return next(self._numbers)

    def path(self, file: int) -> Path:
        """The path of a file that is not at the path in its row."""
        return self._temporary / str(file)

    def make(self, folder: Path, before: Sequence[StoredObject], after: Sequence[StoredObject]) -> None:
        """Replaces the rows `before` by the rows `after`, and their files. Raises OSError, sqlite3.Error."""
        paths = {row.file: row.path for row in after if not row.marker}
        moved = [row for row in before if not row.marker and _moves(row, paths)]
        written = {row.version for row in after}
        try:
            for row in moved:
                self._withdraw(row.file, folder / row.path)
            self._index.change([row for row in before if row.version not in written], after)
        except BaseException:
            self._place_all(folder, moved)
            raise
        try:
            self._place_all(folder, after)
        except OSError:
            self._undo(folder, before, after)
            raise
        for row in moved:
            if row.file not in paths:
                self.path(row.file).unlink(missing_ok=True)
            files.remove_empty_folders(folder, PurePosixPath(row.path).parent)

    def _undo(self, folder: Path, before: Sequence[StoredObject], after: Sequence[StoredObject]) -> None:
        for row in after:
            if not row.marker and any(row.file == former.file for former in before):
                self._withdraw(row.file, folder / row.path)
        kept = {row.version for row in before}
        self._index.change([row for row in after if row.version not in kept], before)
        self._place_all(folder, before)

    def _withdraw(self, file: int, path: Path) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):  # the user has removed it
            os.replace(path, self.path(file))

    def _place_all(self, folder: Path, rows: Sequence[StoredObject]) -> None:
        for row in rows:
            if not row.marker:
                self._place(folder, row)

    def _place(self, folder: Path, row: StoredObject) -> None:
        """Moves the file to its path if it is not there."""
        source, target = f"{self._temporary}/{row.file}", f"{folder}/{row.path}"
        try:
            os.replace(source, target)
        except FileNotFoundError:
            if os.path.lexists(source):
                files.make_folders(folder, row.path.rpartition("/")[0])
                os.replace(source, target)

    def recover(self, folder_of: Callable[[str], Path]) -> None:
        """Finishes or undoes the change of a killed process, and removes its temporary files."""
        for path in list(self._temporary.iterdir()):
            row = self._index.with_file(int(path.name)) if path.name.isdecimal() else None
            with suppress(S3Error):  # the bucket does not exist any more
                if row is not None:
                    self._place(folder_of(row.bucket), row)
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Removes the files that belong to no object, such as those of uploads that were not completed."""
        with suppress(OSError):
            for path in self._temporary.iterdir():
                path.unlink()
            self._temporary.rmdir()


def _moves(row: StoredObject, paths: dict[int, str]) -> bool:
    """Whether the file leaves its path: to another one, or for good without one that replaces it."""
    if row.file in paths:
        return row.path != paths[row.file]
    return row.path not in paths.values()
