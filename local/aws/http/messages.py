"""HTTP/1.1 messages as bytes: the head of a request, its WSGI environment, and the response of an application.

`http.server` parses a head with the email package and writes a response in several packets. Both cost more than the
rest of a small PUT.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from werkzeug.serving import DechunkedInput

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HEADERS = "local.headers"
"""Key of the WSGI environment: the headers of the request by name in lower case, also those with an underscore."""

HEAD_END = b"\r\n\r\n"
VERSIONS = ("HTTP/1.0", "HTTP/1.1")
WITHOUT_PREFIX = ("CONTENT_TYPE", "CONTENT_LENGTH")
"""Headers whose key in the WSGI environment does not start with `HTTP_`."""

Headers = list[tuple[str, str]]


class Source(Protocol):
    """Bytes of a connection."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Head:
    """The request line as it was sent, and the headers by name in lower case; values of one name are joined by ','."""

    method: str
    target: str
    version: str
    headers: Mapping[str, str]

    def get(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def length(self) -> int:
        """Content-Length. Raises ValueError."""
        text = self.get("content-length")
        if text and not (text.isascii() and text.isdecimal()):
            raise ValueError(text)
        return int(text or 0)

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.get("transfer-encoding").lower()

    @property
    def expects_continue(self) -> bool:
        return self.get("expect").lower() == "100-continue"

    @property
    def closes(self) -> bool:
        """Whether the client wants the connection to be closed after the response."""
        connection = self.get("connection").lower()
        return connection == "close" or (self.version == "HTTP/1.0" and connection != "keep-alive")


def parse_head(content: bytes) -> Head:
    """Of the bytes before the empty line. Raises ValueError."""
    first, *lines = content.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if version not in VERSIONS:
        raise ValueError(version)
    headers: dict[str, str] = {}
    for line in lines:
        name, separator, value = line.partition(":")
        if not separator or not name or name[0] in " \t":
            raise ValueError(line)
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return Head(method, target, version, headers)


@lru_cache(maxsize=512)
def _key(name: str) -> str:
    """Of a header in the WSGI environment (PEP 3333); empty if WSGI cannot tell the name from another one."""
    key = name.upper().replace("-", "_")
    return "" if "_" in name else key if key in WITHOUT_PREFIX else f"HTTP_{key}"


def environment(head: Head, body: Body, host: str, port: int) -> WSGIEnvironment:
    """The WSGI environment of a request. `host` and `port` are those of this server.

    Headers with an underscore in the name are in HEADERS alone.
    """
    target = head.target
    named_host = ""
    if not target.startswith("/"):
        parts = urlsplit(target)  # a URL, as clients send it to a proxy
        named_host, target = parts.netloc, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path, _, query = target.partition("?")
    environ: WSGIEnvironment = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1") if "%" in path else path,
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "REMOTE_ADDR": host,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": head.version,
        HEADERS: head.headers,
    }
    for name, value in head.headers.items():
        if key := _key(name):
            environ[key] = value
    if named_host:
        environ["HTTP_HOST"] = named_host
    if head.is_chunked:
        environ["wsgi.input_terminated"] = True
        environ["CONTENT_LENGTH"] = str(body.left)
    return environ


class Body:
    """The body of a request: `length` bytes of a source."""

    def __init__(self, source: Source, length: int) -> None:
        self._source = source
        self.left = length

    @classmethod
    def dechunked(cls, source: Source) -> Body:
        """Reads the whole of a chunked body: no client sends a large one. Raises OSError."""
        content = BytesIO()
        reader = DechunkedInput(source)  # type: ignore[arg-type]  # it needs readline() and read() alone
        block = bytearray(1 << 16)
        while size := reader.readinto(block):
            content.write(block[:size])
        length = content.tell()
        content.seek(0)
        return cls(content, length)

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(self.left if size < 0 else min(size, self.left))
        self.left = self.left - len(data) if data else 0
        return data

    def readline(self, size: int = -1) -> bytes:
        line = self._source.readline(self.left if size < 0 else min(size, self.left))
        self.left = self.left - len(line) if line else 0
        return line

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")


@dataclass(slots=True)
class Response:
    """What an application has answered."""

    status: str = "500 Internal Server Error"
    headers: Headers | None = None
    chunks: Iterable[bytes] = ()

    def messages(self, method: str, *, closes: bool) -> Iterator[bytes]:
        """The bytes to send. A small response is one message: two would be two packets, and wake the client twice."""
        headers = self.headers or []
        has_length = any(name.lower() == "content-length" for name, _ in headers)
        is_streamed = has_length and not isinstance(self.chunks, list)
        first = b"" if is_streamed else _joined(self.chunks)
        lines = [f"HTTP/1.1 {self.status}\r\n", *(f"{name}: {value}\r\n" for name, value in headers)]
        if not has_length and int(self.status[:3]) not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            lines.append(f"Content-Length: {len(first)}\r\n")
        lines.append("Connection: close\r\n\r\n" if closes else "\r\n")
        head = "".join(lines).encode("latin-1")
        yield head if method == "HEAD" else head + first
        if is_streamed and method != "HEAD":
            yield from self.chunks


def refusal(status: HTTPStatus) -> bytes:
    """The response to a request that cannot be read. The connection is closed after it."""
    return f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def _joined(chunks: Iterable[bytes]) -> bytes:
    try:
        return b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
