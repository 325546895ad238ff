"""An answer's head, held to what `http.client` does not ask of it: an end, a bound, few interim answers.

Left alone, http.client takes a head that breaks off for a whole one, reads `100 Continue` for ever, and takes any other
interim answer (103, RFC 8297) for the final one.
"""

import socket
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from io import BufferedReader
from typing import Any, cast

MAX_HEAD_BYTES = 64 * 1024
MAX_INTERIM = 8
READ_BYTES = 64 * 1024
"""Asked of the socket at a time; http.client's own 8 KB make seven calls of an average image, each a thread switch."""


class _Head:
    """The file that a head is read from, line by line. `cut` says whether its last line had no end."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._size = 0
        self.cut = False

    def readline(self, limit: int) -> bytes:
        line = bytes(self._file.readline(limit))
        self._size += len(line)
        if self._size > MAX_HEAD_BYTES:
            raise HTTPException("the head of the answer is too long")
        self.cut = not line.endswith(b"\n")
        return line

    def close(self) -> None:
        self._file.close()


class StrictResponse(HTTPResponse):
    """What guarded connections answer with."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = cast(BufferedReader, sock.makefile("rb", READ_BYTES))

    def begin(self) -> None:
        """Raises HTTPException; RemoteDisconnected where the head has no end."""
        file: Any = self.fp
        head: Any = _Head(file)
        self.fp = head
        try:
            super().begin()
        finally:
            if self.fp is head:
                self.fp = file
        if head.cut:
            raise RemoteDisconnected("the head of the answer broke off")

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            while self.fp.readline(MAX_HEAD_BYTES).strip():
                pass
        raise HTTPException("interim answers without end")
