"""What a command does before it runs the stack on this machine: own the folder, synthesize, import the rest."""

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

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
