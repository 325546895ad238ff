"""The Lambda functions of the stack and their sandboxes."""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from local.lambdas.asynchronous import EventQueue, OnFailure
from local.lambdas.concurrency import Concurrency
from local.lambdas.function import FunctionConfig, Target, function_name, qualified_name
from local.lambdas.memory import MemoryMonitor
from local.lambdas.sandbox import InvocationResult, Sandbox, SegmentSink

LogSink = Callable[[str, str, list[str]], None]
"""Receives a log group, a log stream and lines."""


class FunctionNotFoundError(Exception):
    """No function of that name is registered."""


class HostClosedError(Exception):
    """The host has been closed and accepts no invocation."""


class Pool:
    """The sandboxes of one function. AWS adds a sandbox for every concurrent invocation; here the invocations over the
    limit wait. The most recently used sandbox is used first, so that the others stay idle.
    """

    def __init__(self, limit: int, start: Callable[[], Sandbox]) -> None:
        self._limit = limit
        self._start = start
        self._changed = threading.Condition()
        self._idle: list[Sandbox] = []
        self._used: set[Sandbox] = set()
        self._outdated: set[Sandbox] = set()
        self._starting = 0
        self._closed = False

    @contextlib.contextmanager
    def sandbox(self) -> Iterator[Sandbox]:
        sandbox = self._acquire()
        try:
            yield sandbox
        finally:
            self._release(sandbox)

    def prewarm(self, count: int) -> None:
        """Start sandboxes until there are `count`, so that they load the handler before the first invocation."""
        with contextlib.suppress(HostClosedError):
            while self._reserve(count):
                self._release(self._start_new())

    def restart(self, start: Callable[[], Sandbox]) -> None:
        """Start other sandboxes for later invocations. Those that run end where they are."""
        with self._changed:
            self._start = start
            sandboxes, self._idle = self._idle, []
            self._outdated |= self._used
        for sandbox in sandboxes:
            sandbox.close()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            sandboxes = [*self._idle, *self._used]
            self._idle.clear()
            self._changed.notify_all()
        for sandbox in sandboxes:
            sandbox.close()

    def _acquire(self) -> Sandbox:
        """An idle sandbox that is still alive, else a new one."""
        while True:
            sandbox = self._acquire_idle()
            if sandbox is None:
                return self._start_new()
            if sandbox.alive:
                return sandbox
            self._release(sandbox)

    def _acquire_idle(self) -> Sandbox | None:
        """None tells the caller to start a sandbox; it already counts towards the limit."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._idle or self._count < self._limit)
            if self._closed:
                raise HostClosedError
            if not self._idle:
                self._starting += 1
                return None
            sandbox = self._idle.pop()
            self._used.add(sandbox)
            return sandbox

    def _reserve(self, count: int) -> bool:
        """Count one more sandbox, which the caller starts; False where there are enough or the pool is closed."""
        with self._changed:
            missing = not self._closed and self._count < min(count, self._limit)
            self._starting += missing
            return missing

    @property
    def _count(self) -> int:
        return len(self._used) + len(self._idle) + self._starting

    def _start_new(self) -> Sandbox:
        start = self._start
        try:
            sandbox = start()
        except BaseException:
            with self._changed:
                self._starting -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._starting -= 1
            self._used.add(sandbox)
            if start is not self._start:
                self._outdated.add(sandbox)
            if not self._closed:
                return sandbox
        self._release(sandbox)
        raise HostClosedError

    def _release(self, sandbox: Sandbox) -> None:
        with self._changed:
            self._used.discard(sandbox)
            keep = sandbox.alive and not self._closed and sandbox not in self._outdated
            self._outdated.discard(sandbox)
            if keep:
                self._idle.append(sandbox)
            self._changed.notify()
        if not keep:
            sandbox.close()


class FunctionHost:
    """Runs functions by name or ARN, with or without a version. `max_sandboxes` is the maximum number of sandboxes of
    each version of a function.

    `concurrency` is the account's, None without a limit. `on_failure` receives asynchronous invocations that failed.
    """

    def __init__(
        self,
        target: Target,
        logs: LogSink,
        max_sandboxes: int | None = None,
        traces: SegmentSink = lambda segment: None,
        *,
        concurrency: int | None = None,
        retry_seconds: float = 0.0,
        on_failure: OnFailure = lambda event, condition: None,
    ) -> None:
        self._target = target
        self._logs = logs
        self._traces = traces
        self.max_sandboxes = max_sandboxes or max(2, os.cpu_count() or 1)
        self._memory = MemoryMonitor()
        self._pools: dict[str, Pool] = {}
        self._concurrency = Concurrency(concurrency)
        self._events = EventQueue(self._invoke_event, on_failure, retry_seconds)
        self.functions: dict[str, FunctionConfig] = {}
        self._versions: dict[str, FunctionConfig] = {}

    def register(self, function: FunctionConfig) -> str:
        """Add a function, or change $LATEST of the one with the same name. Returns its ARN."""
        self.functions[function.name] = function
        self._concurrency.reserve(function.name, function.reserved_concurrency)
        pool = self._pools.get(function.name)
        if pool is None:
            self._add_pool(function)
        else:
            pool.restart(lambda: self._start(function))
        return self._target.arn(function.name)

    def publish(self, name: str, version: str) -> None:
        """Keep $LATEST of a function as a version. Later changes of the function do not change it."""
        function = self.functions[name].published(version)
        self._versions[function.qualified_name] = function
        self._add_pool(function)

    def delete_version(self, name: str, version: str) -> None:
        """Invocations of the version that run are killed; later ones raise FunctionNotFoundError."""
        del self._versions[f"{name}:{version}"]
        self._pools.pop(f"{name}:{version}").close()

    def newest(self) -> list[FunctionConfig]:
        """The newest published version of each function; $LATEST of a function that has none."""
        published = {each.name: each for each in self._versions.values()}  # in the order of publication
        return list((self.functions | published).values())

    def invoke(self, name_or_arn: str, payload: Any, *, tail: bool = False) -> InvocationResult:
        """Raises FunctionNotFoundError, ThrottledError, HostClosedError. A failure of the function is part of the
        result."""
        pool = self._pool(name_or_arn)
        with self._concurrency.invocation(function_name(name_or_arn)), pool.sandbox() as sandbox:
            return sandbox.invoke(payload, tail=tail)

    def invoke_later(self, name_or_arn: str, payload: Any) -> None:
        """Invoke asynchronously, as invocation type Event does: a failure is repeated.

        Raises FunctionNotFoundError, HostClosedError.
        """
        if not self._events.put(self._find(name_or_arn), payload):
            raise HostClosedError

    def account_concurrency(self) -> tuple[int, int]:
        """The account's concurrency, and what of it is not reserved."""
        return self._concurrency.account()

    def arn(self, name: str) -> str:
        return self._target.arn(name)

    def prewarm(self, name_or_arn: str, count: int = 1) -> None:
        """Start the first sandboxes of a function; an invocation waits until its sandbox has loaded the handler.

        Raises FunctionNotFoundError.
        """
        self._pool(name_or_arn).prewarm(count)

    def stop(self, name_or_arn: str) -> None:
        """Kill the sandboxes of all versions of a function. Later invocations raise HostClosedError."""
        for name, pool in list(self._pools.items()):
            if function_name(name) == function_name(name_or_arn):
                pool.close()

    def flush(self) -> None:
        """Return when every earlier asynchronous invocation has ended, its retries included."""
        self._events.flush()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._events.close()
        self._memory.close()

    def _invoke_event(self, function: FunctionConfig, payload: Any) -> InvocationResult | None:
        with contextlib.suppress(HostClosedError, FunctionNotFoundError):
            return self.invoke(function.qualified_name, payload)
        return None

    def _find(self, name_or_arn: str) -> FunctionConfig:
        name = qualified_name(name_or_arn)
        found = self.functions.get(name) or self._versions.get(name)
        if found is None:
            raise FunctionNotFoundError(f"Function not found: {self._target.arn(name)}")
        return found

    def _pool(self, name_or_arn: str) -> Pool:
        return self._pools[self._find(name_or_arn).qualified_name]

    def _add_pool(self, function: FunctionConfig) -> None:
        self._pools[function.qualified_name] = Pool(self.max_sandboxes, lambda: self._start(function))

    def _start(self, function: FunctionConfig) -> Sandbox:
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
        group = function.log_group_name
        return Sandbox(
            function, self._target, stream, lambda lines: self._logs(group, stream, lines), self._memory, self._traces
        )
