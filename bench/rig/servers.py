"""Servers that are not the bottleneck: plain asyncio, each in a process of its own, nothing between socket and answer.

A server is a module with `answer`, started by `serve`. It prints its addresses, says at `/_seen` what it has seen since
it was last asked, and ends when its standard input does. Where BENCH_CERTIFICATE names a file with a key and its
certificate, it speaks TLS.
"""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.rig.chunked import chunked

SEEN = "/_seen"
CERTIFICATE = "BENCH_CERTIFICATE"
LAST = "Connection: close"
"""A header with which a connection ends."""


@dataclass(slots=True)
class Request:
    method: str
    path: str
    headers: bytes
    """As they came, for what is looked for in them is little."""
    body: bytes = b""

    def header(self, name: bytes) -> bytes:
        """Its value, empty where it is missing; `name` in lower case."""
        head = b"\r\n" + self.headers + b"\r\n"
        position = head.lower().find(b"\r\n" + name + b":")
        if position < 0:
            return b""
        begins = position + len(name) + 3
        return head[begins : head.index(b"\r\n", begins)].strip()


@dataclass(slots=True)
class Seen:
    """What a server was asked: `first` and `last` in seconds of the machine's monotonic clock."""

    requests: int = 0
    first: float = 0.0
    last: float = 0.0
    busy_seconds: float = 0.0
    """CPU time of the server."""
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by


Answer = Callable[[Request, Seen], "bytes | tuple[float, bytes]"]
"""The whole answer, head and body; with the seconds to wait before it."""


def answered(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, answer: Answer, counter: "_Counter") -> None:
        self._answer = answer
        self._counter = counter
        self._head = b""
        self._request: Request | None = None
        self._parts: list[bytes] = []
        self._missing = 0
        self._in_chunks = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while data:
            if self._request is None:
                data = self._begin(self._head + data)
            elif self._in_chunks:
                data = self._dechunk(data)
            else:
                piece, data = data[: self._missing], data[self._missing :]
                self._parts.append(piece)
                self._missing -= len(piece)
            if self._request is not None and not self._missing and not self._in_chunks:
                request, self._request = self._request, None
                request.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
                self._parts = []
                self._reply(request)

    def _begin(self, data: bytes) -> bytes:
        head, end, rest = data.partition(b"\r\n\r\n")
        self._head = b"" if end else data
        if not end:
            return b""
        line, _, headers = head.partition(b"\r\n")
        method, path, _ = line.decode().split(" ", 2)
        self._request = Request(method, path, headers)
        self._missing = int(self._request.header(b"content-length") or 0)
        self._in_chunks = self._request.header(b"transfer-encoding") == b"chunked"
        if self._request.header(b"expect"):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return rest

    def _dechunk(self, data: bytes) -> bytes:
        self._parts.append(data)
        if not data.endswith(b"\r\n"):  # nor can it be the end
            return b""
        found = chunked(b"".join(self._parts))
        if found is None:
            return b""
        content, _, rest = found
        self._parts, self._in_chunks = [content], False
        return rest

    def _reply(self, request: Request) -> None:
        if request.path == SEEN:
            self._transport.write(answered("200 OK", self._counter.told()))
            return
        found = self._answer(request, self._counter.begun())
        wait, reply = found if isinstance(found, tuple) else (0.0, found)
        if wait:
            asyncio.get_running_loop().call_later(wait, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: bytes) -> None:
        self._transport.write(reply)
        if LAST.encode() in reply[:256]:
            self._transport.close()
        self._counter.seen.last = time.monotonic()


class _Counter:
    def __init__(self) -> None:
        self.seen = Seen()
        self._cpu = time.process_time()

    def begun(self) -> Seen:
        if not self.seen.requests:
            self.seen.first = time.monotonic()
        self.seen.requests += 1
        return self.seen

    def told(self) -> bytes:
        told, self.seen = self.seen, Seen()
        cpu, self._cpu = self._cpu, time.process_time()
        told.busy_seconds = self._cpu - cpu
        return json.dumps(asdict(told)).encode()


def serve(answer: Answer, ports: int = 1) -> None:
    """On loopback, on so many ports: to a client they are as many hosts."""
    asyncio.run(_serve(answer, ports))


async def _serve(answer: Answer, ports: int) -> None:
    loop = asyncio.get_running_loop()
    counter, tls = _Counter(), _tls()
    made: list[Awaitable[asyncio.Server]] = [
        loop.create_server(lambda: _Connection(answer, counter), "127.0.0.1", 0, backlog=1024, ssl=tls)
        for _ in range(ports)
    ]
    servers = [await server for server in made]
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
    """The addresses of a server module in a process of its own."""
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


def seen(address: str) -> Seen:
    """What the server has seen since it was last asked."""
    with urlopen(address + SEEN, timeout=10, context=_UNVERIFIED) as answer:
        told: dict[str, Any] = json.load(answer)
    return Seen(**told)
