"""The `requests` session that all downloads share: guarded connections, pools, and no settings from the environment."""

import logging
import ssl
from collections.abc import Mapping
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import cast

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from urllib3.connectionpool import HTTPConnectionPool

from functions.core.model.limits import MAX_IDLE_CONNECTIONS
from functions.core.web.guard import Guard, GuardedPoolManager
from functions.core.web.target import TargetHeaders, connection_url, request_target
from functions.version import VERSION

MAX_POOLS = 256
"""Maximum number of hosts with a connection pool."""

MAX_IDLE_PER_HOST = 32

UNVERIFIED = "unverified://"
"""Name of the adapter that accepts any certificate. No URL has this scheme."""


def user_agent(contact: str) -> str:
    """The User-Agent header: product, version and contact."""
    return f"image-mirror/{VERSION} (+{contact})" if contact else f"image-mirror/{VERSION}"


class GuardedAdapter(HTTPAdapter):
    """The adapter of `requests` with guarded pools. The CA certificates are read once, not once for each connection."""

    def __init__(self, guard: Guard, ssl_context: ssl.SSLContext) -> None:
        self._guard = guard
        self._ssl_context = ssl_context
        super().__init__(pool_connections=MAX_POOLS, pool_maxsize=MAX_IDLE_PER_HOST)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: object) -> None:
        self.poolmanager = GuardedPoolManager(
            guard=self._guard,
            ssl_context=self._ssl_context,
            max_idle=MAX_IDLE_CONNECTIONS,
            num_pools=connections,
            maxsize=maxsize,
            block=block,
        )

    def get_connection_with_tls_context(self, request: PreparedRequest, *_: object, **__: object) -> HTTPConnectionPool:
        """The pool by the URL alone: a connection through a proxy would bypass the guard."""
        return cast(HTTPConnectionPool, self.poolmanager.connection_from_url(cast(str, request.url)))

    def request_url(self, request: PreparedRequest, proxies: object) -> str:
        """The connection sends the target of TargetHeaders instead, which urllib3 does not rewrite."""
        return "/"

    def cert_verify(self, conn: object, url: str, verify: object, cert: object) -> None:
        """Do nothing: the SSL context verifies certificates."""


class MirrorSession(requests.Session):
    """Stores no cookies and follows no redirects: `requests` would read the whole body of a redirect into memory."""

    def __init__(self, guard: Guard, ca_file: str) -> None:
        super().__init__()
        self._guard = guard
        self._verified = GuardedAdapter(guard, _tls_context(ca_file))
        self.adapters.clear()
        self.mount("http://", self._verified)
        self.mount("https://", self._verified)

    def get_redirect_target(self, resp: Response) -> None:
        return None

    def get_streamed(
        self, url: str, headers: Mapping[str, str], timeout: tuple[float, float], verify_tls: bool = True
    ) -> Response:
        """Send a GET request without reading the body. It omits the steps of `Session.get` that are not needed here.

        `timeout` is for connecting and for each read, in seconds. Without `verify_tls`, any certificate is accepted.
        """
        request = PreparedRequest()
        request.prepare_method("GET")
        request.url = connection_url(url)
        all_headers = CaseInsensitiveDict(self.headers)
        all_headers.update(headers)  # no keyword arguments: a header may be called `data` or `self`
        request.prepare_headers(all_headers)
        request.headers = TargetHeaders(request.headers, request_target(url))
        if "@" in url and "Authorization" not in request.headers:
            request.prepare_auth(None)
        adapter = self._verified if verify_tls else self._unverified
        return adapter.send(request, stream=True, timeout=timeout)

    @cached_property
    def _unverified(self) -> GuardedAdapter:
        """Has connections of its own: one that was not verified must not serve a row that needs it."""
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        context = _tls_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        adapter = GuardedAdapter(self._guard, context)
        self.mount(UNVERIFIED, adapter)  # to be closed with the session
        return adapter


def _tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer. The default of Python is that of the system in some builds, as in Debian's."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def make_session(guard: Guard, *, contact: str = "", ca_file: str | None = None) -> MirrorSession:
    """A session with `ca_file` instead of certifi's certificates. Silences urllib3's log: its lines have whole URLs."""
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    session = MirrorSession(guard, ca_file or certifi.where())
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update(
        {"User-Agent": user_agent(contact), "Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}
    )
    return session
