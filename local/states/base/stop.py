"""A signal that reaches everything that was started below it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class Stop:
    def __init__(self) -> None:
        self.event = threading.Event()
        self._lock = threading.Lock()
        self._watchers: set[Callable[[], None]] = set()

    def __bool__(self) -> bool:
        return self.event.is_set()

    def set(self) -> None:
        with self._lock:
            self.event.set()
            watchers, self._watchers = self._watchers, set()
        for watcher in watchers:
            watcher()

    @contextlib.contextmanager
    def watched(self, watcher: Callable[[], None]) -> Iterator[None]:
        """Calls it once when the signal comes, at once if it came already; forgets it at the end."""
        with self._lock:
            late = self.event.is_set()
            if not late:
                self._watchers.add(watcher)
        if late:
            watcher()
        try:
            yield
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    @contextlib.contextmanager
    def below(self) -> Iterator[Stop]:
        """A signal of its own that also comes when this one does."""
        child = Stop()
        with self.watched(child.set):
            yield child
