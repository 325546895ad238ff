"""The X-Ray daemon: receives segments as UDP datagrams on loopback, and Lambda's own segments from the host."""

from __future__ import annotations

import json
import logging
import socket
import threading
import uuid
from typing import Any

from local.aws import backend

MAX_DATAGRAM_BYTES = 65_535
RECEIVE_BUFFER_BYTES = 1 << 20
FLUSH_SECONDS = 5.0
"""Maximum time to wait for a flush: a datagram can be lost."""

log = logging.getLogger(__name__)


class Traces:
    """Receives from construction to `close`. `address` is the value of AWS_XRAY_DAEMON_ADDRESS."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._socket.getsockname())
        self._flushes: dict[bytes, threading.Event] = {}
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def put(self, document: dict[str, Any]) -> None:
        """Send a segment of Lambda itself, as a datagram like all others."""
        self._send(b'{"format": "json", "version": 1}\n' + json.dumps(document).encode())

    def flush(self) -> None:
        """Return when all earlier segments are in X-Ray: datagrams on loopback keep their order."""
        mark, done = uuid.uuid4().bytes, threading.Event()
        self._flushes[mark] = done
        self._send(mark)
        done.wait(FLUSH_SECONDS)

    def close(self) -> None:
        self._send(b"")
        self._thread.join()
        self._socket.close()

    def _send(self, datagram: bytes) -> None:
        host, _, port = self.address.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(datagram, (host, int(port)))

    def _run(self) -> None:
        while datagram := self._socket.recv(MAX_DATAGRAM_BYTES):
            if done := self._flushes.pop(datagram, None):
                done.set()
                continue
            try:
                header, _, document = datagram.partition(b"\n")
                if json.loads(header).get("format") == "json":
                    backend.put_segment(document.decode())
            except Exception:  # an invalid segment must not end the daemon
                log.exception("X-Ray PutTraceSegments failed: a segment is lost")
