"""The classes of `threading` and `concurrent.futures` on a simulated clock: `bench.fleet.virtual_time`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, Self


class Clock(Protocol):
    """What the classes need of the simulated clock; its times are in seconds."""

    now: float

    @property
    def current(self) -> Any: ...  # Any: the thread, which is handed back as it is

    def start(self, target: Callable[[], object]) -> None: ...

    def wait_for_wake(self, seconds: float | None = None) -> bool: ...

    def wake(self, thread: Any) -> None: ...


class Condition:
    """`threading.Condition`. Its lock is not needed: no other thread runs until this one waits."""

    def __init__(self, time: Clock) -> None:
        self._time = time
        self._waiting: list[Any] = []

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


class Lock:
    """`threading.Lock`. It is needed where a thread waits while it has the lock."""

    def __init__(self, time: Clock) -> None:
        self._released = Condition(time)
        self._is_locked = False

    def __enter__(self) -> None:
        self._released.wait_for(lambda: not self._is_locked)
        self._is_locked = True

    def __exit__(self, *_: object) -> None:
        self._is_locked = False
        self._released.notify()


class Event:
    """`threading.Event`."""

    def __init__(self, time: Clock) -> None:
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

    def __init__(self, time: Clock) -> None:
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

    def __init__(self, time: Clock) -> None:
        self._time = time
        self._futures: list[Future] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def shutdown(self) -> None:
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
