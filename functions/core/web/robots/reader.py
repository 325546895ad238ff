"""Reads the robots.txt of an origin, with the guard, the session and the deadlines of the downloads."""

from collections.abc import Mapping

from requests.models import Response

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.deadlines import Deadline, Watchdog
from functions.core.web.errors import is_before_request, parse_retry_after, row_error_from
from functions.core.web.fetch import READ_SECONDS, redirect_target
from functions.core.web.guard import CONNECT_SECONDS
from functions.core.web.response import receive_start, release
from functions.core.web.robots.known import NO_RULES
from functions.core.web.robots.rules import MAX_FILE_BYTES, RobotsRules
from functions.core.web.session import MirrorSession
from functions.core.web.signals import ROBOT_NAME

MAX_REDIRECTS = 5
"""After more redirects, there is no robots.txt (RFC 9309, section 2.3.1.2)."""

READ_FILE_SECONDS = 10.0
"""Maximum time for a robots.txt, in seconds."""


class RobotsReader:
    """Shared by the threads of an execution environment."""

    def __init__(self, session: MirrorSession, watchdog: Watchdog) -> None:
        self._session = session
        self._watchdog = watchdog

    def read(self, origin: str, *, seconds: float, user_agent: str = "", verify_tls: bool = True) -> RobotsRules:
        """The rules for this program; none if the server has no robots.txt. A dropped connection is retried once.

        Raises RowError, whose reason is ROBOTS if the server does not answer the request: then it is not known what may
        be downloaded. If there is no connection to it, the error is that of a download.
        """
        headers = {"Accept": "text/plain,*/*;q=0.5"} | ({"User-Agent": user_agent} if user_agent else {})
        with self._watchdog.deadline(min(seconds, READ_FILE_SECONDS)) as deadline:
            try:
                return self._attempt(origin, headers, verify_tls, deadline)
            except RowError as error:
                if not error.dropped or deadline.expired:
                    raise
            return self._attempt(origin, headers, verify_tls, deadline)

    def _attempt(self, origin: str, headers: Mapping[str, str], verify_tls: bool, deadline: Deadline) -> RobotsRules:
        url = f"{origin}/robots.txt"
        try:
            for _ in range(MAX_REDIRECTS + 1):
                timeout = (CONNECT_SECONDS, max(0.001, min(READ_SECONDS, deadline.remaining)))
                response = self._session.get_streamed(url, headers, timeout, verify_tls)
                try:
                    target = _target(response, url)
                    if target is None:
                        return _rules(response, deadline)
                finally:
                    release(response)
                url = target
        except Exception as error:  # any exception that a server can cause in the libraries
            raise _unreadable(origin, error, deadline, is_redirected=url != f"{origin}/robots.txt") from error
        return NO_RULES


def _target(response: Response, url: str) -> str | None:
    """The target of a redirect; None if it is not a URL: then there is no robots.txt."""
    try:
        return redirect_target(response, url)
    except RowError:
        return None


def _rules(response: Response, deadline: Deadline) -> RobotsRules:
    status = response.status_code
    if status == 429 or status >= 500:
        wait = parse_retry_after(response.headers.get("Retry-After"))
        raise RowError(Reason.ROBOTS, f"The server responded with {status}.", wait=wait)
    if not 200 <= status < 300:
        return NO_RULES
    file = receive_start(response, MAX_FILE_BYTES + len(b"\xef\xbb\xbf") + 1, _is_text)
    if deadline.expired:  # without a Content-Length, a file that the deadline cuts off seems complete
        raise RowError(Reason.ROBOTS, "")
    return RobotsRules.parse(file, ROBOT_NAME)


def _is_text(head: bytes) -> bool:
    """A file that is not compressed, although its Content-Encoding may say so."""
    return not any(octet < ord("\t") for octet in head)


def _unreadable(origin: str, error: Exception, deadline: Deadline, *, is_redirected: bool) -> RowError:
    cause = row_error_from(error)
    is_download_error = is_before_request(error) or cause.reason is Reason.INVALID_URL
    if is_download_error and not is_redirected:
        return cause
    is_late = deadline.expired or cause.reason is Reason.TIMEOUT
    why = "It was not complete in time." if is_late else cause.message
    message = f"{origin}/robots.txt cannot be read: {why}"
    message += " Until it can, nothing is downloaded from there; robots=ignore does not read it."
    return RowError(Reason.ROBOTS, message, wait=cause.wait, retryable=True, dropped=cause.dropped)
