"""A connection of a client, and what has arrived on it."""

from __future__ import annotations

import socket

from local.aws.http.messages import HEAD_END, Head, parse_head

RECEIVE_BYTES = 1 << 18
"""Maximum number of bytes that are received at once."""

MAX_HEAD_BYTES = 1 << 16
"""Maximum size of a request line and headers."""


class HeadTooLargeError(Exception):
    """The head of a request is too large."""


class Connection:
    """A connection and the bytes that have arrived and are not used. One thread uses it at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.received = bytearray()
        self.head: Head | None = None
        """Of a request whose body has not arrived."""

    def take(self, size: int) -> bytes:
        data = bytes(memoryview(self.received)[:size])
        del self.received[:size]
        return data

    def receive(self) -> bool:
        """Waits for bytes if the socket is blocking; False at the end of the connection. Raises OSError."""
        data = self.socket.recv(RECEIVE_BYTES)
        self.received += data
        return bool(data)

    def read(self, size: int, /) -> bytes:
        """As many bytes, fewer at the end of the connection. Raises OSError."""
        while len(self.received) < size and self.receive():
            pass
        return self.take(size)

    def readline(self, size: int = -1, /) -> bytes:
        while (end := self.received.find(b"\n") + 1) == 0 and not 0 <= size <= len(self.received):
            if not self.receive():
                end = len(self.received)
                break
        return self.take(end if size < 0 or 0 < end <= size else size)

    def next_head(self) -> Head | None:
        """None if it has not arrived. Raises ValueError, HeadTooLargeError."""
        if self.head is None:
            end = self.received.find(HEAD_END)
            if end > MAX_HEAD_BYTES or (end < 0 and len(self.received) > MAX_HEAD_BYTES):
                raise HeadTooLargeError
            if end >= 0:
                self.head = parse_head(self.take(end + len(HEAD_END))[: -len(HEAD_END)])
        return self.head
