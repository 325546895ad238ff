"""Fetch one URL, or raise: redirects, deadline, status, opt-out and body.

Redirects are followed here, because `requests` would read the whole body of a redirect into memory.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from requests.models import Response

from functions.core.model.errors import RowError
from functions.core.model.limits import MAX_URL_BYTES
from functions.core.model.reasons import Reason
from functions.core.model.urls import absolute_url, host_of, length_in_bytes, origin_of
from functions.core.web.cookies import ChainCookies
from functions.core.web.deadlines import Deadline, Watchdog
from functions.core.web.errors import error_for_status, row_error_from
from functions.core.web.guard import CONNECT_SECONDS
from functions.core.web.response import Body, body_reader, receive, release, validator
from functions.core.web.session import MirrorSession
from functions.core.web.signals import OwnerSignals

READ_SECONDS = 15.0
"""Read timeout, in seconds without a byte; the whole download has a deadline of its own."""

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

_CONTENT_RANGE = re.compile(r"bytes[ =](\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII | re.IGNORECASE)
_NOT_ASCII = re.compile(r"[\x80-\xff]")

_EFFECTS_OF_DEADLINE = frozenset(
    {Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.INCOMPLETE_BODY, Reason.EMPTY_BODY, Reason.NOT_AN_IMAGE}
)
"""Reasons that a download may fail with when its deadline shuts the socket down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What to fetch, and the limits.

    `headers` are those of the run and the row, and are sent to the origin of `url` only; `validators` make the request
    conditional and are sent with redirects, too. Without `verify_tls`, any certificate is accepted. `check_url` is
    called with each URL before it is requested, `check_head` with the first bytes; they raise RowError to stop.
    `is_recognized` says of a body with a Content-Encoding whether it begins as a file that is not encoded. `signals`
    reads the headers of the last response. `timeout` is in seconds.
    """

    url: str
    timeout: float
    max_bytes: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    validators: Mapping[str, str] = field(default_factory=dict)
    user_agent: str = ""
    want_md5: bool = False
    max_redirects: int = 10
    verify_tls: bool = True
    signals: OwnerSignals = field(default_factory=OwnerSignals)
    check_head: Callable[[bytes], None] = lambda head: None
    is_recognized: Callable[[bytes], bool] = lambda head: False
    check_url: Callable[[str], None] = lambda url: None


@dataclass(frozen=True, slots=True)
class FetchResult:
    """A fetched image. The caller closes `body.file`. `final_url` is the URL after redirects, None without any.

    `announced` is true if the response said how long the body is, or where it ends, and all of it came.
    """

    body: Body
    announced: bool
    final_url: str | None
    etag: str | None
    last_modified: str | None


class NotModifiedError(Exception):
    """304 Not Modified to a conditional request: the stored image is current."""


class Fetcher:
    """Shared by the threads of an execution environment."""

    def __init__(self, session: MirrorSession, watchdog: Watchdog) -> None:
        self._session = session
        self._watchdog = watchdog

    def fetch(self, request: FetchRequest) -> FetchResult:
        """Fetch an image; a dropped connection is retried once. Raises RowError, and NotModifiedError on a 304."""
        with self._watchdog.deadline(request.timeout) as deadline:
            try:
                return self._attempt(request, deadline)
            except RowError as error:
                if not error.dropped or deadline.expired:
                    raise
            return self._attempt(request, deadline)

    def _attempt(self, request: FetchRequest, deadline: Deadline) -> FetchResult:
        try:
            result = self._follow_redirects(request, deadline)
        except NotModifiedError:
            raise
        except Exception as error:  # any exception that a server can cause in the libraries fails this row only
            row_error = row_error_from(error)
            if deadline.expired and row_error.reason in _EFFECTS_OF_DEADLINE:
                row_error = _deadline_expired(request)
            raise row_error from (error if row_error is not error else error.__cause__)
        if deadline.expired:
            result.body.file.close()  # without a Content-Length, a body that the deadline cuts off seems complete
            raise _deadline_expired(request)
        return result

    def _follow_redirects(self, request: FetchRequest, deadline: Deadline) -> FetchResult:
        url = request.url
        headers = request.headers
        cookies = ChainCookies()
        for _ in range(request.max_redirects + 1):
            request.check_url(url)
            response = self._send(url, cookies.added_to(headers, url), request, deadline)
            try:
                target = redirect_target(response, url)
                if target is None:
                    return self._accept(response, request, url)
                cookies.store(response, url)
            finally:
                release(response)
            headers = request.headers if origin_of(target) == origin_of(request.url) else {}
            url = target
        message = f"Too many redirects: more than max_redirects ({request.max_redirects})."
        raise RowError(Reason.TOO_MANY_REDIRECTS, message)

    def _send(self, url: str, headers: Mapping[str, str], request: FetchRequest, deadline: Deadline) -> Response:
        sent = {"User-Agent": request.user_agent} if request.user_agent else {}
        sent |= {**headers, **request.validators}
        timeout = (CONNECT_SECONDS, max(0.001, min(READ_SECONDS, deadline.remaining)))
        return self._session.get_streamed(url, sent, timeout, request.verify_tls)

    def _accept(self, response: Response, request: FetchRequest, url: str) -> FetchResult:
        if response.status_code == 304 and request.validators:
            request.signals.read_headers(response.raw.headers)
            raise NotModifiedError
        if not _has_whole_body(response):
            raise error_for_status(response.status_code, response.headers, host_of(url))
        request.signals.read_headers(response.raw.headers)
        request.signals.check()
        body = receive(
            body_reader(response, request.max_bytes),
            encoding=response.headers.get("Content-Encoding", ""),
            max_bytes=request.max_bytes,
            want_md5=request.want_md5,
            check_head=request.check_head,
            is_recognized=request.is_recognized,
        )
        return FetchResult(
            body=body,
            announced=response.raw.chunked or response.headers.get("Content-Length", "").isdigit(),
            final_url=url if url != request.url else None,
            etag=validator(response, "ETag"),
            last_modified=validator(response, "Last-Modified"),
        )


def _has_whole_body(response: Response) -> bool:
    """True for every 2xx status that comes with the whole content, also for a 206 with all of its bytes."""
    if response.status_code == 206:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return match is not None and int(match[1]) == 0 and int(match[2]) + 1 == int(match[3])
    return 200 <= response.status_code < 300 and response.status_code not in (204, 205)


def redirect_target(response: Response, url: str) -> str | None:
    """The URL that a redirect leads to, or None.

    Raises RowError(BLOCKED_ADDRESS) unless it is an HTTP or HTTPS URL, RowError(INVALID_URL) if it is too long.
    """
    location = response.headers.get("Location")
    if response.status_code not in REDIRECT_STATUSES or not location:
        return None
    try:
        location = location.encode("latin-1").decode()  # http.client decodes as Latin-1, servers send UTF-8
    except UnicodeError:
        location = _NOT_ASCII.sub(lambda byte: f"%{ord(byte[0]):02X}", location)  # the bytes as they came
    try:
        target = urljoin(url, location)
        if (size := length_in_bytes(target)) <= MAX_URL_BYTES:
            return absolute_url(target)
    except (RowError, ValueError) as error:
        message = "The server redirected to a URL that is not a valid HTTP or HTTPS URL."
        raise RowError(Reason.BLOCKED_ADDRESS, message, status=response.status_code) from error
    message = f"The server redirected to a URL of {size:,} bytes; at most {MAX_URL_BYTES:,} are possible."
    raise RowError(Reason.INVALID_URL, message, status=response.status_code)


def _deadline_expired(request: FetchRequest) -> RowError:
    return RowError(Reason.TIMEOUT, f"Download timed out: not complete within {request.timeout:g} seconds.")
