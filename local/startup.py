"""What commands share: own a folder, synthesize the stack, import the rest, show a spinner, wait for an interrupt."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from local.errors import UsageError
from local.log_file import log_to
from local.out_lock import lock_out
from local.parquet import InstallationError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

ROOT = Path(__file__).parent.parent
MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
"""Variables that a make passes to the makes it calls."""

EXPECTED = (UsageError, InstallationError, click.ClickException, BrokenPipeError)
"""Exceptions that end a command with a sentence; any other is an error of this program, or of the machine."""

ECHO_COLUMNS = 2
"""Columns of the terminal that a line which is drawn again leaves empty: the terminal echoes Ctrl-C as `^C`."""

Display = TypeVar("Display", bound="Progress")

Update = Callable[[str], None]
"""Changes the text of a spinner."""

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

    A terminal shows what make has printed only if it has failed.
    """
    command = ["make", "-s", "--old-file=.venv/local", "cdk.out/ready"]  # this process runs in .venv: keep it
    variables = {name: value for name, value in os.environ.items() if name not in MAKE_VARIABLES}
    output = subprocess.PIPE if sys.stdout.isatty() else None
    try:
        with spinner("Synthesizing the stack"):
            subprocess.run(
                command, cwd=ROOT, env=variables, check=True, stdout=output, stderr=output and subprocess.STDOUT
            )
    except FileNotFoundError as error:
        raise click.ClickException("Cannot synthesize the stack: install make.") from error
    except subprocess.CalledProcessError as error:
        text = error.output.decode(errors="replace") if error.output else ""
        raise click.ClickException(f"{text}Cannot synthesize the stack: make has failed.") from error
    return ROOT / "cdk.out"


@contextmanager
def spinner(text: str, console: Console | None = None) -> Iterator[Update]:
    """A spinner with the time that has passed, while a command waits. Nothing of it where the output is no terminal.

    It is removed at the end, however the block ends. What Python prints meanwhile appears above it.
    """
    console = console or _terminal()
    if console is None or not console.is_interactive:  # a terminal with TERM=dumb cannot move its cursor
        yield lambda text: None
        return
    with drawn(_progress(console)) as progress:
        task = progress.add_task(text, total=None)
        yield lambda text: progress.update(task, description=text)


@contextmanager
def drawn(display: Display) -> Iterator[Display]:
    """Start a display of rich, and stop it at the end: also if Ctrl-C comes while it starts, unlike its own `with`."""
    try:
        display.start()
        yield display
    finally:
        display.stop()


def _terminal() -> Console | None:
    """Standard output, if it is a terminal."""
    if not sys.stdout.isatty():
        return None
    from rich.console import Console  # slow to import

    return Console()


def _progress(console: Console) -> Progress:
    """One line: the text is cut if the terminal is too narrow for it."""
    from rich.constrain import Constrain
    from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
    from rich.table import Column
    from rich.text import Text

    class Line(Progress):
        def get_renderable(self) -> RenderableType:
            return Constrain(super().get_renderable(), console.width - ECHO_COLUMNS)

    class Description(ProgressColumn):
        def render(self, task: Task) -> Text:
            visible = "".join(char if char.isprintable() else "?" for char in task.description)
            return Text(visible, no_wrap=True, overflow="ellipsis")

    kept = Column(no_wrap=True)
    return Line(
        SpinnerColumn(table_column=kept),
        Description(),
        TimeElapsedColumn(table_column=kept),
        console=console,
        transient=True,
    )


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
