"""What an exception of requests, urllib3, ssl or http.client means for the row."""

import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests
import urllib3.exceptions as urllib3_errors

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.guard import ConnectionRefusedByUs


@dataclass(frozen=True, slots=True)
class _Cause:
    kinds: tuple[type[BaseException], ...]
    reason: Reason
    message: str
    dropped: bool = False
    retryable: bool | None = None

    def fault(self) -> RowError:
        return RowError(self.reason, self.message, dropped=self.dropped, retryable=self.retryable)


_CAUSES = (
    _Cause(
        (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError),
        Reason.CONNECT,
        "The server closed the connection in the middle of TLS.",
        dropped=True,
    ),
    _Cause(
        (ssl.SSLCertVerificationError,),
        Reason.TLS,
        "The server's certificate is not valid for its name.",
        retryable=False,
    ),
    _Cause(
        (TimeoutError, urllib3_errors.TimeoutError, requests.Timeout),
        Reason.TIMEOUT,
        "The server stopped sending.",
    ),
    _Cause(
        (ssl.SSLError, requests.exceptions.SSLError, urllib3_errors.SSLError),
        Reason.TLS,
        "No secure connection could be agreed on.",
        retryable=False,
    ),
    _Cause(
        (requests.exceptions.InvalidURL, urllib3_errors.LocationValueError, http.client.InvalidURL),
        Reason.INVALID_URL,
        "The URL cannot be asked for.",
    ),
    _Cause((ConnectionError,), Reason.CONNECT, "The connection broke before an answer came.", dropped=True),
    _Cause((http.client.HTTPException,), Reason.CONNECT, "The server's answer is not valid HTTP."),
    _Cause((OSError,), Reason.CONNECT, "The connection broke before an answer came.", dropped=True),
)
"""The first row that fits any link of the chain wins. `requests` counts its own exceptions as OSError."""


def fault_from(error: BaseException) -> RowError:
    """Of what came up while asking, whatever it is."""
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, ConnectionRefusedByUs):
            return link.fault
        if isinstance(link, RowError):
            return link
    for cause in _CAUSES:
        if any(isinstance(link, cause.kinds) for link in chain):
            return cause.fault()
    return RowError(Reason.CONNECT, "The server's answer is not valid HTTP.")


def body_fault(error: BaseException) -> RowError:
    """Of what came up while reading a body: a connection that breaks here, or its TLS, leaves the body incomplete."""
    fault = fault_from(error)
    if fault.reason in (Reason.CONNECT, Reason.TLS):
        return RowError(Reason.INCOMPLETE_BODY, "The body ended before it was complete.", status=200)
    return fault


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that caused it: requests wraps urllib3, which wraps the socket's own."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        link = todo.pop(0)
        if isinstance(link, BaseException) and id(link) not in seen:
            seen.add(id(link))
            yield link
            todo += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
