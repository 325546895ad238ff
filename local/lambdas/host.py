"""The functions of the stack and their warm environments."""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

from local.lambdas.function import VERSION, FunctionConfig, Target
from local.lambdas.memory import MemoryWatch
from local.lambdas.sandbox import Answer, Environment, SegmentSink

EVENT_THREADS = 4
LogSink = Callable[[str, str, list[str]], None]  # log group, stream, lines


class FunctionNotFoundError(Exception):
    """No function of that name is registered."""


class HostClosedError(Exception):
    """The host ends: nothing is started any more."""


class Pool:
    """The environments of one function. AWS would start one more for every invocation; here the ones over
    the limit wait their turn. The environment that was used last is used first, so that the others stay idle.
    """

    def __init__(self, limit: int, start: Callable[[], Environment]) -> None:
        self._limit = limit
        self._start = start
        self._changed = threading.Condition()
        self._idle: list[Environment] = []
        self._used: set[Environment] = set()
        self._starting = 0
        self._closed = False

    @contextlib.contextmanager
    def environment(self) -> Iterator[Environment]:
        environment = self._take()
        try:
            yield environment
        finally:
            self._give_back(environment)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            ending = [*self._idle, *self._used]
            self._idle.clear()
            self._changed.notify_all()
        for environment in ending:
            environment.close()

    def _take(self) -> Environment:
        """A warm environment that is still alive, else a new one."""
        while True:
            environment = self._warm()
            if environment is None:
                return self._started()
            if environment.alive:
                return environment
            self._give_back(environment)

    def _warm(self) -> Environment | None:
        """None: the caller is to start one; its place is taken already."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._idle or self._count < self._limit)
            if self._closed:
                raise HostClosedError
            if not self._idle:
                self._starting += 1
                return None
            environment = self._idle.pop()
            self._used.add(environment)
            return environment

    @property
    def _count(self) -> int:
        return len(self._used) + len(self._idle) + self._starting

    def _started(self) -> Environment:
        try:
            environment = self._start()
        except BaseException:
            with self._changed:
                self._starting -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._starting -= 1
            self._used.add(environment)
            if not self._closed:
                return environment
        self._give_back(environment)
        raise HostClosedError

    def _give_back(self, environment: Environment) -> None:
        with self._changed:
            self._used.discard(environment)
            keep = environment.alive and not self._closed
            if keep:
                self._idle.append(environment)
            self._changed.notify()
        if not keep:
            environment.close()


class FunctionHost:
    """Runs functions by name or ARN. `environments` bounds those of each function at one time."""

    def __init__(
        self,
        place: Target,
        logs: LogSink,
        environments: int | None = None,
        traces: SegmentSink = lambda segment: None,
    ) -> None:
        self._place = place
        self._logs = logs
        self._traces = traces
        self.environments = environments or max(2, os.cpu_count() or 1)
        self._memory = MemoryWatch()
        self._pools: dict[str, Pool] = {}
        self._events = ThreadPoolExecutor(EVENT_THREADS, thread_name_prefix="event-invocation")
        self._under_way: set[Future[None]] = set()
        self.functions: dict[str, FunctionConfig] = {}

    def register(self, function: FunctionConfig) -> str:
        """Adds a function, or replaces the one of its name. Gives its ARN."""
        before = self._pools.get(function.name)
        self.functions[function.name] = function
        self._pools[function.name] = Pool(self.environments, lambda: self._start(function))
        if before is not None:
            before.close()
        return self._place.arn(function.name)

    def invoke(self, name_or_arn: str, payload: Any, *, tail: bool = False) -> Answer:
        """Raises `FunctionNotFoundError`, `HostClosedError`; what a function does wrong is in the answer."""
        with self._pool(name_or_arn).environment() as environment:
            return environment.invoke(payload, tail=tail)

    def invoke_later(self, name_or_arn: str, payload: Any) -> None:
        """Invocation type Event. AWS tries a failing one twice more, minutes apart; here it runs once.

        Raises `FunctionNotFoundError`, `HostClosedError`.
        """
        pool = self._pool(name_or_arn)
        try:
            under_way = self._events.submit(self._invoke_event, pool, payload)
        except RuntimeError as error:  # the executor has been shut down
            raise HostClosedError from error
        self._under_way.add(under_way)
        under_way.add_done_callback(self._under_way.discard)

    def flush(self) -> None:
        """Returns once every event taken before has been worked on."""
        wait(set(self._under_way))

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._events.shutdown(cancel_futures=True)
        self._memory.close()

    def _invoke_event(self, pool: Pool, payload: Any) -> None:
        with contextlib.suppress(HostClosedError), pool.environment() as environment:
            environment.invoke(payload)

    def _pool(self, name_or_arn: str) -> Pool:
        name = function_name(name_or_arn)
        if name not in self._pools:
            raise FunctionNotFoundError(f"Function not found: {self._place.arn(name)}")
        return self._pools[name]

    def _start(self, function: FunctionConfig) -> Environment:
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{VERSION}]{uuid.uuid4().hex}"
        group = function.log_group_name
        return Environment(
            function, self._place, stream, lambda lines: self._logs(group, stream, lines), self._memory, self._traces
        )


def function_name(name_or_arn: str) -> str:
    """`f`, `f:$LATEST`, `123456789012:function:f` and `arn:aws:lambda:…:function:f:1` are all `f`."""
    _, found, rest = name_or_arn.partition("function:")
    return (rest if found else name_or_arn).partition(":")[0]
