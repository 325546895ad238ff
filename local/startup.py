"""What commands share: they own a folder, synthesize the stack, import the rest, and serve until an interrupt."""

import gc
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import NoReturn

import click

from local.errors import UsageError
from local.log_file import log_to
from local.out_lock import lock_out
from local.parquet import InstallationError

ROOT = Path(__file__).parent.parent
MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
"""Variables that a make passes to the makes it calls."""

EXPECTED = (UsageError, InstallationError, click.ClickException, BrokenPipeError)
"""Exceptions that end a command with a sentence; any other is an error of this program, or of the machine."""

log = logging.getLogger(__name__)


@contextmanager
def owned(folder: Path, command: str) -> Iterator[None]:
    """Own the folder and log to it. An exception is logged, and shown as one sentence: raises ClickException."""
    with lock_out(folder, command), log_to(folder) as path:
        try:
            yield
        except EXPECTED:
            raise
        except Exception as error:
            log.exception("The command %s failed", command)
            text = f"The command {command} failed: {type(error).__name__}: {error}. The log has the details: {path}"
            raise click.ClickException(text) from error


@contextmanager
def fast_imports() -> Iterator[None]:
    """Import without garbage collection, which takes a quarter of the time; imports create almost no garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def synthesize() -> Path:
    """The assembly of the stack, which make updates where a source is newer. Raises ClickException.

    A terminal shows a spinner, and what make has printed only if it has failed.
    """
    command = ["make", "-s", "--old-file=.venv/local", "cdk.out/ready"]  # this process runs in .venv: keep it
    variables = {name: value for name, value in os.environ.items() if name not in MAKE_VARIABLES}
    is_terminal = sys.stdout.isatty()
    output = subprocess.PIPE if is_terminal else None
    try:
        with _spinner() if is_terminal else nullcontext():
            subprocess.run(
                command, cwd=ROOT, env=variables, check=True, stdout=output, stderr=output and subprocess.STDOUT
            )
    except FileNotFoundError as error:
        raise click.ClickException("Cannot synthesize the stack: install make.") from error
    except subprocess.CalledProcessError as error:
        text = error.output.decode(errors="replace") if error.output else ""
        raise click.ClickException(f"{text}Cannot synthesize the stack: make has failed.") from error
    return ROOT / "cdk.out"


def _spinner() -> AbstractContextManager[object]:
    from rich.console import Console  # slow to import, and needed only here

    return Console().status("Synthesizing the stack")


def wait_for_interrupt() -> NoReturn:
    """Wait on the main thread for a signal whose handler raises an exception: KeyboardInterrupt for SIGINT.

    Python runs signal handlers between two bytecode instructions. A signal that arrives after the last instruction
    before a wait for a lock is handled only after the wait, which may never end. Here the signal also writes a byte
    to a pipe, and the wait is a read of that pipe.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    previous = signal.set_wakeup_fd(write_end)
    try:
        while True:
            os.read(read_end, 1)
    finally:
        signal.set_wakeup_fd(previous)
        os.close(read_end)
        os.close(write_end)
