"""Kept connections for PUTs to one host, over the standard library's own: urllib3 above it costs as much again."""

import socket
import ssl
import weakref
from collections import deque
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import IO, cast
from urllib.parse import urlsplit

import certifi
from urllib3.util import wait_for_read

CONNECT_SECONDS, READ_SECONDS = 3.0, 20.0
BLOCK_BYTES = 256 * 1024


class PutConnections:
    """Of one site, `https://host` or `http://host:port`. As many are kept as were used at once, up to `most`."""

    def __init__(self, site: str, most: int) -> None:
        parts = urlsplit(site)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = ssl.create_default_context(cafile=certifi.where()) if parts.scheme == "https" else None
        self._idle: deque[HTTPConnection] = deque(maxlen=most)
        weakref.finalize(self, _close, self._idle)

    def put(self, path: str, headers: Mapping[str, str], body: bytes | IO[bytes]) -> int | None:
        """The status of the answer, None where there was none, or a 200 that is not S3's: that has an ETag, no body.

        `headers` are all there are, `host` among them.
        """
        connection = self._kept() or self._made()
        try:
            if connection.sock is None:
                connection.connect()
                _sock(connection).settimeout(READ_SECONDS)
            connection.putrequest("PUT", path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            plain = not answer.read() and answer.getheader("ETag") is not None
        except (OSError, HTTPException, ValueError):
            connection.close()
            return None
        if connection.sock is not None:
            self._keep(connection)
        return answer.status if plain or answer.status != HTTPStatus.OK else None

    def _kept(self) -> HTTPConnection | None:
        """One that the other side has not closed meanwhile."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not wait_for_read(_sock(connection), timeout=0.0):  # nothing was asked: what can be read is its end
                return connection
            connection.close()

    def _keep(self, connection: HTTPConnection) -> None:
        if len(self._idle) == self._idle.maxlen:
            connection.close()
        else:
            self._idle.append(connection)

    def _made(self) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS, blocksize=BLOCK_BYTES)
        return HTTPSConnection(
            self._host, self._port, timeout=CONNECT_SECONDS, blocksize=BLOCK_BYTES, context=self._tls
        )


def _close(idle: deque[HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


def _sock(connection: HTTPConnection) -> socket.socket:
    return cast(socket.socket, connection.sock)
