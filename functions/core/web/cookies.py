"""The cookies of one chain of redirects: some servers redirect to the same URL until a cookie comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy

from requests.cookies import RequestsCookieJar, extract_cookies_to_jar, get_cookie_header
from requests.models import Response

from functions.core.web.target import connection_url, request_target

MAX_COOKIES = 50
"""Maximum number of cookies that a chain keeps, as many as RFC 6265 asks a browser to keep for a domain."""


@dataclass(slots=True)
class _Request:
    """The part of a request that the cookie jar reads."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)


class ChainCookies:
    """Cookies by the rules of RFC 6265 (domain, path, secure). They end with the chain: no other row is sent them."""

    def __init__(self) -> None:
        self._jar: RequestsCookieJar | None = None

    def store(self, response: Response, url: str) -> None:
        """Keep the cookies of a redirect from `url`."""
        if "Set-Cookie" not in response.headers:
            return
        jar = self._jar or RequestsCookieJar(
            DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)
        )
        extract_cookies_to_jar(jar, _request(url), response.raw)  # type: ignore[no-untyped-call]
        self._jar = jar if len(jar) <= MAX_COOKIES else None

    def added_to(self, headers: Mapping[str, str], url: str) -> Mapping[str, str]:
        """The headers of a request to `url` with the cookies for it, after those that the row has."""
        if self._jar is None:
            return headers
        cookies = get_cookie_header(self._jar, _request(url))  # type: ignore[no-untyped-call]
        if not cookies:
            return headers
        own = [value for name, value in headers.items() if name.lower() == "cookie"]
        others = {name: value for name, value in headers.items() if name.lower() != "cookie"}
        return {**others, "Cookie": "; ".join([*own, cookies])}


def _request(url: str) -> _Request:
    return _Request(connection_url(url).rstrip("/") + request_target(url))
