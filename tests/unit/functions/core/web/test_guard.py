"""The sockets of guarded connections, seen after they were opened to a listener on loopback."""

import errno
import socket
from collections.abc import Iterator

import pytest

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.addresses import AddressPolicy
from functions.core.web.deadlines import Watchdog
from functions.core.web.guard import CONNECT_SECONDS, ConnectionBlockedError, Guard, GuardedHTTPConnection
from functions.core.web.resolver import Resolver
from tests.support.connects import recorded

WATCHDOG = Watchdog()
"""One for all tests: its thread never ends."""


class FixedResolver(Resolver):
    """Has the same addresses for each name, and keeps what it was asked for."""

    def __init__(self, *addresses: str) -> None:
        super().__init__(lambda name: addresses)
        self.asked: list[tuple[str, float]] = []

    def addresses(self, name: str, timeout: float) -> tuple[str, ...]:
        self.asked.append((name, timeout))
        return super().addresses(name, 5)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield server.getsockname()[1]


def make_guard(*addresses: str, connect_seconds: float = CONNECT_SECONDS) -> tuple[Guard, FixedResolver]:
    resolver = FixedResolver(*addresses)
    return Guard(AddressPolicy.parse("127.0.0.0/8,::1/128"), resolver, connect_seconds), resolver


def test_a_name_and_a_connection_have_five_seconds(port: int) -> None:
    guard, resolver = make_guard("127.0.0.1")

    with guard.connect("a.test", port) as sock:
        assert sock.gettimeout() == 5
    assert resolver.asked == [("a.test", 5)]


def test_a_name_and_a_connection_have_no_more_time_than_the_download(port: int) -> None:
    guard, resolver = make_guard("127.0.0.1")

    with WATCHDOG.deadline(2), guard.connect("a.test", port) as sock:
        assert 0 < (sock.gettimeout() or 0) <= 2
    assert 0 < resolver.asked[0][1] <= 2


def test_a_connection_has_a_millisecond_where_no_time_is_left(port: int) -> None:
    """A timeout of 0 would make the socket non-blocking."""
    guard, _ = make_guard("127.0.0.1", connect_seconds=0)

    with guard.connect("a.test", port) as sock:
        assert sock.gettimeout() == 0.001


def test_a_connected_socket_has_the_timeout_of_its_connection(port: int) -> None:
    guard, _ = make_guard("127.0.0.1")
    connection = GuardedHTTPConnection("a.test", port, timeout=7.5, guard=guard)

    with connection._new_conn() as sock:
        assert sock.gettimeout() == 7.5


def test_a_socket_has_the_options_of_its_connection(port: int) -> None:
    guard, _ = make_guard("127.0.0.1")
    keep_alive = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    with guard.connect("a.test", port, [keep_alive]) as sock, guard.connect("a.test", port) as other:
        assert sock.getsockopt(*keep_alive[:2]) != 0
        assert other.getsockopt(*keep_alive[:2]) == 0


def test_a_closed_connection_holds_its_socket_no_longer(port: int) -> None:
    guard, _ = make_guard("127.0.0.1")
    connection = GuardedHTTPConnection("a.test", port, guard=guard)
    connection.connect()
    assert connection._handle is not None

    connection.close()

    assert connection._handle is None
    assert connection.sock is None


def test_three_addresses_are_tried_in_their_order() -> None:
    addresses = ("127.0.0.9", "::1", "127.0.0.8", "127.0.0.7")
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    guard, resolver = make_guard(*addresses)

    with recorded() as recording, pytest.raises(ConnectionBlockedError) as raised:
        guard.connect("[a.test]", closed)

    assert recording.targets == [(address, closed) for address in addresses[:3]]
    assert [name for name, _ in resolver.asked] == ["a.test"]
    assert raised.value.row_error.reason is Reason.CONNECT


@pytest.mark.parametrize(
    ("error", "reason", "dropped"),
    [
        (TimeoutError(), Reason.TIMEOUT, False),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), Reason.CONNECT, False),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset"), Reason.CONNECT, True),
        (OSError(), Reason.CONNECT, False),
    ],
)
def test_a_failure_to_connect_has_its_reason(error: OSError, reason: Reason, dropped: bool) -> None:
    def fail(target: object) -> None:
        raise error

    guard, _ = make_guard("127.0.0.1")

    with recorded(fail), pytest.raises(ConnectionBlockedError) as raised:
        guard.connect("a.test", 80)

    assert isinstance(raised.value.row_error, RowError)
    assert (raised.value.row_error.reason, raised.value.row_error.dropped) == (reason, dropped)


def test_one_blocked_address_blocks_the_host() -> None:
    guard, _ = make_guard("127.0.0.1", "10.0.0.1")

    with recorded() as recording, pytest.raises(ConnectionBlockedError) as raised:
        guard.connect("a.test", 80)

    assert recording.targets == []
    assert raised.value.row_error.reason is Reason.BLOCKED_ADDRESS
