"""Idle connections: kept up to the maximum, and never more."""

import queue
import random
import threading
from collections.abc import Callable

import pytest
from urllib3.connection import HTTPConnection

from functions.core.web import session
from functions.core.web.transport import IdleConnections, PoolQueue
from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine
from tests.support import images
from tests.support.servers import Authority, Server, answer

GOOD = answer(body=images.jpeg())
HOSTS = 60

Make = Callable[..., Engine]


def urls_of(server: Server, hosts: int, times: int) -> list[str]:
    """One URL of each host in turn, several times."""
    return [server.url(f"/{turn}.jpg", f"host{host}.test") for turn in range(times) for host in range(hosts)]


def test_the_connection_of_a_host_is_used_again_after_those_of_many_others(serve: Serve, make_engine: Make) -> None:
    server = serve({f"/{turn}.jpg": GOOD for turn in range(3)})

    result = make_engine().mirror(*urls_of(server, HOSTS, 3), concurrency=1)

    assert len(result.stored) == 3 * HOSTS
    assert server.connections == HOSTS


def test_above_the_maximum_the_connection_idle_longest_is_closed(
    serve: Serve, make_engine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_IDLE_CONNECTIONS", 2)
    server = serve({"/0.jpg": GOOD})
    one, two, three = (server.url("/0.jpg", f"host{host}.test") for host in range(3))
    engine = make_engine()
    engine.mirror(one, two, three, concurrency=1)

    engine.mirror(three, two, concurrency=1)
    assert server.connections == 3
    engine.mirror(one, concurrency=1)
    assert server.connections == 4


@pytest.mark.parametrize("secure", [False, True])
def test_every_row_is_stored_with_very_few_idle_connections(
    serve: Serve, make_engine: Make, authority: Authority, monkeypatch: pytest.MonkeyPatch, secure: bool
) -> None:
    monkeypatch.setattr(session, "MAX_IDLE_CONNECTIONS", 3)
    seed = random.randrange(2**32)
    names = [f"host{host}.test" for host in range(12)]
    server = serve({f"/{n}.jpg": GOOD for n in range(400)}, tls=authority.context(*names) if secure else None)
    chance = random.Random(seed)
    urls = [server.url(f"/{n}.jpg", chance.choice(names)) for n in range(400)]

    result = make_engine().mirror(*urls, concurrency=24, per_host=8, rounds=1)

    assert result.failures == [], f"seed {seed}"


def connection() -> HTTPConnection:
    return HTTPConnection("127.0.0.1")


def test_a_connection_that_is_taken_is_not_closed_for_others() -> None:
    closed: list[HTTPConnection] = []
    idle = IdleConnections(1)
    pool_queue = PoolQueue(4, idle)
    first, *others = (connection() for _ in range(3))
    for each in (first, *others):
        each.close = lambda each=each: closed.append(each)  # type: ignore[method-assign,misc]
    pool_queue.put(first)
    assert pool_queue.get() is first

    for other in others:
        pool_queue.put(other)

    assert closed == others[:1]


def test_a_connection_that_its_full_pool_rejects_does_not_count_as_idle() -> None:
    idle = IdleConnections(3)
    full, other = PoolQueue(1, idle), PoolQueue(2, idle)
    oldest = connection()
    oldest.close = lambda: pytest.fail("closed for a connection that is not idle")  # type: ignore[method-assign]
    other.put(oldest)
    full.put(connection())
    with pytest.raises(queue.Full):
        full.put(connection(), block=False)

    other.put(connection())

    assert {other.get(), other.get()} >= {oldest}


def test_a_connection_that_is_being_closed_is_handed_out_only_when_it_is_closed() -> None:
    idle = IdleConnections(1)
    pool_queue = PoolQueue(4, idle)
    close_started, may_close, closed = threading.Event(), threading.Event(), threading.Event()
    slow = connection()

    def close() -> None:
        close_started.set()
        may_close.wait(5)
        closed.set()

    slow.close = close  # type: ignore[method-assign]
    pool_queue.put(slow)
    eviction = threading.Thread(target=idle.add, args=(connection(),))
    eviction.start()
    assert close_started.wait(5)
    threading.Timer(0.05, may_close.set).start()

    assert pool_queue.get() is slow
    assert closed.is_set()
    eviction.join(5)
