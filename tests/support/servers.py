"""Servers with real sockets on loopback. Their behaviour is set for each path or for each connection.

    with Server({"/a.jpg": answer(body=JPEG), "/b.jpg": lambda visit: visit.reset()}) as server:
        ...server.url("/a.jpg"), server.hits["/a.jpg"]

A behaviour may be endless: it ends when the client disconnects or the server stops. All threads end with `stop`.
"""

import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import trustme

Behaviour = Callable[["Visit"], None]
Headers = Mapping[str, str] | Iterable[tuple[str, str]]

JOIN_SECONDS = 10.0
PATIENCE_SECONDS = 20.0
"""Maximum duration of an endless behaviour: a client that never disconnects fails its test instead of blocking it."""


class ClientGoneError(Exception):
    """The client disconnected, or the server is stopping."""


@dataclass(slots=True)
class Visit:
    """One request, or a new connection, and the ways to respond to it."""

    sock: socket.socket
    stopping: threading.Event
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    over: bool = False
    target: str = ""

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.sock.sendall(piece)

    def drip(self, piece: bytes, every: float = 0.05) -> None:
        """Sends one byte at a time, then repeats the last byte endlessly."""
        for byte in piece:
            self._drop(byte, every)
        for _ in range(int(PATIENCE_SECONDS / every)):
            self._drop(piece[-1], every)
        raise ClientGoneError

    def _drop(self, byte: int, every: float) -> None:
        self.send(bytes([byte]))
        if self.stopping.wait(every):
            raise ClientGoneError

    def flood(self, piece: bytes) -> None:
        ends = time.monotonic() + PATIENCE_SECONDS
        while not self.stopping.is_set() and time.monotonic() < ends:
            self.send(piece)
        raise ClientGoneError

    def hold(self) -> None:
        """Sends nothing until the client disconnects."""
        self.sock.settimeout(PATIENCE_SECONDS)
        while self.sock.recv(4096):
            pass
        raise ClientGoneError

    def close(self) -> None:
        """Closes the connection after sending everything."""
        self.over = True

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        raise ClientGoneError


def head(status: int = 200, headers: Headers = ()) -> bytes:
    """A status line and headers, as bytes; header values may be any Latin-1."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Odd"
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in pairs)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer(status: int = 200, headers: Headers = (), body: bytes = b"") -> Behaviour:
    """A complete response with its Content-Length; the connection is kept open."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    whole = head(status, [*pairs, ("Content-Length", str(len(body)))]) + body
    return lambda visit: visit.send(whole)


def closing(*pieces: bytes) -> Behaviour:
    """Sends these bytes, then closes the connection."""

    def behave(visit: Visit) -> None:
        visit.send(*pieces)
        visit.close()

    return behave


def resetting(*pieces: bytes) -> Behaviour:
    """Sends these bytes, then resets the connection once the client can have read them."""

    def behave(visit: Visit) -> None:
        visit.send(*pieces)
        visit.stopping.wait(0.05)
        visit.reset()

    return behave


def flooding(start: bytes, piece: bytes) -> Behaviour:
    def behave(visit: Visit) -> None:
        visit.send(start)
        visit.flood(piece)

    return behave


def dripping(start: bytes, piece: bytes) -> Behaviour:
    def behave(visit: Visit) -> None:
        visit.send(start)
        visit.drip(piece)

    return behave


def holding(*pieces: bytes) -> Behaviour:
    """Sends these bytes, then nothing."""

    def behave(visit: Visit) -> None:
        visit.send(*pieces)
        visit.hold()

    return behave


def silent(visit: Visit) -> None:
    visit.hold()


def redirect(location: str, status: int = 302) -> Behaviour:
    return answer(status, {"Location": location})


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One behaviour for each visit in turn; the last one for all later visits."""
    lock, left = threading.Lock(), list(behaviours)

    def behave(visit: Visit) -> None:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        now(visit)

    return behave


class Server:
    """`routes` are behaviours by path, without the query. `bare` instead handles each connection before it is read."""

    def __init__(
        self,
        routes: Mapping[str, Behaviour] | None = None,
        *,
        bare: Behaviour | None = None,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        secure: bool | None = None,
    ) -> None:
        self.routes = dict(routes or {})
        self.hits: Counter[str] = Counter()
        self.connections = 0
        self.requests: list[Visit] = []
        self._bare = bare
        self._tls = tls
        self._scheme = "https" if (tls is not None if secure is None else secure) else "http"
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._live: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((host, 0), backlog=256)
        self.host, self.port = self._listener.getsockname()[:2]
        self._start(self._accept)

    def url(self, path: str = "/", name: str | None = None) -> str:
        """The URL with `name` instead of the address, for a resolver that has it."""
        return f"{self._scheme}://{name or self.host}:{self.port}{path}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes every connection and waits for every thread."""
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(JOIN_SECONDS)
        with self._lock:
            for sock in self._live:
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads), "a server's thread outlived it"

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="test-server")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._live.add(sock)
        try:
            with suppress(OSError, ClientGoneError):
                self._converse(sock)
        finally:
            with self._lock:
                self._live.discard(sock)
            sock.close()

    def _converse(self, sock: socket.socket) -> None:
        if self._stopping.is_set():
            return
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        if self._bare is not None:
            self._bare(Visit(sock, self._stopping))
            return
        with sock.makefile("rb") as file:
            while (visit := self._read(sock, file)) is not None:
                self.routes.get(visit.path, answer(404))(visit)
                if visit.over:
                    return

    def _read(self, sock: socket.socket, file: IO[bytes]) -> Visit | None:
        line = file.readline().decode("latin-1")
        if not line.strip():
            return None
        headers = {}
        while text := file.readline().decode("latin-1").strip():
            name, _, value = text.partition(":")
            headers[name.strip().lower()] = value.strip()
        target = line.split()[1]
        path = target.partition("?")[0]
        visit = Visit(sock, self._stopping, path, headers, target=target)
        with self._lock:
            self.hits[path] += 1
            self.requests.append(visit)
        return visit


class Authority:
    """A certificate authority for the tests. `file` has its certificate, for a session to trust."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def context(self, *names: str, until: datetime | None = None) -> ssl.SSLContext:
        """A TLS context for a server with these names; its certificate expires at the given time."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        not_before = datetime(2001, 1, 1, tzinfo=UTC) if until else None
        self._ca.issue_cert(*names, not_after=until, not_before=not_before).configure_cert(context)
        return context
