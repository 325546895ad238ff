"""Servers that are not the bottleneck: plain asyncio, each in a process of its own, nothing between socket and answer.

A server is a module with `answer`, started by `serve`. It prints its addresses, says at `/_seen` what it has seen since
it was last asked, and ends when its standard input does.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.request import urlopen

SEEN = "/_seen"


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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while data:
            if self._request is None:
                data = self._begin(self._head + data)
            else:
                piece, data = data[: self._missing], data[self._missing :]
                self._parts.append(piece)
                self._missing -= len(piece)
            if self._request is not None and not self._missing:
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
        if self._request.header(b"expect"):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
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
    counter = _Counter()
    made: list[Awaitable[asyncio.Server]] = [
        loop.create_server(lambda: _Connection(answer, counter), "127.0.0.1", 0, backlog=1024) for _ in range(ports)
    ]
    servers = [await server for server in made]
    print(" ".join(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()


@contextmanager
def server(module: str, *arguments: object) -> Iterator[list[str]]:
    """The addresses of a server module in a process of its own."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().split()
        finally:
            process.stdin.close()


def seen(address: str) -> Seen:
    """What the server has seen since it was last asked."""
    with urlopen(address + SEEN, timeout=10) as answer:
        told: dict[str, Any] = json.load(answer)
    return Seen(**told)
