"""Reads the standard output and standard error of a worker, line by line, for its log."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import IO

TAIL_BYTES = 4096
"""Maximum size of X-Amz-Log-Result before base64."""

MAX_LINE_BYTES = 1 << 18
"""Maximum size of a log event."""

LineSink = Callable[[list[str]], None]


class Output:
    """Reads a worker's pipe to its end on a thread of its own; keeps the last lines of the current invocation."""

    def __init__(self, pipe: IO[bytes], sink: LineSink) -> None:
        self._pipe = pipe
        self._sink = sink
        self._changed = threading.Condition()
        self._tail: deque[str] = deque(maxlen=TAIL_BYTES)
        self._thread = threading.Thread(target=self._read, name="function-output", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        with self._changed:
            self._tail.clear()

    def tail(self, request_id: str, timeout: float = 1.0) -> bytes:
        """The last 4 KB. Waits for the invocation's REPORT line, at most `timeout` seconds."""
        prefix = f"REPORT RequestId: {request_id}"
        with self._changed:
            self._changed.wait_for(lambda: any(line.startswith(prefix) for line in self._tail), timeout)
            return "".join(f"{line}\n" for line in self._tail).encode()[-TAIL_BYTES:]

    def add(self, lines: list[str]) -> None:
        with self._changed:
            self._tail.extend(lines)
            self._changed.notify_all()
        self._sink(lines)

    def join(self) -> None:
        """Wait for the last line of a worker that has exited."""
        self._thread.join(timeout=5)

    def _read(self) -> None:
        rest = b""
        with self._pipe as pipe:
            while chunk := pipe.read1(1 << 16):  # type: ignore[attr-defined]
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > MAX_LINE_BYTES:
                    lines, rest = [*lines, rest], b""
                if lines:
                    self.add([line.decode(errors="replace") for line in lines])
        if rest:
            self.add([rest.decode(errors="replace")])
