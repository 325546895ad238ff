"""Servers that are fast enough not to be the bottleneck: plain asyncio, each in its own process.

A server is a module that calls `serve` with a handler. It prints its addresses, returns its statistics since the last
call at `/_stats`, and stops when its standard input is closed. It uses TLS if BENCH_CERTIFICATE is the path of a file
with a private key and its certificate. A server that lists its requests returns all of them at `/_requests`.
"""

import asyncio
import json
import math
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.request import urlopen

from bench.rig.chunked import decode_chunked

STATS = "/_stats"
REQUESTS = "/_requests"
CERTIFICATE = "BENCH_CERTIFICATE"
CONNECTION_CLOSE = "Connection: close"
"""The header of a response after which the server closes the connection."""


@dataclass(slots=True)
class Request:
    method: str
    path: str
    headers: bytes
    """Unparsed, because only a few of them are read."""
    body: bytes = b""
    port: int = 0
    """The port of the server."""

    def header(self, name: bytes) -> bytes:
        """Return the value of a header, or nothing. `name` is in lower case."""
        head = b"\r\n" + self.headers + b"\r\n"
        position = head.lower().find(b"\r\n" + name + b":")
        if position < 0:
            return b""
        start = position + len(name) + 3
        return head[start : head.index(b"\r\n", start)].strip()


@dataclass(slots=True)
class ServerStats:
    """Statistics of a server. `first` is the time of the first request, `last` that of the last response, in seconds of
    the monotonic clock of the machine."""

    requests: int = 0
    first: float = 0.0
    last: float = 0.0
    busy_seconds: float = 0.0
    """CPU time of the server in seconds."""
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by


@dataclass(slots=True)
class ServedRequest:
    """A request as the server sees it: under way from `received`, when its head was read, until `sent`, when the last
    byte of the response was written or the client was gone; infinite until then. Both are in seconds of the monotonic
    clock of the machine."""

    port: int
    client_port: int
    path: str
    received: float
    status: int = 0
    sent: float = math.inf


Handler = Callable[[Request, ServerStats], "bytes | tuple[float, bytes]"]
"""Returns the response, head and body, or a delay in seconds and the response."""


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, handler: Handler, counter: "_Counter") -> None:
        self._handler = handler
        self._counter = counter
        self._served: ServedRequest | None = None
        self._head = b""
        self._request: Request | None = None
        self._parts: list[bytes] = []
        self._missing = 0
        self._is_chunked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ports = transport.get_extra_info("sockname")[1], transport.get_extra_info("peername")[1]
        if self._counter.requests is not None:
            transport.set_write_buffer_limits(high=0)  # resume_writing then means that everything was written

    def resume_writing(self) -> None:
        self._end_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_request()

    def data_received(self, data: bytes) -> None:
        while data:
            if self._request is None:
                data = self._parse_head(self._head + data)
            elif self._is_chunked:
                data = self._parse_chunks(data)
            else:
                piece, data = data[: self._missing], data[self._missing :]
                self._parts.append(piece)
                self._missing -= len(piece)
            if self._request is not None and not self._missing and not self._is_chunked:
                request, self._request = self._request, None
                request.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
                self._parts = []
                self._reply(request)

    def _parse_head(self, data: bytes) -> bytes:
        head, end, rest = data.partition(b"\r\n\r\n")
        self._head = b"" if end else data
        if not end:
            return b""
        line, _, headers = head.partition(b"\r\n")
        method, path, _ = line.decode().split(" ", 2)
        self._request = Request(method, path, headers, port=self._ports[0])
        self._missing = int(self._request.header(b"content-length") or 0)
        self._is_chunked = self._request.header(b"transfer-encoding") == b"chunked"
        if self._request.header(b"expect"):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return rest

    def _parse_chunks(self, data: bytes) -> bytes:
        self._parts.append(data)
        if not data.endswith(b"\r\n"):  # the end of a chunked body has a line break
            return b""
        decoded = decode_chunked(b"".join(self._parts))
        if decoded is None:
            return b""
        content, _, rest = decoded
        self._parts, self._is_chunked = [content], False
        return rest

    def _reply(self, request: Request) -> None:
        if request.path == STATS:
            self._transport.write(response("200 OK", self._counter.take()))
            return
        if request.path == REQUESTS:
            self._transport.write(response("200 OK", self._counter.listed()))
            return
        if self._counter.requests is not None:
            self._served = ServedRequest(*self._ports, request.path, time.monotonic())
            self._counter.requests.append(self._served)
        result = self._handler(request, self._counter.start_request())
        delay, reply = result if isinstance(result, tuple) else (0.0, result)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: bytes) -> None:
        if self._served is not None:
            self._served.status = int(reply[9:12])
        self._transport.write(reply)
        if not self._transport.get_write_buffer_size():
            self._end_request()
        if CONNECTION_CLOSE.encode() in reply[:256]:
            self._transport.close()
        self._counter.stats.last = time.monotonic()

    def _end_request(self) -> None:
        if self._served is not None:
            self._served.sent, self._served = time.monotonic(), None


class _Counter:
    """`requests` are those of all connections; None if they are not listed."""

    def __init__(self, *, lists_requests: bool) -> None:
        self.stats = ServerStats()
        self.requests: list[ServedRequest] | None = [] if lists_requests else None
        self._cpu = time.process_time()

    def start_request(self) -> ServerStats:
        if not self.stats.requests:
            self.stats.first = time.monotonic()
        self.stats.requests += 1
        return self.stats

    def take(self) -> bytes:
        """Return the statistics as JSON and reset them."""
        stats, self.stats = self.stats, ServerStats()
        cpu, self._cpu = self._cpu, time.process_time()
        stats.busy_seconds = self._cpu - cpu
        return json.dumps(asdict(stats)).encode()

    def listed(self) -> bytes:
        """Return the requests as JSON, in the order in which they were received."""
        return json.dumps([asdict(request) for request in self.requests or ()]).encode()


def serve(handler: Handler, ports: int = 1, *, lists_requests: bool = False) -> None:
    """Listen on loopback on `ports` ports, which are as many hosts for a client."""
    asyncio.run(_serve(handler, ports, _Counter(lists_requests=lists_requests)))


async def _serve(handler: Handler, ports: int, counter: "_Counter") -> None:
    loop, tls = asyncio.get_running_loop(), _tls()
    starting: list[Awaitable[asyncio.Server]] = [
        loop.create_server(lambda: _Connection(handler, counter), "127.0.0.1", 0, backlog=1024, ssl=tls)
        for _ in range(ports)
    ]
    servers = [await server for server in starting]
    scheme = "https" if tls else "http"
    print(" ".join(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()


def _tls() -> ssl.SSLContext | None:
    if CERTIFICATE not in os.environ:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ[CERTIFICATE])
    return context


@contextmanager
def server(module: str, *arguments: object, certificate: Path | None = None) -> Iterator[list[str]]:
    """Start a server module in its own process and yield its addresses."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    env = {**os.environ, CERTIFICATE: str(certificate)} if certificate else None
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().split()
        finally:
            process.stdin.close()


_UNVERIFIED = ssl._create_unverified_context()


def take_stats(address: str) -> ServerStats:
    """Read and reset the statistics of a server."""
    with urlopen(address + STATS, timeout=10, context=_UNVERIFIED) as stats:
        return ServerStats(**json.load(stats))


def listed_requests(address: str) -> list[ServedRequest]:
    """Read the requests of a server that lists them, in the order in which they were received."""
    with urlopen(address + REQUESTS, timeout=60, context=_UNVERIFIED) as requests:
        return [ServedRequest(**request) for request in json.load(requests)]
