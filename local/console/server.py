"""The HTTP server of the console, on 127.0.0.1."""

import logging
import socket
import threading
from typing import Self

from werkzeug.serving import WSGIRequestHandler, make_server

from local.console.app import Console
from local.console.guard import Guard
from local.console.stack import ConsoleStack

LOOPBACK = "127.0.0.1"
BACKLOG = 128

log = logging.getLogger(__name__)


class _Handler(WSGIRequestHandler):
    """Logs no addresses: they may have URLs of images."""

    protocol_version = "HTTP/1.1"

    def version_string(self) -> str:
        return "Image Mirror"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        log.debug("%s %s", self.command, code)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the signature of werkzeug
        log.debug(message, *args)


class ConsoleServer:
    """Serves from construction to `close`. `moved` is true if the preferred port was in use."""

    def __init__(self, stack: ConsoleStack, port: int) -> None:
        listener = _listen(port)
        number = listener.getsockname()[1]
        self.moved = port not in (0, number)
        guard = Guard(f"{LOOPBACK}:{number}")
        self.address = guard.address
        with listener:
            self._server = make_server(
                LOOPBACK,
                number,
                Console(stack, guard),
                threaded=True,
                request_handler=_Handler,
                fd=listener.fileno(),
            )
        self._thread = threading.Thread(target=self._server.serve_forever, name="console", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _listen(port: int) -> socket.socket:
    """A socket at the port, or at a free one if it is in use."""
    try:
        return _bound(port)
    except OSError:
        if not port:
            raise
        return _bound(0)


def _bound(port: int) -> socket.socket:
    listener = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
    listener.set_inheritable(False)
    return listener
