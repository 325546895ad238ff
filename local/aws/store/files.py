"""Files of the store: written in blocks, read in blocks, in folders that are no symbolic links."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import IO

from local.aws.store.checksums import Digests

BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Content:
    """A verified body in a temporary file. `md5` and `sha256` are hex of its `size` bytes.

    `etag` replaces the MD5 if the object was uploaded in parts.
    """

    path: Path
    size: int
    md5: str
    sha256: str
    etag: str = ""


def write(blocks: Iterable[bytes], path: Path, digests: Digests) -> Content:
    """Writes a new file, with `digests` of its bytes. Removes it if the blocks cannot be read or written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        for block in blocks:
            digests.update(block)
            left = memoryview(block)
            while left:
                left = left[os.write(descriptor, left) :]
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return Content(path, digests.size, digests.md5.digest().hex(), digests.sha256.digest().hex())


class Blocks:
    """`length` bytes of a file from `start`, in blocks. `close` closes the file, also before the first block."""

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        self._file = file
        self._left = length
        if start:
            file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = self._file.read(min(BLOCK_BYTES, self._left)) if self._left > 0 else b""
        if not block:
            self.close()
            raise StopIteration
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._left = 0
        self._file.close()


def open_to_read(path: Path) -> FileIO:
    """Raises OSError, also if the path is a symbolic link."""
    return FileIO(str(path), opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW))


def digests_of(path: Path) -> Digests:
    """Raises OSError."""
    digests = Digests()
    with open_to_read(path) as file:
        while block := file.read(BLOCK_BYTES):
            digests.update(block)
    return digests


def make_folders(folder: Path, parent: str) -> None:
    """Makes `parent` below the folder. Raises OSError if a part of it is a file or a symbolic link."""
    path = str(folder)
    for part in parent.split("/") if parent else ():
        path = f"{path}/{part}"
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            os.mkdir(path)
            continue
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(f"{path} is not a folder")


def remove_empty_folders(folder: Path, parent: PurePosixPath) -> None:
    while parent.parts:
        try:
            (folder / parent).rmdir()
        except OSError:
            return
        parent = parent.parent


def is_folder(path: str) -> bool:
    """Raises OSError if a part of the path is a file."""
    with suppress(FileNotFoundError):
        return stat.S_ISDIR(os.lstat(path).st_mode)
    return False


def flush(descriptor: int) -> None:
    """Returns when everything that was written to the file system of the descriptor is on its disk."""
    if _SYNCFS is None or _SYNCFS(descriptor) != 0:
        os.sync()


def _syncfs() -> Callable[[int], int] | None:
    """Linux has it, macOS does not."""
    try:
        function: Callable[[int], int] = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return None
    return function


_SYNCFS = _syncfs()
