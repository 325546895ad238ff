"""What a worker writes to stdout and stderr, as lines on their way to the log."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import IO

TAIL_BYTES = 4096  # of X-Amz-Log-Result
MAX_LINE_BYTES = 1 << 18  # one log event
LineSink = Callable[[list[str]], None]


class Output:
    """Reads a worker's pipe to its end on a thread of its own; keeps the tail of the present invocation."""

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
        """The last 4 KB, once the invocation's REPORT line has come through the pipe."""
        mark = f"REPORT RequestId: {request_id}"
        with self._changed:
            self._changed.wait_for(lambda: any(line.startswith(mark) for line in self._tail), timeout)
            return "".join(f"{line}\n" for line in self._tail).encode()[-TAIL_BYTES:]

    def add(self, lines: list[str]) -> None:
        with self._changed:
            self._tail.extend(lines)
            self._changed.notify_all()
        self._sink(lines)

    def join(self) -> None:
        """Waits for the last line of a worker that has ended."""
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
