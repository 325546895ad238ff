"""A stop signal that propagates to everything started below it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class StopSignal:
    """True once it is set. It cannot be reset."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: set[Callable[[], None]] = set()

    def __bool__(self) -> bool:
        return self.event.is_set()

    def set(self) -> None:
        with self._lock:
            self.event.set()
            callbacks, self._callbacks = self._callbacks, set()
        for callback in callbacks:
            callback()

    @contextlib.contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Registers a callback for the duration of the block. It runs once: when the signal is set, or now if it
        is set already."""
        with self._lock:
            already_set = self.event.is_set()
            if not already_set:
                self._callbacks.add(callback)
        if already_set:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.discard(callback)

    @contextlib.contextmanager
    def child(self) -> Iterator[StopSignal]:
        """A signal that can be set alone and is set together with this one."""
        signal = StopSignal()
        with self.calling(signal.set):
            yield signal
