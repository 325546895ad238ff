"""The check of every request to the console, and the security headers of every answer.

A browser sends requests of any web page to loopback, and every user of this machine can connect to it. So a request
must name this server in `Host` (DNS rebinding gives another name the address 127.0.0.1), must not come from a page of
another origin (`Origin`, `Sec-Fetch-Site`), and must have the cookie of the session, which only the address that the
terminal shows sets. A request that changes something must also have the token of the form.
"""

import hmac
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

READ_METHODS = ("GET", "HEAD")
OWN_PAGES = ("same-origin", "none")
"""Values of Sec-Fetch-Site: a page of the console, or the user, who opens an address."""

SESSION = "session"
"""The parameter of the address that begins a session."""

SELF = "'self'"
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src {SELF}" for kind in ("script", "style", "connect", "frame")),
        f"img-src {SELF} data:",
        f"form-action {SELF}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
FILE_POLICY = "default-src 'none'; frame-ancestors 'self'; sandbox"
"""Of images and files: nothing in them is loaded or run. A link of the report opens them in its frame."""

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-downloads"
)
"""Of the report in its frame. `allow-same-origin` lets it load the images of the console; no script runs in it."""

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": PAGE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",  # with no-referrer, forms would be sent with the Origin `null`
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
)


class Guard:
    """`host` is the address and the port of the server. The secrets are new in each process."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._session = secrets.token_urlsafe(32)
        self._cookie = f"image-mirror-{host.rpartition(':')[2]}"  # cookies do not belong to a port
        self.form_token = secrets.token_urlsafe(32)

    @property
    def address(self) -> str:
        """The address that begins a session."""
        return f"http://{self._host}/?{SESSION}={self._session}"

    def answer(self, request: Request) -> Response | None:
        """The answer to a request that is refused, or that begins a session; None for one that the console answers."""
        if request.headers.get("Host") != self._host:
            return _refusal(f"The Host header is not the name of this server. Use http://{self._host}/")
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
        if origin not in (None, f"http://{self._host}") or site not in OWN_PAGES:
            return _refusal("The console answers no requests of other web pages. Open its address in a new window.")
        if request.method in READ_METHODS and SESSION in request.args:
            return self._begin_session(request)
        if not _equal(request.cookies.get(self._cookie, ""), self._session):
            return _refusal("Open the address that the terminal shows, with its `?session=`: it starts your session.")
        if request.method not in READ_METHODS and not _equal(request.form.get("token", ""), self.form_token):
            return _refusal("This form is from a console that has stopped. Load its page again.")
        return None

    def _begin_session(self, request: Request) -> Response:
        if not _equal(request.args[SESSION], self._session):
            return _refusal(
                "This address is from a console that has stopped. Open the address that the terminal shows now."
            )
        rest = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != SESSION])
        response = Response(status=HTTPStatus.SEE_OTHER)
        response.headers["Location"] = request.path + (f"?{rest}" if rest else "")
        response.set_cookie(self._cookie, self._session, httponly=True, samesite="Strict")
        return response


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _refusal(message: str) -> Response:
    return Response(f"{message}\n", HTTPStatus.FORBIDDEN, content_type="text/plain; charset=utf-8")
