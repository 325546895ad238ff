"""Connections that go to vetted addresses alone, below redirects, pools and DNS.

urllib3 makes every socket in `HTTPConnection._new_conn`. Ours resolves once, refuses the name if any of its answers is
refused, and dials the very address it vetted; TLS and the pool keep the name. A canary test fails when an upgrade
finds another way to connect.
"""

import socket
import ssl
from functools import partial
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.addresses import AddressPolicy
from functions.core.web.deadlines import Handle, current_lease
from functions.core.web.head import StrictResponse
from functions.core.web.idle import IdleConnections, PoolQueue
from functions.core.web.resolver import Resolver

MAX_ADDRESSES = 3
"""Tried one after the other where the first does not answer."""


class ConnectionRefusedByUs(HTTPError):
    """Carries a RowError through urllib3, which passes its own kind of exception on untouched and unretried."""

    def __init__(self, fault: RowError) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Guard:
    """Opens sockets for the connections below. One for all downloads of an environment."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver, connect_seconds: float = 5.0) -> None:
        self._policy = policy
        self._resolver = resolver
        self._connect_seconds = connect_seconds

    def connect(self, host: str, port: int, options: Any = None) -> socket.socket:
        """A connected socket. Raises ConnectionRefusedByUs."""
        try:
            return self._dial(self._vetted(host, port), port, options)
        except RowError as fault:
            raise ConnectionRefusedByUs(fault) from fault

    def _vetted(self, host: str, port: int) -> tuple[str, ...]:
        addresses = self._resolver.addresses(host.strip("[]"), self._seconds())
        for address in addresses:
            if why := self._policy.refusal(address, port):
                raise RowError(Reason.BLOCKED_ADDRESS, f"The host's address {why}, so it was not asked.")
        return addresses[:MAX_ADDRESSES]

    def _dial(self, addresses: tuple[str, ...], port: int, options: Any) -> socket.socket:
        last: OSError = OSError("no address")
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(max(0.001, self._seconds()))
                for option in options or ():
                    sock.setsockopt(*option)
                sock.connect((address, port))
                return sock
            except OSError as error:
                sock.close()
                last = error
        if isinstance(last, TimeoutError):
            raise RowError(Reason.TIMEOUT, "The host did not accept a connection in time.") from last
        dropped = isinstance(last, ConnectionResetError)
        raise RowError(Reason.CONNECT, "The host refused the connection.", dropped=dropped) from last

    def _seconds(self) -> float:
        lease = current_lease()
        return self._connect_seconds if lease is None else min(self._connect_seconds, lease.left)


class GuardedHTTPConnection(HTTPConnection):
    """Dials vetted addresses, and shows the download's deadline every socket it uses, before any handshake."""

    guard: Guard
    response_class = StrictResponse

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guard = guard
        self._handle: Handle | None = None

    def _new_conn(self) -> socket.socket:
        sock = self.guard.connect(self._dns_host, self.port, self.socket_options)
        sock.settimeout(self.timeout)
        self._handle = Handle(sock)
        self._watch()
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:  # kept alive since another download
            self._watch()
        super().request(*args, **kwargs)

    def close(self) -> None:
        super().close()
        self._handle = None

    def _watch(self) -> None:
        lease = current_lease()
        if lease is not None and self._handle is not None:
            lease.watch(self._handle)


class GuardedHTTPSConnection(GuardedHTTPConnection, HTTPSConnection):
    """HTTPS likewise."""


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = GuardedHTTPConnection

    def __init__(self, *args: Any, idle: IdleConnections, **kwargs: Any) -> None:
        self._idle = idle
        super().__init__(*args, **kwargs)

    def _new_pool_queue(self, maxsize: int) -> PoolQueue:
        return PoolQueue(maxsize, self._idle)


class _GuardedHTTPSPool(_GuardedHTTPPool, HTTPSConnectionPool):
    ConnectionCls = GuardedHTTPSConnection


class GuardedPoolManager(PoolManager):
    """Makes guarded connections for both schemes, and knows no other; keeps at most `most_idle` of them for later."""

    def __init__(self, *, guard: Guard, ssl_context: ssl.SSLContext, most_idle: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        idle = IdleConnections(most_idle)
        pools = {
            "http": partial(_GuardedHTTPPool, guard=guard, idle=idle),
            "https": partial(_GuardedHTTPSPool, guard=guard, idle=idle, ssl_context=ssl_context),
        }
        self.pool_classes_by_scheme = pools  # type: ignore[assignment]
