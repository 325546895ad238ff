"""Threads on a simulated clock: one of them runs at a time, and the clock moves when all of them wait.

    time = VirtualTime()
    with time.replacing("functions.core.download"):
        time.run(lambda: BatchMirror(...).run(...))

What the modules of a package use of `time`, `threading` and `concurrent.futures` is replaced, so that their own code
runs, in an order that is the same each time. Minutes of waiting take no time.
"""

import heapq
import inspect
import itertools
import sys
import threading
import time as system_time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple, Self

EPOCH = 1_800_000_000.0
"""What `time.time` returns at the start, in seconds."""


class DeadlockError(RuntimeError):
    """All threads wait, and none of them for a time."""


class _Thread:
    """A thread that runs when the clock has chosen it. `wake` says for which of its waits it may be woken."""

    def __init__(self, target: Callable[[], object]) -> None:
        self.go = threading.Semaphore(0)
        self.target = target
        self.wake = 0
        self.timed_out = False


class VirtualTime:
    """`now` is in seconds since the start."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ready: deque[_Thread] = deque()
        self._timers: list[tuple[float, int, _Thread, int]] = []
        self._numbers = itertools.count()
        self._back = threading.Semaphore(0)
        self._current: _Thread | None = None
        self._living = 0
        self._error: BaseException | None = None

    def run(self, target: Callable[[], object]) -> None:
        """Run a function and all that it starts. Raises the first exception of a thread, DeadlockError."""
        self.start(target)
        while self._living and self._error is None:
            if not self._ready and not self._advance():
                raise DeadlockError(f"{self._living} threads wait for each other at {self.now:.1f} s.")
            if self._ready:
                self._current = self._ready.popleft()
                self._current.go.release()
                self._back.acquire()
        if self._error is not None:
            raise self._error

    def start(self, target: Callable[[], object]) -> None:
        thread = _Thread(target)
        self._living += 1
        threading.Thread(target=self._run_thread, args=(thread,), name="virtual", daemon=True).start()
        self._ready.append(thread)

    def sleep(self, seconds: float) -> None:
        self.wait_for_wake(max(0.0, seconds))

    def wait_for_wake(self, seconds: float | None = None) -> bool:
        """The current thread waits until `wake`, at most so long. False if the time is over."""
        thread = self.current
        thread.wake += 1
        if seconds is not None:
            heapq.heappush(self._timers, (self.now + seconds, next(self._numbers), thread, thread.wake))
        self._back.release()
        thread.go.acquire()
        return not thread.timed_out

    def wake(self, thread: _Thread) -> None:
        """The thread, which waits, is ready to run."""
        thread.wake += 1
        thread.timed_out = False
        self._ready.append(thread)

    @property
    def current(self) -> _Thread:
        assert self._current is not None
        return self._current

    def clock(self) -> float:
        return self.now

    def _advance(self) -> bool:
        """Move the clock to the next time that a thread waits for. False if there is none."""
        while self._timers:
            time, _, thread, wake = heapq.heappop(self._timers)
            if thread.wake == wake:
                self.now = time
                thread.wake += 1
                thread.timed_out = True
                self._ready.append(thread)
                return True
        return False

    def _run_thread(self, thread: _Thread) -> None:
        thread.go.acquire()
        try:
            thread.target()
        except BaseException as error:
            self._error = self._error or error
        self._living -= 1
        self._back.release()

    @contextmanager
    def replacing(self, package: str) -> Iterator[None]:
        """Replace what the loaded modules of a package use of time and of threads."""
        modules = [module for name, module in sys.modules.items() if name == package or name.startswith(f"{package}.")]
        changes = [change for module in modules for change in _changes(module, self._replacements())]
        for owner, name, _, new in changes:
            setattr(owner, name, new)
        try:
            yield
        finally:
            for owner, name, old, _ in changes:
                setattr(owner, name, old)

    def _replacements(self) -> Sequence[tuple[object, object]]:
        """Objects of the standard library, and what takes their place."""
        epoch = lambda: EPOCH + self.now  # noqa: E731
        clocks = {system_time.monotonic: self.clock, system_time.perf_counter: self.clock, system_time.time: epoch}
        cpu = lambda: 0.0  # noqa: E731
        time = SimpleNamespace(
            time=epoch, monotonic=self.clock, perf_counter=self.clock, process_time=cpu, sleep=self.sleep
        )
        conditions = SimpleNamespace(
            Condition=lambda: Condition(self), Lock=threading.Lock, RLock=threading.RLock, Event=lambda: Event(self)
        )
        from concurrent import futures

        return (
            *clocks.items(),
            (system_time.process_time, cpu),
            (system_time.sleep, self.sleep),
            (system_time, time),
            (threading, conditions),
            (futures.ThreadPoolExecutor, lambda *_, **__: Executor(self)),
            (futures.wait, wait),
        )


def _changes(
    module: ModuleType, replacements: Sequence[tuple[object, object]]
) -> Iterator[tuple[object, str, object, object]]:
    """Owner, name, old and new value of what is replaced: in the module, and in the defaults of its functions."""

    def new(value: object) -> object:
        return next((mine for theirs, mine in replacements if theirs is value), value)

    functions = [value for value in vars(module).values() if inspect.isfunction(value)]
    for each in vars(module).values():
        if inspect.isclass(each) and each.__module__ == module.__name__:
            functions += [value for value in vars(each).values() if inspect.isfunction(value)]
    for name, value in list(vars(module).items()):
        if new(value) is not value:
            yield module, name, value, new(value)
    for function in functions:
        if function.__module__ == module.__name__:
            defaults, by_name = function.__defaults__ or (), function.__kwdefaults__ or {}
            yield function, "__defaults__", function.__defaults__, tuple(map(new, defaults)) or None
            yield function, "__kwdefaults__", function.__kwdefaults__, {n: new(v) for n, v in by_name.items()} or None


class Condition:
    """`threading.Condition`. Its lock is not needed: no other thread runs until this one waits."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._waiting: list[_Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait(self, timeout: float | None = None) -> bool:
        thread = self._time.current
        self._waiting.append(thread)
        is_notified = self._time.wait_for_wake(timeout)
        if not is_notified:
            self._waiting.remove(thread)
        return is_notified

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        end = None if timeout is None else self._time.now + timeout
        while not predicate():
            if not self.wait(None if end is None else end - self._time.now):
                return predicate()
        return True

    def notify(self, n: int = 1) -> None:
        chosen, self._waiting = self._waiting[:n], self._waiting[n:]
        for thread in chosen:
            self._time.wake(thread)

    def notify_all(self) -> None:
        self.notify(len(self._waiting))


class Event:
    """`threading.Event`."""

    def __init__(self, time: VirtualTime) -> None:
        self._changed = Condition(time)
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        return self._changed.wait_for(self.is_set, timeout)


class Future:
    """`concurrent.futures.Future`."""

    def __init__(self, time: VirtualTime) -> None:
        self.ended = Event(time)
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            self._result = function(*arguments)
        except Exception as error:
            self._error = error
        self.ended.set()

    def done(self) -> bool:
        return self.ended.is_set()

    def result(self, timeout: float | None = None) -> Any:
        if not self.ended.wait(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._result


class Executor:
    """`concurrent.futures.ThreadPoolExecutor` with a thread for each call."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._futures: list[Future] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for future in self._futures:
            future.ended.wait()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        future = Future(self._time)
        self._futures.append(future)
        self._time.start(lambda: future.run(function, *arguments))
        return future

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        futures = [self.submit(function, *arguments) for arguments in zip(*iterables, strict=False)]
        return (future.result() for future in futures)


class Waited(NamedTuple):
    done: set[Future]
    not_done: set[Future]


def wait(futures: Sequence[Future], timeout: float | None = None) -> Waited:
    """`concurrent.futures.wait` for one future or more."""
    for future in futures:
        future.ended.wait(timeout)
    done = {future for future in futures if future.done()}
    return Waited(done, set(futures) - done)
