"""How long the phases of a batch took, measured where `core` calls its ports: `core` itself is left alone."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Phase(StrEnum):
    LOOK_UP = "look up"
    DOWNLOAD = "download"
    STORE = "store"
    RECORD = "record"
    NOTIFY = "notify"


@dataclass(slots=True)
class Span:
    """From the first call's begin to the last one's end, in seconds since the epoch, all threads together.

    `milliseconds` are those of calls that did not raise.
    """

    begun: float
    ended: float
    milliseconds: list[int] = field(default_factory=list)
    raised: int = 0

    @property
    def calls(self) -> int:
        return len(self.milliseconds) + self.raised


class Phases:
    """Of one batch; its threads measure into it, so that their work is told as the batch's."""

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
        """The port, with these methods measured, and without any other."""
        return cast(T, _Timed({name: self._around(phase, getattr(port, name)) for name, phase in methods.items()}))

    def _around(self, phase: Phase, call: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any, **named: Any) -> Any:
            with self.measure(phase):
                return call(*arguments, **named)

        return measured

    @contextmanager
    def measure(self, phase: Phase) -> Iterator[None]:
        begun, clock = time.time(), time.perf_counter()
        done = False
        try:
            yield
            done = True
        finally:
            self._add(phase, begun, time.perf_counter() - clock, done)

    def _add(self, phase: Phase, begun: float, seconds: float, done: bool) -> None:
        with self._lock:
            span = self._spans.setdefault(phase, Span(begun, begun))
            span.begun, span.ended = min(span.begun, begun), max(span.ended, begun + seconds)
            if done:
                span.milliseconds.append(round(seconds * 1000))
            else:
                span.raised += 1


class _Timed:
    def __init__(self, methods: Mapping[str, Callable[..., Any]]) -> None:
        self.__dict__.update(methods)
