"""An S3 server on loopback. botocore recomputes the signature of each PUT, and both digests are verified."""

import base64
import hashlib
import io
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "eu-west-1"
CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/of+a session==")
COMPARED_HEADERS = (
    *("content-type", "content-length", "content-disposition", "if-match", "if-none-match", "host"),
    *("x-amz-checksum-sha256", "x-amz-content-sha256", "x-amz-security-token", "x-amz-storage-class"),
)


@dataclass(frozen=True)
class ReceivedPut:
    """A PUT as received; `connection` is the client's port."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def is_signed_put(self) -> bool:
        """True if it came over the fast path, False if boto3 sent it."""
        return not self.headers["user-agent"].startswith("Boto3")

    @property
    def compared_headers(self) -> dict[str, str]:
        return {n: v for n, v in self.headers.items() if n in COMPARED_HEADERS or n.startswith("x-amz-meta-")}


class Connection(BaseHTTPRequestHandler):
    """A connection to `S3`. It behaves as the server says for this PUT."""

    protocol_version = "HTTP/1.1"
    timeout = 20
    server: "S3"

    def do_PUT(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        behaviour = self.server.behaviour_for(headers, self.client_address[1])
        body = b"" if behaviour is reject_unread else self.rfile.read(int(headers["content-length"]))
        if len(headers) < len(self.headers):  # a header was sent twice
            self.respond(400)
            return
        put = ReceivedPut(self.path, headers, body, self.client_address[1])
        self.server.received.append(put)
        behaviour(self, put)

    def do_HEAD(self) -> None:
        stored = self.server.stored.get(self.path)
        if stored is None:
            return self.respond(404)
        metadata = {name: value for name, value in stored.headers.items() if name.startswith("x-amz-meta-")}
        modified = {"Last-Modified": formatdate(usegmt=True)}
        return self.respond(200, {"ETag": etag(stored.body), **modified, **metadata})

    def respond(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


Behaviour = Callable[[Connection, ReceivedPut], None]


def store(connection: Connection, put: ReceivedPut) -> None:
    if code := error_code_of(put):
        return error(403, code)(connection, put)
    existing = connection.server.stored.get(put.path)
    if "if-none-match" in put.headers and existing is not None:
        return error(412, "PreconditionFailed")(connection, put)
    if (expected := put.headers.get("if-match")) and existing is None:
        return error(404, "NoSuchKey")(connection, put)
    if expected and existing is not None and expected != etag(existing.body):
        return error(412, "PreconditionFailed")(connection, put)
    connection.server.stored[put.path] = put
    return connection.respond(200, {"ETag": etag(put.body)})


def etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def error_code_of(put: ReceivedPut) -> str:
    """S3's error code for a wrong signature or checksum, or empty."""
    digest = hashlib.sha256(put.body)
    if put.headers["x-amz-content-sha256"] not in (digest.hexdigest(), "UNSIGNED-PAYLOAD"):
        return "XAmzContentSHA256Mismatch"
    checksums = {
        "x-amz-checksum-sha256": digest.digest(),
        "x-amz-checksum-crc32": zlib.crc32(put.body).to_bytes(4, "big"),
    }
    sent = {name: base64.b64decode(put.headers[name]) for name in checksums if name in put.headers}
    if not sent or any(checksums[name] != checksum for name, checksum in sent.items()):
        return "BadDigest"
    return "" if put.headers["authorization"].endswith(f"Signature={signature(put)}") else "SignatureDoesNotMatch"


def signature(put: ReceivedPut) -> str:
    """The signature that botocore makes of the headers that the request lists as signed. All of S3's own must be."""
    signed = put.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {name for name in put.headers if name.startswith("x-amz-")} | {"host"} <= set(signed)
    headers = {name: put.headers[name] for name in signed}
    request = AWSRequest("PUT", f"http://{put.headers['host']}{put.path}", headers)
    request.context["timestamp"] = put.headers["x-amz-date"]
    auth = S3SigV4Auth(CREDENTIALS, "s3", REGION)
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))


def error(status: int, code: str, **headers: str) -> Behaviour:
    body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
    return lambda connection, _: connection.respond(status, headers, body)


def sends(data: bytes) -> Behaviour:
    """Sends these bytes and closes the connection."""

    def behave(connection: Connection, _: ReceivedPut) -> None:
        connection.wfile.write(data)
        connection.close_connection = True

    return behave


def reject_unread(connection: Connection, put: ReceivedPut) -> None:
    """Responds and closes the connection before the body is read."""
    error(503, "SlowDown")(connection, put)
    connection.close_connection = True


def stay_silent(connection: Connection, _: ReceivedPut) -> None:
    """Sends no response until the client closes the connection."""
    connection.rfile.read(1)
    connection.server.client_gave_up.set()
    connection.close_connection = True


def reset(connection: Connection, _: ReceivedPut) -> None:
    """Closes the connection by a TCP reset, without a response."""
    connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close_connection = True


def store_without_response(connection: Connection, put: ReceivedPut) -> None:
    """Stores the object, sends no response and closes the connection."""
    connection.wfile = io.BytesIO()
    store(connection, put)
    connection.close_connection = True


def store_and_close(connection: Connection, put: ReceivedPut) -> None:
    """Stores the object, responds and closes the connection, without announcing it."""
    store(connection, put)
    connection.close_connection = True


class S3(ThreadingHTTPServer):
    """Stores PUTs. `next_signed_puts` sets other behaviours for the next PUTs of the fast path, `always` for all.

    `broken_connections` sets the behaviour of connections by the client's port.
    """

    daemon_threads = False
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.received: list[ReceivedPut] = []
        self.stored: dict[str, ReceivedPut] = {}
        self.always: Behaviour | None = None
        self.closed_connections = threading.Semaphore(0)
        self.client_gave_up = threading.Event()
        self.broken_connections: dict[int, Behaviour] = {}
        self._next: list[Behaviour] = []
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def next_signed_puts(self, *behaviours: Behaviour) -> None:
        self._next.extend(behaviours)

    def behaviour_for(self, headers: Mapping[str, str], connection: int) -> Behaviour:
        if self.always is not None:
            return self.always
        if connection in self.broken_connections:
            return self.broken_connections[connection]
        return self._next.pop(0) if self._next and not headers["user-agent"].startswith("Boto3") else store

    @property
    def signed_puts(self) -> list[bool]:
        """For each PUT received: True if it came over the fast path, False if boto3 sent it."""
        return [put.is_signed_put for put in self.received]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)
        self.closed_connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may close connections at any time."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        for request in list(self._open):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()
