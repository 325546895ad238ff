"""A web site on loopback: tests set the response of each path, and requests are counted."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

from local.aws.http.server import Server


@dataclass(frozen=True)
class Answer:
    """`before` is called before the response is sent, for example to wait for an event.

    If its headers have an `ETag`, a request with that ETag in If-None-Match is answered with 304.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None


_used: set[str] = set()


def _server() -> Server:
    """A server with a port that no site has had: the functions remember the robots.txt and the limits of a host."""
    refused = []
    while (server := Server()).endpoint in _used:
        refused.append(server)
    _used.add(server.endpoint)
    for each in refused:
        each.stop()
    return server


class Site:
    """Serves from construction to `close`. The answers of a path are sent in turn, the last one repeatedly."""

    def __init__(self) -> None:
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._active: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}
        self.most_active: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        """Bytes of response bodies, by path."""
        self._server = _server()
        self.url = self._server.endpoint
        self._server.start(self._serve)

    def put(self, path: str, *answers: Answer | bytes) -> str:
        """Sets the answers of a path, one for each request, and returns its URL."""
        self._answers[path] = [answer if isinstance(answer, Answer) else Answer(answer) for answer in answers]
        return self.url + path

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        with self._lock:
            self.asked[path] += 1
            self.headers[path] = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
            self._active["all"] += 1
            self.most_active["all"] = max(self.most_active["all"], self._active["all"])
            answers = self._answers.get(path, [Answer(b"Not found", 404)])
            answer = answers[min(self.asked[path], len(answers)) - 1]
        try:
            answer.before()
        finally:
            with self._lock:
                self._active["all"] -= 1
        if "ETag" in answer.headers and environ.get("HTTP_IF_NONE_MATCH") == answer.headers["ETag"]:
            start_response("304 Not Modified", [("ETag", answer.headers["ETag"])])
            return [b""]
        with self._lock:
            self.sent[path] += len(answer.body)
        phrase = HTTPStatus(answer.status).phrase
        headers = {**answer.headers, "Content-Length": str(len(answer.body))}
        start_response(f"{answer.status} {phrase}", list(headers.items()))
        return [answer.body]

    def close(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
