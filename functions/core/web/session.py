"""The `requests` session that every download shares: guarded, pooled, and deaf to its surroundings."""

import logging
import ssl
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import certifi
import requests
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from urllib3.connectionpool import HTTPConnectionPool

from functions.core.web.guard import Guard, GuardedPoolManager

VERSION = "0.1"

MOST_IDLE = 128
"""Connections that wait, to all hosts. Each has two file descriptors, of the 1,024 of a Lambda."""

HOSTS = 256
IDLE_PER_HOST = 32


def user_agent(contact: str) -> str:
    """Who asks, and whom to write to about it."""
    return f"image-mirror/{VERSION} (+{contact})" if contact else f"image-mirror/{VERSION}"


class GuardedAdapter(HTTPAdapter):
    """`requests`' adapter over guarded pools, its certificates read once and not once a connection."""

    def __init__(self, guard: Guard, *, ca_file: str) -> None:
        self._guard = guard
        self._ssl_context = ssl.create_default_context(cafile=ca_file)
        super().__init__(pool_connections=HOSTS, pool_maxsize=IDLE_PER_HOST)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: Any) -> None:
        self.poolmanager = GuardedPoolManager(
            guard=self._guard,
            ssl_context=self._ssl_context,
            most_idle=MOST_IDLE,
            num_pools=connections,
            maxsize=maxsize,
            block=block,
        )

    def get_connection_with_tls_context(self, request: PreparedRequest, *_: Any, **__: Any) -> HTTPConnectionPool:
        """By the URL alone: a proxy would connect where the guard does not look."""
        return cast(HTTPConnectionPool, self.poolmanager.connection_from_url(cast(str, request.url)))

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """Its path, since there is no proxy; two slashes at its beginning would stand for a host."""
        path = request.path_url
        return f"/{path.lstrip('/')}" if path.startswith("//") else path

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context has done it."""


class MirrorSession(requests.Session):
    """No environment, no cookies kept, no redirect followed: `requests` would read its whole body into memory."""

    def get_redirect_target(self, resp: Response) -> None:
        return None

    def ask(self, url: str, headers: Mapping[str, str], timeout: tuple[float, float]) -> Response:
        """A GET whose body is yet to be read. What a session does beside has no use here, and takes its time."""
        request = PreparedRequest()
        request.prepare_method("GET")
        request.prepare_url(url, None)
        request.prepare_headers(CaseInsensitiveDict(self.headers, **headers))
        if "@" in url:
            request.prepare_auth(None)
        return self.get_adapter(url).send(request, stream=True, timeout=timeout)


def make_session(guard: Guard, *, contact: str = "", ca_file: str | None = None) -> MirrorSession:
    """`ca_file` instead of certifi's certificates. Quiets urllib3's log, for its lines hold whole URLs."""
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    session = MirrorSession()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update(
        {"User-Agent": user_agent(contact), "Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}
    )
    session.adapters.clear()
    adapter = GuardedAdapter(guard, ca_file=ca_file or certifi.where())
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
