"""Kills sandboxes that exceed their memory: it checks four times a second; Lambda's cgroup reacts at once."""

from __future__ import annotations

import threading
from typing import Protocol

import psutil

INTERVAL_SECONDS = 0.25
"""A function that allocates a gigabyte a second has exceeded its memory by a quarter of one when it is killed."""


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
        self._busy: dict[int, tuple[MonitoredProcess, psutil.Process | None]] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="memory-monitor", daemon=True)
        self._thread.start()

    def add(self, process: MonitoredProcess) -> None:
        system = _system_process(process.pid)
        with self._changed:
            self._busy[process.pid] = process, system
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
            for process, system in busy:
                self._check(process, system)

    def _check(self, process: MonitoredProcess, system: psutil.Process | None) -> None:
        """Hold the lock, so that a process that was just removed is not killed."""
        with self._changed:
            if process.pid in self._busy and _resident_bytes(system) > process.memory_bytes:
                process.kill_out_of_memory()

    def _next_round(self) -> list[tuple[MonitoredProcess, psutil.Process | None]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._busy or self._closed)
            self._changed.wait_for(lambda: self._closed, timeout=INTERVAL_SECONDS)
            return None if self._closed else list(self._busy.values())


def _system_process(pid: int) -> psutil.Process | None:
    """Kept for all checks of an invocation: creating it reads more of the system than the check itself."""
    try:
        return psutil.Process(pid)
    except psutil.Error:  # the process has exited
        return None


def _resident_bytes(system: psutil.Process | None) -> int:
    try:
        return int(system.memory_info().rss) if system else 0
    except psutil.Error:  # the process has exited
        return 0
