"""The log of a command, `OUT/local.log`: what the local AWS and its libraries log, and exceptions of its threads.

Nothing of it goes to the terminal, which shows what the user needs to know. The file is created with its first record.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

NAME = "local.log"
MAX_BYTES = 1_000_000
"""Size at which the file is renamed to `local.log.1`, which replaces an earlier one."""

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

log = logging.getLogger(__name__)
_NULL = logging.NullHandler()


class _LogFile(RotatingFileHandler):
    """Never writes through a symbolic link, and makes its folder with its first record. A record that cannot be
    written, on a full disk for example, is lost."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter(FORMAT))

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return open(self.baseFilename, "a", encoding="utf-8", opener=_open_no_link)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of logging
        """Python's own method prints a traceback."""

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o644)


@contextmanager
def log_to(out: Path) -> Iterator[Path]:
    """Write all warnings and errors of this process to the log of the folder until the end of the block."""
    path = out / NAME
    handler = _LogFile(path)
    hooks = threading.excepthook, sys.unraisablehook
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    threading.excepthook, sys.unraisablehook = _log_thread, _log_unraisable
    try:
        yield path
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(handler)
        handler.close()


def keep_off_terminal() -> None:
    """Drop what is logged while there is no log: Python prints the warnings of a logger without a handler."""
    logging.getLogger().addHandler(_NULL)


def _log_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        log.error("The thread %s failed", ended.thread and ended.thread.name, exc_info=ended.exc_value)


def _log_unraisable(raised: UnraisableHookArgs) -> None:
    """An exception that has no caller, such as one of `__del__`."""
    log.error("%s: %r", raised.err_msg or "Exception ignored in", raised.object, exc_info=raised.exc_value)
