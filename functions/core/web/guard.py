"""Connections that only go to vetted addresses, enforced below redirects, pools and DNS.

urllib3 opens every socket in `HTTPConnection._new_conn`. This subclass resolves the name once, blocks the connection if
any of the addresses is blocked, and dials the very address that it vetted; TLS and the pool keep the name. A canary
test fails if an upgrade of urllib3 connects in another way.
"""

import socket
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.addresses import AddressPolicy
from functions.core.web.deadlines import SocketHandle, current_deadline
from functions.core.web.resolver import Resolver
from functions.core.web.target import TargetHeaders
from functions.core.web.transport import IdleConnections, PoolQueue, StrictResponse

CONNECT_SECONDS = 5.0
"""Timeout for resolving a name, and for each attempt to connect, in seconds."""

MAX_ADDRESSES = 3
"""Maximum number of addresses of a host that are tried, one after the other."""

SocketOptions: TypeAlias = Sequence[tuple[int, int, int | bytes]]


class ConnectionBlockedError(HTTPError):
    """Carries a RowError through urllib3, which passes its own exception types on unchanged and does not retry them."""

    def __init__(self, row_error: RowError) -> None:
        super().__init__(row_error.message)
        self.row_error = row_error


class Guard:
    """Opens the sockets of guarded connections. One instance serves all downloads of an execution environment."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._policy = policy
        self._resolver = resolver
        self._connect_seconds = connect_seconds

    def connect(self, host: str, port: int, options: SocketOptions | None = None) -> socket.socket:
        """A connected socket. Raises ConnectionBlockedError."""
        try:
            return self._dial(self._vetted_addresses(host, port), port, options)
        except RowError as error:
            raise ConnectionBlockedError(error) from error

    def _vetted_addresses(self, host: str, port: int) -> tuple[str, ...]:
        addresses = self._resolver.addresses(host.strip("[]"), self._timeout())
        for address in addresses:
            if why := self._policy.blocked_because(address, port):
                message = f"Connection blocked: {why}. Allow it with ALLOW= (allowed_networks)."
                raise RowError(Reason.BLOCKED_ADDRESS, message)
        return addresses[:MAX_ADDRESSES]

    def _dial(self, addresses: tuple[str, ...], port: int, options: SocketOptions | None) -> socket.socket:
        last_error = OSError("no address")
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(max(0.001, self._timeout()))
                for option in options or ():
                    sock.setsockopt(*option)
                sock.connect((address, port))
                return sock
            except OSError as error:
                sock.close()
                last_error = error
        if isinstance(last_error, TimeoutError):
            raise RowError(Reason.TIMEOUT, "Cannot connect to the host: connection timed out.") from last_error
        message = f"Cannot connect to the host: {(last_error.strerror or 'I/O error').lower()}."
        raise RowError(Reason.CONNECT, message, dropped=isinstance(last_error, ConnectionResetError)) from last_error

    def _timeout(self) -> float:
        deadline = current_deadline()
        return self._connect_seconds if deadline is None else min(self._connect_seconds, deadline.remaining)


class GuardedHTTPConnection(HTTPConnection):
    """Dials vetted addresses, and attaches each socket to the deadline of the download before any handshake."""

    guard: Guard
    response_class = StrictResponse

    # Any: urllib3 passes the arguments, and they are handed on unchanged.
    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guard = guard
        self._handle: SocketHandle | None = None

    def _new_conn(self) -> socket.socket:
        sock = self.guard.connect(self._dns_host, self.port, self.socket_options)
        sock.settimeout(self.timeout)
        self._handle = SocketHandle(sock)
        self._attach()
        return sock

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:  # a kept-alive connection
            self._attach()
        headers = kwargs.get("headers")
        super().request(method, headers.target if isinstance(headers, TargetHeaders) else url, *args, **kwargs)

    def close(self) -> None:
        super().close()
        self._handle = None

    def _attach(self) -> None:
        deadline = current_deadline()
        if deadline is not None and self._handle is not None:
            deadline.attach(self._handle)


class GuardedHTTPSConnection(GuardedHTTPConnection, HTTPSConnection):
    """The same over TLS."""


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
    """Opens guarded connections for http and https, and supports no other scheme.

    Keeps at most `max_idle` idle connections in all its pools.
    """

    def __init__(
        self, *, guard: Guard, ssl_context: ssl.SSLContext, max_idle: int, num_pools: int, maxsize: int, block: bool
    ) -> None:
        super().__init__(num_pools, maxsize=maxsize, block=block)
        idle = IdleConnections(max_idle)
        pools = {
            "http": partial(_GuardedHTTPPool, guard=guard, idle=idle),
            "https": partial(_GuardedHTTPSPool, guard=guard, idle=idle, ssl_context=ssl_context),
        }
        self.pool_classes_by_scheme = pools  # type: ignore[assignment]
