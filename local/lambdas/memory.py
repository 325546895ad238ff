"""Kills sandboxes that exceed their memory: it checks twenty times a second; Lambda's cgroup reacts at once."""

from __future__ import annotations

import threading
from typing import Protocol

import psutil

INTERVAL_SECONDS = 0.05


class MonitoredProcess(Protocol):
    @property
    def pid(self) -> int: ...

    @property
    def memory_bytes(self) -> int: ...

    def kill_out_of_memory(self) -> None: ...


class MemoryMonitor:
    """One thread for all sandboxes. It sleeps while no sandbox runs an invocation."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy: dict[int, MonitoredProcess] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="memory-monitor", daemon=True)
        self._thread.start()

    def add(self, process: MonitoredProcess) -> None:
        with self._changed:
            self._busy[process.pid] = process
            self._changed.notify()

    def remove(self, process: MonitoredProcess) -> None:
        with self._changed:
            self._busy.pop(process.pid, None)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (busy := self._next_round()) is not None:
            for process in busy:
                self._check(process)

    def _check(self, process: MonitoredProcess) -> None:
        """Hold the lock, so that a process that was just removed is not killed."""
        with self._changed:
            if process.pid in self._busy and _resident_bytes(process.pid) > process.memory_bytes:
                process.kill_out_of_memory()

    def _next_round(self) -> list[MonitoredProcess] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._busy or self._closed)
            self._changed.wait_for(lambda: self._closed, timeout=INTERVAL_SECONDS)
            return None if self._closed else list(self._busy.values())


def _resident_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # the process has exited
        return 0
