"""A program in a pseudo-terminal, and what its user sees there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
SECONDS = 60
"""Only a failing test waits that long."""

CONTROL = re.compile("\x1b\\[([?\\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")
INTERRUPT = b"\x03"
"""What Ctrl-C sends."""

START = """
import fcntl, os, select, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)

def wait_for_enter(*_, **__):
    while not select.select([0], [], [], 0.05)[0]:
        pass
    os.read(0, 1)
"""
"""Makes the pseudo-terminal that of the session, so that Ctrl-C is a signal. `input` would wait for ever if the signal
arrived just before it."""


class Screen:
    """The lines of a terminal. It knows the control sequences of rich, and fails on others."""

    def __init__(self, text: str, columns: int) -> None:
        self.lines = [""]
        self.cursor_visible = True
        self._row = self._column = 0
        self._columns = columns
        end = 0
        for found in CONTROL.finditer(text):
            assert found.start() == end, f"unknown: {text[end : found.start()]!r}"
            end = found.end()
            self._apply(found[1], found[2], found[3], found[4])

    def _apply(self, parameters: str, command: str, control: str, text: str) -> None:
        if text:
            for char in text:
                self._put(char)
        elif control == "\r":
            self._column = 0
        elif control == "\n":
            self._to_row(self._row + 1)
        elif command == "A":
            self._to_row(self._row - int(parameters or 1))
        elif command == "K":
            self.lines[self._row] = ""
        elif parameters == "?25":
            self.cursor_visible = command == "h"
        else:
            assert command == "m", (parameters, command)

    def _put(self, char: str) -> None:
        if self._column == self._columns:
            self._to_row(self._row + 1)
            self._column = 0
        line = self.lines[self._row].ljust(self._column)
        self.lines[self._row] = line[: self._column] + char + line[self._column + 1 :]
        self._column += 1

    def _to_row(self, row: int) -> None:
        self._row = max(0, row)
        self.lines += [""] * (self._row + 1 - len(self.lines))

    @property
    def text(self) -> list[str]:
        """The lines that are not empty."""
        return [line.rstrip() for line in self.lines if line.strip()]


class Terminal:
    """Runs Python code in a pseudo-terminal. With `echo`, what is pressed appears in it."""

    def __init__(
        self, code: str, *, columns: int = 80, echo: bool = True, variables: Mapping[str, str] | None = None
    ) -> None:
        self._columns = columns
        self._main, child = os.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        if not echo:
            settings = termios.tcgetattr(child)
            settings[3] &= ~termios.ECHO
            termios.tcsetattr(child, termios.TCSANOW, settings)
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", START + code],
            cwd=ROOT,
            env={**kept, "TERM": "xterm-256color", **(variables or {})},
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
        )
        os.close(child)
        self.output = ""

    @property
    def screen(self) -> Screen:
        return Screen(self.output, self._columns)

    def wait_for(self, condition: Callable[[list[str]], bool]) -> None:
        """Reads until the condition is true for the lines on the screen, or the program has ended."""
        deadline = time.monotonic() + SECONDS
        while not condition(self.screen.text):
            assert select.select([self._main], [], [], max(0, deadline - time.monotonic()))[0], self.output
            piece = b""
            with contextlib.suppress(OSError):  # EIO: the program has ended
                piece = os.read(self._main, 65536)
            if not piece:
                return
            self.output += piece.decode(errors="replace")

    def press(self, keys: bytes) -> None:
        os.write(self._main, keys)

    def ended(self) -> int:
        """The exit status, when all output was read."""
        self.wait_for(lambda lines: False)
        return self.process.wait(SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._main)
