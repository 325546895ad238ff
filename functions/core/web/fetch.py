"""Fetch one URL or raise: redirects, deadline, status, opt-out, body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from requests.models import Response

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.urls import origin_of
from functions.core.web.answers import reader, release, validator
from functions.core.web.body import Body, receive
from functions.core.web.causes import fault_from
from functions.core.web.deadlines import Lease, Watchdog
from functions.core.web.redirects import MAX_HOPS, target_of
from functions.core.web.robots import opted_out
from functions.core.web.session import MirrorSession
from functions.core.web.statuses import fault_of

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
"""Without a byte; the whole image has its own deadline."""

_LIKE_A_SHUT_SOCKET = frozenset(
    {Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.INCOMPLETE_BODY, Reason.EMPTY_BODY, Reason.NOT_AN_IMAGE}
)
"""What a download may look like that its deadline has cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What to fetch and within which bounds.

    `headers` are the row's own and stay with its origin; `validators` make the request conditional and go along.
    `check_head` sees the first bytes and raises RowError to stop early.
    """

    url: str
    timeout: float
    max_bytes: int
    headers: Mapping[str, str] = field(default_factory=dict)
    validators: Mapping[str, str] = field(default_factory=dict)
    user_agent: str = ""
    want_md5: bool = False
    respect_opt_out: bool = True
    check_head: Callable[[bytes], None] = lambda head: None


@dataclass(frozen=True, slots=True)
class FetchResult:
    """`body.file` is the caller's to close. `final_url` is where redirects led, None where there were none."""

    body: Body
    final_url: str | None
    etag: str | None
    last_modified: str | None


class NotModifiedError(Exception):
    """304 to a conditional request: what the table knows still holds."""


class Fetcher:
    """Shared by the threads of an environment."""

    def __init__(self, session: MirrorSession, watchdog: Watchdog) -> None:
        self._session = session
        self._watchdog = watchdog

    def fetch(self, wanted: FetchRequest) -> FetchResult:
        """Raises RowError, and NotModified where validators were sent. A dropped connection is tried again."""
        with self._watchdog.lease(wanted.timeout) as lease:
            try:
                return self._attempt(wanted, lease)
            except RowError as fault:
                if not fault.dropped or lease.expired:
                    raise
            return self._attempt(wanted, lease)

    def _attempt(self, wanted: FetchRequest, lease: Lease) -> FetchResult:
        try:
            fetched = self._follow(wanted, lease)
        except NotModifiedError:
            raise
        except Exception as error:  # whatever a server can make the stack below raise is this row's fault alone
            fault = fault_from(error)
            if lease.expired and fault.reason in _LIKE_A_SHUT_SOCKET:
                fault = _out_of_time(wanted)
            raise fault from (error if fault is not error else error.__cause__)
        if lease.expired:
            fetched.body.file.close()  # without a Content-Length, what the deadline cut off looks like an end
            raise _out_of_time(wanted)
        return fetched

    def _follow(self, wanted: FetchRequest, lease: Lease) -> FetchResult:
        url = wanted.url
        headers = dict(wanted.headers)
        for _ in range(MAX_HOPS + 1):
            response = self._ask(url, headers, wanted, lease)
            try:
                target = target_of(response, url)
                if target is None:
                    return self._accept(response, wanted, url)
            finally:
                release(response)
            if origin_of(target) != origin_of(url):
                headers = {}
            url = target
        raise RowError(Reason.TOO_MANY_REDIRECTS, f"The server redirected more than {MAX_HOPS} times.")

    def _ask(self, url: str, headers: Mapping[str, str], wanted: FetchRequest, lease: Lease) -> Response:
        sent = {**headers, **wanted.validators}
        if wanted.user_agent:
            sent["User-Agent"] = wanted.user_agent
        return self._session.ask(url, sent, (CONNECT_SECONDS, max(0.001, min(READ_SECONDS, lease.left))))

    def _accept(self, response: Response, wanted: FetchRequest, url: str) -> FetchResult:
        if response.status_code == 304 and wanted.validators:
            raise NotModifiedError
        if response.status_code != 200:
            raise fault_of(response.status_code, response.headers)
        if wanted.respect_opt_out and (directive := opted_out(response.raw.headers.getlist("X-Robots-Tag"))):
            raise RowError(Reason.OPT_OUT, f"The owner opts out of this use (X-Robots-Tag: {directive}).", status=200)
        body = receive(
            reader(response, wanted.max_bytes),
            encoding=response.headers.get("Content-Encoding", ""),
            max_bytes=wanted.max_bytes,
            want_md5=wanted.want_md5,
            check_head=wanted.check_head,
        )
        return FetchResult(
            body=body,
            final_url=url if url != wanted.url else None,
            etag=validator(response, "ETag"),
            last_modified=validator(response, "Last-Modified"),
        )


def _out_of_time(wanted: FetchRequest) -> RowError:
    return RowError(Reason.TIMEOUT, f"The server did not finish within {wanted.timeout:g} seconds.")
