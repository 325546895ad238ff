"""Durations of the phases of a batch, measured around the ports that `core` calls, so that `core` itself has no
telemetry."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ParamSpec, TypeVar, cast

T = TypeVar("T")
P = ParamSpec("P")


class Phase(StrEnum):
    LOOK_UP = "look up"
    DOWNLOAD = "download"
    STORE = "store"
    RECORD = "record"
    NOTIFY = "notify"


@dataclass(slots=True)
class Span:
    """The time from the start of the first call to the end of the last, of all threads, in seconds since the epoch.

    `milliseconds` are the durations of the calls that raised no exception.
    """

    started_at: float
    ended_at: float
    milliseconds: list[int] = field(default_factory=list)
    raised: int = 0

    @property
    def calls(self) -> int:
        return len(self.milliseconds) + self.raised


class Phases:
    """Spans of one batch, by phase. All threads of the batch measure into it."""

    def __init__(self) -> None:
        self._spans: dict[Phase, Span] = {}
        self._lock = threading.Lock()

    @property
    def spans(self) -> Mapping[Phase, Span]:
        return self._spans

    def milliseconds(self, phase: Phase) -> list[int]:
        span = self._spans.get(phase)
        return span.milliseconds if span else []

    def timed(self, port: T, **methods: Phase) -> T:
        """A stand-in for the port with these methods, measured, and no others."""
        return cast(T, _Timed({name: self._measured(phase, getattr(port, name)) for name, phase in methods.items()}))

    def _measured(self, phase: Phase, call: Callable[P, T]) -> Callable[P, T]:
        def measured(*args: P.args, **kwargs: P.kwargs) -> T:
            with self.measure(phase):
                return call(*args, **kwargs)

        return measured

    @contextmanager
    def measure(self, phase: Phase) -> Iterator[None]:
        started_at, start = time.time(), time.perf_counter()
        succeeded = False
        try:
            yield
            succeeded = True
        finally:
            self._add(phase, started_at, time.perf_counter() - start, succeeded)

    def _add(self, phase: Phase, started_at: float, seconds: float, succeeded: bool) -> None:
        with self._lock:
            span = self._spans.setdefault(phase, Span(started_at, started_at))
            span.started_at = min(span.started_at, started_at)
            span.ended_at = max(span.ended_at, started_at + seconds)
            if succeeded:
                span.milliseconds.append(round(seconds * 1000))
            else:
                span.raised += 1


class _Timed:
    def __init__(self, methods: Mapping[str, Callable[..., object]]) -> None:
        self.__dict__.update(methods)
