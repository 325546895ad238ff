"""A batch of shards is killed at each of its requests to S3 and DynamoDB, before and after it, and then repeated."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from functions.core.model.errors import StorageFault
from tests.support.images import png
from tests.support.shards import URLS, ShardWorld, kinds

MOMENTS = 12


class KilledError(BaseException):
    """The process of the batch has ended."""


class Process:
    """Ends with request number `last`: before it is sent, or when it was executed and before its answer is read."""

    def __init__(self, world: ShardWorld, last: int, *, executes: bool) -> None:
        self._last = last
        self._executes = executes
        self._number = 0
        self._lock = threading.Lock()
        for port in (world.store, world.table):
            for name in ("put_shard", "read_shard", "record", "look_up"):
                if hasattr(port, name):
                    setattr(port, name, self._limited(getattr(port, name)))

    def _limited(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def sending(*arguments: object) -> object:
            with self._lock:
                self._number += 1
                number = self._number
            if number < self._last:
                return send(*arguments)
            if number == self._last and self._executes:
                send(*arguments)
            raise KilledError

        return sending


def revive(world: ShardWorld) -> None:
    for port in (world.store, world.table):
        for name in ("put_shard", "read_shard", "record", "look_up"):
            port.__dict__.pop(name, None)


@pytest.mark.parametrize("table", [True, False], ids=["table", "no table"])
@pytest.mark.parametrize("executes", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("last", range(1, MOMENTS))
def test_a_batch_that_is_killed_at_a_request_ends_with_right_rows(last: int, executes: bool, table: bool) -> None:
    answers = {url: png(note=bytes(3000)) for url in URLS}
    world = ShardWorld(answers, 9_000, concurrency=2, table=table)
    items = [*URLS, URLS[2]]
    Process(world, last, executes=executes)
    with suppress(KilledError, StorageFault):  # a thread that waits for an upload learns that it has failed
        world.run(*items)
    revive(world)

    result = world.run(*items)

    assert kinds(result) == {**dict.fromkeys(range(1, 7), "stored"), 7: "duplicate"}
    assert set(world.table.rows) == (set(URLS) if table else set())
    world.check(result)


def test_a_batch_has_as_many_requests_as_moments() -> None:
    world = ShardWorld({url: png(note=bytes(3000)) for url in URLS}, 9_000)
    process = Process(world, MOMENTS, executes=True)

    world.run(*URLS)

    assert 5 <= process._number < MOMENTS
