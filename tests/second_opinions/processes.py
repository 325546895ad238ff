"""Servers in processes of their own, on loopback."""

import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

START_SECONDS = 60.0
STOP_SECONDS = 10.0
SHOWN_LINES = 20


class StartError(Exception):
    """A server ended, or did not say that it is ready. The message has the end of its output."""


@contextmanager
def server(
    command: Sequence[str | Path], *, ready: str, folder: Path, variables: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Runs a command in `folder` from the time its output has the text `ready`. Raises StartError."""
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        output = _Output(process.stdout, ready)
        try:
            output.wait(str(command[0]))
            yield
        finally:
            _stop(process)
            output.thread.join()


class _Output:
    """Reads the output of a process to its end, so that the process never waits for a reader."""

    def __init__(self, stream: IO[str], ready: str) -> None:
        self._stream, self._ready = stream, ready
        self._lines: list[str] = []
        self._decided, self._is_ready = threading.Event(), False
        self.thread = threading.Thread(target=self._read, name="output of a server")
        self.thread.start()

    def _read(self) -> None:
        for line in self._stream:
            self._lines.append(line)
            if self._ready in line:
                self._is_ready = True
                self._decided.set()
        self._decided.set()

    def wait(self, name: str) -> None:
        """Raises StartError."""
        self._decided.wait(START_SECONDS)
        if not self._is_ready:
            raise StartError(
                f"{name} did not start within {START_SECONDS:.0f} s:\n" + "".join(self._lines[-SHOWN_LINES:])
            )


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that no program uses now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]
