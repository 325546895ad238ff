"""A command as the machine sees it: wall time, CPU time, and peak memory of all its processes together."""

import resource
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MB = 1 << 20
MEMORY_SECONDS = 1.0
"""Time between two looks at the memory."""


@dataclass(frozen=True, slots=True)
class CommandUsage:
    """`rss_mb` counts a page once for each process, `pss_mb` once for all of them (0 where the system has no PSS)."""

    seconds: float
    cpu_seconds: float
    rss_mb: float
    pss_mb: float

    @property
    def memory_mb(self) -> float:
        return self.pss_mb or self.rss_mb


class CommandFailedError(Exception):
    """A command ended with an exit status other than 0. The message has the end of its output."""


def run_command(
    command: Sequence[str],
    *,
    folder: Path,
    variables: Mapping[str, str],
    tick: Callable[[], None] = lambda: None,
    tick_seconds: float = MEMORY_SECONDS,
) -> CommandUsage:
    """Run a command to its end; `tick` is called on another thread meanwhile. Raises CommandFailedError."""
    cpu_before, started = _children_cpu(), time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=dict(variables), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        sampler = _Sampler(process.pid, tick, tick_seconds)
        output, _ = process.communicate()
        seconds = time.monotonic() - started
        sampler.stop()
    if process.returncode:
        raise CommandFailedError(f"{command[0]} ended with exit status {process.returncode}: {output[-2000:]}")
    return CommandUsage(seconds, _children_cpu() - cpu_before, sampler.rss / MB, sampler.pss / MB)


class _Sampler:
    """Peaks of memory in bytes."""

    def __init__(self, pid: int, tick: Callable[[], None], tick_seconds: float) -> None:
        self.rss = self.pss = 0
        self._root = psutil.Process(pid)
        self._tick = tick
        self._tick_seconds = tick_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        next_memory = time.monotonic()
        while not self._stopped.wait(self._tick_seconds):
            self._tick()
            if time.monotonic() >= next_memory:
                next_memory = time.monotonic() + MEMORY_SECONDS
                self._measure()

    def _measure(self) -> None:
        rss = pss = 0
        for process in self._processes():
            try:
                memory = process.memory_full_info()
            except psutil.Error:  # it has exited
                continue
            rss += memory.rss
            pss += getattr(memory, "pss", 0)
        self.rss, self.pss = max(self.rss, rss), max(self.pss, pss)

    def _processes(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return []


def _children_cpu() -> float:
    """CPU time of the terminated children of this process, with theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
