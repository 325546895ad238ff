"""Connections that are kept for later: as long as there is room, and never more than that."""

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
    """Host after host, and from the first again."""
    return [server.url(f"/{turn}.jpg", f"host{host}.test") for turn in range(times) for host in range(hosts)]


def test_a_host_whose_turn_comes_again_after_many_others_is_asked_over_its_old_connection(
    serve: Serve, make_engine: Make
) -> None:
    server = serve({f"/{turn}.jpg": GOOD for turn in range(3)})

    made = make_engine().mirror(*urls_of(server, HOSTS, 3), concurrency=1)

    assert len(made.stored) == 3 * HOSTS
    assert server.connections == HOSTS


def test_the_one_that_waited_longest_is_closed_for_one_too_many(
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
def test_with_room_for_nearly_none_every_row_is_stored_whatever_its_turn(
    serve: Serve, make_engine: Make, authority: Authority, monkeypatch: pytest.MonkeyPatch, secure: bool
) -> None:
    monkeypatch.setattr(session, "MAX_IDLE_CONNECTIONS", 3)
    seed = random.randrange(2**32)
    names = [f"host{host}.test" for host in range(12)]
    server = serve({f"/{n}.jpg": GOOD for n in range(400)}, tls=authority.context(*names) if secure else None)
    chosen = random.Random(seed)
    urls = [server.url(f"/{n}.jpg", chosen.choice(names)) for n in range(400)]

    made = make_engine().mirror(*urls, concurrency=24, per_host=8, rounds=1)

    assert made.failures == [], f"seed {seed}"


def connection() -> HTTPConnection:
    return HTTPConnection("127.0.0.1")


def test_who_takes_a_connection_has_it_alone() -> None:
    closed: list[HTTPConnection] = []
    idle = IdleConnections(1)
    waiting = PoolQueue(4, idle)
    taken, *others = (connection() for _ in range(3))
    for each in (taken, *others):
        each.close = lambda each=each: closed.append(each)  # type: ignore[method-assign,misc]
    waiting.put(taken)
    assert waiting.get() is taken

    for other in others:
        waiting.put(other)

    assert closed == others[:1]


def test_a_connection_that_finds_no_place_in_its_pool_takes_none_among_those_that_wait() -> None:
    idle = IdleConnections(3)
    full, other = PoolQueue(1, idle), PoolQueue(2, idle)
    oldest = connection()
    oldest.close = lambda: pytest.fail("it was closed for one that does not wait")  # type: ignore[method-assign]
    other.put(oldest)
    full.put(connection())
    with pytest.raises(queue.Full):
        full.put(connection(), block=False)

    other.put(connection())

    assert {other.get(), other.get()} >= {oldest}


def test_a_connection_that_is_being_closed_is_not_handed_out_before_it_is() -> None:
    idle = IdleConnections(1)
    waiting = PoolQueue(4, idle)
    begun, go_on, closed = threading.Event(), threading.Event(), threading.Event()
    slow = connection()

    def close() -> None:
        begun.set()
        go_on.wait(5)
        closed.set()

    slow.close = close  # type: ignore[method-assign]
    waiting.put(slow)
    evicting = threading.Thread(target=idle.add, args=(connection(),))
    evicting.start()
    assert begun.wait(5)
    threading.Timer(0.05, go_on.set).start()

    assert waiting.get() is slow
    assert closed.is_set()
    evicting.join(5)
