"""An S3 over loopback that lets botocore recompute every signature from what has arrived, and checks both digests."""

import base64
import hashlib
import io
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "eu-west-1"
CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/of+a session==")
MATTERS = (
    *("content-type", "content-length", "content-disposition", "if-match", "if-none-match", "host"),
    *("x-amz-checksum-sha256", "x-amz-content-sha256", "x-amz-security-token", "x-amz-storage-class"),
)


@dataclass(frozen=True)
class Arrived:
    """A PUT as it came over the wire; `connection` is the client's port."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def quick(self) -> bool:
        return not self.headers["user-agent"].startswith("Boto3")

    @property
    def mattering(self) -> dict[str, str]:
        return {n: v for n, v in self.headers.items() if n in MATTERS or n.startswith("x-amz-meta-")}


class Behind(BaseHTTPRequestHandler):
    """A connection of `S3`, which does what the server is told to do next, or takes the object."""

    protocol_version = "HTTP/1.1"
    timeout = 20
    server: "S3"

    def do_PUT(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        behaviour = self.server.next_for(headers)
        body = b"" if behaviour is unread else self.rfile.read(int(headers["content-length"]))
        arrived = Arrived(self.path, headers, body, self.client_address[1])
        self.server.arrived.append(arrived)
        behaviour(self, arrived)

    def do_HEAD(self) -> None:
        kept = self.server.kept.get(self.path)
        if kept is None:
            return self.answer(404)
        metadata = {name: value for name, value in kept.headers.items() if name.startswith("x-amz-meta-")}
        return self.answer(200, {"ETag": etag(kept.body), **metadata})

    def answer(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


Behaviour = Callable[[Behind, Arrived], None]


def take(conversation: Behind, arrived: Arrived) -> None:
    if wrong := faults_of(arrived):
        return error(403, wrong)(conversation, arrived)
    before = conversation.server.kept.get(arrived.path)
    if "if-none-match" in arrived.headers and before is not None:
        return error(412, "PreconditionFailed")(conversation, arrived)
    if (wanted := arrived.headers.get("if-match")) and (before is None or wanted != etag(before.body)):
        return error(412, "PreconditionFailed")(conversation, arrived)
    conversation.server.kept[arrived.path] = arrived
    return conversation.answer(200, {"ETag": etag(arrived.body)})


def etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def faults_of(arrived: Arrived) -> str:
    """S3's word for what is wrong with a signature or a checksum, or nothing."""
    digest = hashlib.sha256(arrived.body)
    if arrived.headers["x-amz-content-sha256"] != digest.hexdigest():
        return "XAmzContentSHA256Mismatch"
    if arrived.headers["x-amz-checksum-sha256"] != base64.b64encode(digest.digest()).decode():
        return "BadDigest"
    return (
        "" if arrived.headers["authorization"].endswith(f"Signature={signature(arrived)}") else "SignatureDoesNotMatch"
    )


def signature(arrived: Arrived) -> str:
    """As botocore makes it, of the headers that the request says are signed: all of S3's own must be."""
    signed = arrived.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {name for name in arrived.headers if name.startswith("x-amz-")} | {"host"} <= set(signed)
    headers = {name: arrived.headers[name] for name in signed}
    request = AWSRequest("PUT", f"http://{arrived.headers['host']}{arrived.path}", headers)
    request.context["timestamp"] = arrived.headers["x-amz-date"]
    auth = S3SigV4Auth(CREDENTIALS, "s3", REGION)
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))


def error(status: int, code: str, **headers: str) -> Behaviour:
    body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
    return lambda conversation, _: conversation.answer(status, headers, body)


def says(data: bytes) -> Behaviour:
    """These bytes, then the end of the connection."""

    def behave(conversation: Behind, _: Arrived) -> None:
        conversation.wfile.write(data)
        conversation.close_connection = True

    return behave


def unread(conversation: Behind, arrived: Arrived) -> None:
    """An answer, and the end of the connection, while the body is still under way."""
    error(503, "SlowDown")(conversation, arrived)
    conversation.close_connection = True


def say_nothing(conversation: Behind, _: Arrived) -> None:
    """Until the client has left."""
    conversation.rfile.read(1)
    conversation.server.given_up.set()
    conversation.close_connection = True


def take_and_hang_up(conversation: Behind, arrived: Arrived) -> None:
    """Nobody hears what becomes of it."""
    conversation.wfile = io.BytesIO()
    take(conversation, arrived)
    conversation.close_connection = True


def take_then_leave(conversation: Behind, arrived: Arrived) -> None:
    """Takes it and answers; the client does not hear that the connection has no future."""
    take(conversation, arrived)
    conversation.close_connection = True


class S3(ThreadingHTTPServer):
    """`will` sets what becomes of the next quick PUTs, `always` of all. What neither speaks of is taken."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Behind)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.arrived: list[Arrived] = []
        self.kept: dict[str, Arrived] = {}
        self.always: Behaviour | None = None
        self.left = threading.Semaphore(0)
        self.given_up = threading.Event()
        self._next: list[Behaviour] = []
        self._live: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def will(self, *behaviours: Behaviour) -> None:
        self._next.extend(behaviours)

    def next_for(self, headers: Mapping[str, str]) -> Behaviour:
        if self.always is not None:
            return self.always
        return self._next.pop(0) if self._next and not headers["user-agent"].startswith("Boto3") else take

    @property
    def quick(self) -> list[bool]:
        return [arrived.quick for arrived in self.arrived]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._live.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._live.discard(request)
        super().shutdown_request(request)
        self.left.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may leave as they like."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        for request in list(self._live):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()
