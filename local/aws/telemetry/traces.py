"""X-Ray's daemon: takes segments as datagrams on loopback, and those of Lambda itself from the host."""

from __future__ import annotations

import json
import logging
import socket
import threading
import uuid
from typing import Any

from local.aws import backend

MAX_DATAGRAM = 65_535
RECEIVE_BYTES = 1 << 20
FLUSH_SECONDS = 5.0
log = logging.getLogger(__name__)


class Traces:
    """`address` is where functions send to."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._socket.getsockname())
        self._flushes: dict[bytes, threading.Event] = {}
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def put(self, document: dict[str, Any]) -> None:
        """A segment of the host's own. It takes the way of all others, and is lost where they would be."""
        self._send(b'{"format": "json", "version": 1}\n' + json.dumps(document).encode())

    def flush(self) -> None:
        """Returns once all that was sent before is in X-Ray: datagrams on loopback keep their order."""
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
        while datagram := self._socket.recv(MAX_DATAGRAM):
            if done := self._flushes.pop(datagram, None):
                done.set()
                continue
            try:
                header, _, document = datagram.partition(b"\n")
                if json.loads(header).get("format") == "json":
                    backend.put_segment(document.decode())
            except Exception:  # whatever a function sends must not end the daemon
                log.exception("a segment was refused")
