"""JSON messages over a socket between the host and a worker: four bytes of length, then the JSON text.

The socket is separate from standard output, so that the output of a handler cannot corrupt a message.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

LENGTH = struct.Struct("!I")


def encode(value: object) -> bytes:
    """The value as JSON. Raises TypeError or ValueError for a value that JSON cannot represent."""
    return json.dumps(value, separators=(",", ":")).encode()


def send(channel: socket.socket, content: bytes) -> None:
    channel.sendall(LENGTH.pack(len(content)) + content)


def receive(channel: socket.socket) -> Any:
    """The next value. Raises EOFError when the other end has closed, TimeoutError after the socket's timeout.

    Any: the host and the worker know the fields of their messages.
    """
    (length,) = LENGTH.unpack(_receive_exactly(channel, LENGTH.size))
    return json.loads(_receive_exactly(channel, length))


def _receive_exactly(channel: socket.socket, count: int) -> bytearray:
    content = bytearray(count)
    view, read = memoryview(content), 0
    while read < count:
        received = channel.recv_into(view[read:])
        if received == 0:
            raise EOFError
        read += received
    return content
