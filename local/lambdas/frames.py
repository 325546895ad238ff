"""JSON values over a socket between the host and a worker: four bytes of length, then the text.

A socket of its own, so that no print of a handler can garble it.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

LENGTH = struct.Struct("!I")


def encode(value: Any) -> bytes:
    """Raises `TypeError` or `ValueError` for what JSON cannot say."""
    return json.dumps(value, separators=(",", ":")).encode()


def send(channel: socket.socket, content: bytes) -> None:
    channel.sendall(LENGTH.pack(len(content)) + content)


def receive(channel: socket.socket) -> Any:
    """The next value. Raises `EOFError` when the other end is gone, `TimeoutError` as the socket is set."""
    (length,) = LENGTH.unpack(_exactly(channel, LENGTH.size))
    return json.loads(_exactly(channel, length))


def _exactly(channel: socket.socket, count: int) -> bytearray:
    content = bytearray(count)
    view, read = memoryview(content), 0
    while read < count:
        got = channel.recv_into(view[read:])
        if got == 0:
            raise EOFError
        read += got
    return content
