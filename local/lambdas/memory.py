"""Ends environments that outgrow their memory: twenty looks a second (Lambda's cgroup is quicker)."""

from __future__ import annotations

import threading
from typing import Protocol

import psutil

INTERVAL_SECONDS = 0.05


class Watched(Protocol):
    @property
    def pid(self) -> int: ...

    @property
    def memory_bytes(self) -> int: ...

    def end_for_memory(self) -> None: ...


class MemoryWatch:
    """One thread for all environments; it sleeps while none is busy."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy: dict[int, Watched] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="memory-watch", daemon=True)
        self._thread.start()

    def add(self, watched: Watched) -> None:
        with self._changed:
            self._busy[watched.pid] = watched
            self._changed.notify()

    def remove(self, watched: Watched) -> None:
        with self._changed:
            self._busy.pop(watched.pid, None)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (busy := self._next_round()) is not None:
            for watched in busy:
                self._look_at(watched)

    def _look_at(self, watched: Watched) -> None:
        """Under the lock, so that nothing is ended that was removed just now."""
        with self._changed:
            if watched.pid in self._busy and _resident(watched.pid) > watched.memory_bytes:
                watched.end_for_memory()

    def _next_round(self) -> list[Watched] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._busy or self._closed)
            self._changed.wait_for(lambda: self._closed, timeout=INTERVAL_SECONDS)
            return None if self._closed else list(self._busy.values())


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it ended meanwhile
        return 0
