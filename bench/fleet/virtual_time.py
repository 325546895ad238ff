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
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

from bench.fleet.virtual_threads import Condition, Event, Executor, Lock, wait

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
            Condition=lambda: Condition(self), Lock=lambda: Lock(self), Event=lambda: Event(self)
        )

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
