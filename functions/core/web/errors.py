"""Translation of exceptions and of HTTP statuses into RowErrors."""

import http.client
import math
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import requests
import urllib3.exceptions as urllib3_errors
from urllib3.util.retry import Retry

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.guard import ConnectionBlockedError

MAX_RETRY_AFTER_SECONDS = 365 * 24 * 3600
"""Maximum wait that is taken from Retry-After, in seconds: a year."""

_CONNECTION_LOST = "Connection lost before a response was received."
_INVALID_HTTP = "The response is not valid HTTP."


@dataclass(frozen=True, slots=True)
class _Cause:
    """A row of the table: exceptions of these types become a RowError. The message of a TLS error adds the reason."""

    types: tuple[type[BaseException], ...]
    reason: Reason
    message: str
    dropped: bool = False
    retryable: bool | None = None

    def row_error(self, chain: Sequence[BaseException]) -> RowError:
        message = self.message
        if self.reason is Reason.TLS:
            message = f"{message}: {_tls_reason(chain)}."
        return RowError(self.reason, message, dropped=self.dropped, retryable=self.retryable)


_CAUSES = (
    _Cause(
        (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError),
        Reason.CONNECT,
        "The server closed the TLS connection unexpectedly.",
        dropped=True,
    ),
    _Cause((ssl.SSLCertVerificationError,), Reason.TLS, "TLS handshake failed", retryable=False),
    _Cause(
        (TimeoutError, urllib3_errors.TimeoutError, requests.Timeout),
        Reason.TIMEOUT,
        "Read timed out: the server stopped sending data.",
    ),
    _Cause(
        (ssl.SSLError, requests.exceptions.SSLError, urllib3_errors.SSLError),
        Reason.TLS,
        "TLS handshake failed",
        retryable=False,
    ),
    _Cause(
        (requests.exceptions.InvalidURL, urllib3_errors.LocationValueError, http.client.InvalidURL),
        Reason.INVALID_URL,
        "The URL cannot be used in an HTTP request.",
    ),
    _Cause((ConnectionError,), Reason.CONNECT, _CONNECTION_LOST, dropped=True),
    _Cause((http.client.HTTPException,), Reason.CONNECT, _INVALID_HTTP),
    _Cause((OSError,), Reason.CONNECT, _CONNECTION_LOST, dropped=True),
)
"""The first row that matches any exception of the chain applies. The exceptions of `requests` are OSErrors, too."""


_VERIFY_REASONS: Mapping[int, str] = {
    2: "unknown issuer",
    9: "certificate not yet valid",
    10: "certificate expired",
    18: "self-signed certificate",
    19: "self-signed certificate in the chain",
    20: "unknown issuer, or the server does not send its intermediate certificate",
    21: "unknown issuer, or the server does not send its intermediate certificate",
    23: "certificate revoked",
    62: "certificate is for another host name",
    64: "certificate is for another IP address",
    66: "the key of the certificate is too weak",
    67: "the key of a CA certificate is too weak",
    68: "the signature of a certificate is too weak",
}
"""By OpenSSL's verification error (X509_V_ERR_*, docs.openssl.org/master/man3/X509_STORE_CTX_get_error)."""

_SSL_REASONS: Mapping[str, str] = {
    "HTTP_REQUEST": "the server does not use TLS on this port",
    "WRONG_VERSION_NUMBER": "the server does not use TLS on this port",
    "RECORD_LAYER_FAILURE": "the server does not use TLS on this port",
    "UNSUPPORTED_PROTOCOL": "no common TLS version, the server's is too old",
    "TLSV1_ALERT_PROTOCOL_VERSION": "no common TLS version, the server's is too old",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no common cipher or parameters",
    "TLSV1_UNRECOGNIZED_NAME": "the server does not know the host name",
    "TLSV1_ALERT_UNRECOGNIZED_NAME": "the server does not know the host name",
    "DH_KEY_TOO_SMALL": "the key exchange of the server is too weak",
}
"""By the `reason` of an ssl.SSLError; others are shown as OpenSSL names them."""


def _tls_reason(chain: Sequence[BaseException]) -> str:
    error = next((link for link in chain if isinstance(link, ssl.SSLError)), None)
    if isinstance(error, ssl.SSLCertVerificationError):
        code = getattr(error, "verify_code", 0)  # absent where Python code raises the exception
        return _VERIFY_REASONS.get(code, f"certificate verification failed (code {code})")
    name = error.reason if error else None
    if not isinstance(name, str) or not re.fullmatch(r"[A-Z0-9_]+", name):
        return "no details"
    return _SSL_REASONS.get(name, name.lower().replace("_", " "))


def row_error_from(error: BaseException) -> RowError:
    """The RowError for any exception that a request raised."""
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, ConnectionBlockedError):
            return link.row_error
        if isinstance(link, RowError):
            return link
    for cause in _CAUSES:
        if any(isinstance(link, cause.types) for link in chain):
            return cause.row_error(chain)
    return RowError(Reason.CONNECT, _INVALID_HTTP)


def is_before_request(error: BaseException) -> bool:
    """True if there was no connection over which a request could be sent."""
    return any(isinstance(link, ConnectionBlockedError | ssl.SSLError) for link in _chain(error))


def body_error_from(error: BaseException) -> RowError:
    """The RowError for any exception while a body is read: connection and TLS errors leave the body incomplete."""
    row_error = row_error_from(error)
    if row_error.reason in (Reason.CONNECT, Reason.TLS):
        return RowError(Reason.INCOMPLETE_BODY, "The connection was closed before the end of the body.", status=200)
    return row_error


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and its causes: requests wraps the exceptions of urllib3, which wraps those of the socket."""
    seen: set[int] = set()
    queue: list[object] = [error]
    while queue:
        link = queue.pop(0)
        if isinstance(link, BaseException) and id(link) not in seen:
            seen.add(id(link))
            yield link
            queue += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]


_BUSY_STATUSES = frozenset({408, 425, 429, 503})
_WITHOUT_IMAGE: Mapping[int, tuple[Reason, str]] = {
    204: (Reason.EMPTY_BODY, "The server responded with 204 No Content."),
    205: (Reason.EMPTY_BODY, "The server responded with 205 Reset Content."),
    206: (Reason.INCOMPLETE_BODY, "The server responded with 206 Partial Content to a request without Range."),
}


def error_for_status(status: int, headers: Mapping[str, str], host: str | None = None) -> RowError:
    """The RowError for a response of `host` other than 200 and than a redirect with a target."""
    if status in _WITHOUT_IMAGE:
        reason, message = _WITHOUT_IMAGE[status]
        return RowError(reason, message, status=status, retryable=False)
    description = f"The server responded with {_status_line(status)}"
    if status in _BUSY_STATUSES:
        wait = parse_retry_after(headers.get("Retry-After"))
        asked = "" if wait is None else f" It asked to wait for {math.ceil(wait)} seconds (Retry-After)."
        message = f"{description}: busy, or limiting requests.{asked}"
        return RowError(Reason.HTTP_BUSY, message, status=status, wait=wait, host=host)
    if 400 <= status < 500:
        return RowError(Reason.HTTP_4XX, f"{description}.", status=status)
    if 500 <= status < 600:
        return RowError(Reason.HTTP_5XX, f"{description}.", status=status)
    return RowError(Reason.NOT_AN_IMAGE, f"{description} instead of an image.", status=status)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


_RETRY_AFTER = Retry(retry_after_max=MAX_RETRY_AFTER_SECONDS)


def parse_retry_after(header: str | None) -> float | None:
    """Seconds to wait by `Retry-After` in both its forms (RFC 9110, section 10.2.3), 0 to MAX_RETRY_AFTER_SECONDS.

    None where the header is missing or invalid.
    """
    if header is None:
        return None
    try:
        return _RETRY_AFTER.parse_retry_after(header)
    except (urllib3_errors.InvalidHeader, TypeError, ValueError, IndexError, OverflowError):
        return None
