"""The owner of OUT: one command at a time changes it. `OUT/lock` is locked while its process lives."""

import fcntl
import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from local.errors import UsageError

NAME = "lock"
MAX_BYTES = 4096
"""Maximum size of the record in the file."""


@dataclass(frozen=True)
class Owner:
    """The process that owns OUT, as the file records it. `user` is user@host, `since` a time in UTC."""

    user: str
    pid: int
    command: str
    since: str

    @classmethod
    def of_this_process(cls, command: str) -> Self:
        since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return cls(f"{_user()}@{socket.gethostname()}", os.getpid(), command, since)


@contextmanager
def lock_out(out: Path, command: str) -> Iterator[None]:
    """Own the folder, which is created, until the end of the block or of the process. Raises UsageError.

    The lock is one of `flock`: the system releases it when the process ends, for whatever reason.
    """
    path = out / NAME
    try:
        out.mkdir(parents=True, exist_ok=True)
        descriptor = _acquire(path, out)
    except OSError as error:
        raise UsageError(f"Cannot lock {path}: {error.strerror}.") from error
    try:
        _write(descriptor, Owner.of_this_process(command))
        yield
    finally:
        if _is_at(descriptor, path):
            path.unlink()
        os.close(descriptor)


def read_owner(out: Path) -> Owner | None:
    """The owner that the file names, which has ended if the folder is not locked. None where there is no record."""
    try:
        with (out / NAME).open("rb") as file:
            return Owner(**json.loads(file.read(MAX_BYTES)))
    except (OSError, ValueError, TypeError):
        return None


def _acquire(path: Path, out: Path) -> int:
    """The descriptor of the locked file. Raises OSError, UsageError."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise UsageError(_in_use(out)) from error
            raise
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # its owner has just deleted it


def _is_at(descriptor: int, path: Path) -> bool:
    """True if the open file is the one that has the path now."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _write(descriptor: int, owner: Owner) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(asdict(owner)).encode() + b"\n", 0)


def _in_use(out: Path) -> str:
    owner = read_owner(out)
    by = (
        f"by `{owner.command}` of {owner.user} (pid {owner.pid}) since {owner.since}" if owner else "by another command"
    )
    return f"{out} is in use {by}. Wait until it has ended, or choose another folder with --out (OUT)."


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for the number
        return str(os.getuid())
