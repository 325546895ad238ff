"""Servers and engines for one test each, and the check that a test leaves no thread and no file open."""

import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.hostile.engine import Engine
from tests.support.connects import Recording, recorded
from tests.support.servers import Authority, Server

Serve = Callable[..., Server]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No thread is left but the watchdog, which never ends, and no more files are open than before."""
    before = set(threading.enumerate())
    files = _open_files()
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name != "watchdog":
            thread.join(5)
            assert not thread.is_alive(), f"{thread.name} was left running"
    if _open_files() > files:
        gc.collect()
    assert _open_files() <= files, "a file or socket was left open"


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


@pytest.fixture
def serve(nothing_is_left: None) -> Iterator[Serve]:
    """Start a `Server`, which is stopped at the end of the test."""
    with ExitStack() as servers:

        def start(*args: Any, **kwargs: Any) -> Server:
            return servers.enter_context(Server(*args, **kwargs))

        yield start


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def make_engine(serve: Serve, authority: Authority) -> Iterator[Callable[..., Engine]]:
    """Make an engine. It depends on `serve`, so that engines close their connections before the servers stop."""
    engines: list[Engine] = []

    def make(**kwargs: Any) -> Engine:
        engines.append(Engine(**{"ca_file": authority.file, **kwargs}))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    return make_engine()


@pytest.fixture
def connects() -> Iterator[Recording]:
    with recorded() as recording:
        yield recording
