"""What every contender is given and what it answers, with nothing but the standard library."""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

BUCKET = "images-bucket"

_UNIT = 1024 * 1024 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Job:
    """Mirror `urls` to BUCKET at `endpoint`. `options` are the contender's own."""

    endpoint: str
    urls: list[str]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the work alone, so far as the contender can tell it from its start. `rss_mb` is the peak of the largest
    process."""

    seconds: float
    cpu_seconds: float
    rss_mb: float


def contend(mirror: Callable[[Job], None], ready: Callable[[Job], object] = lambda job: None) -> None:
    """Reads the job, gets ready, does the work, prints the figures."""
    job = Job(**json.load(sys.stdin))
    ready(job)
    begun, cpu = time.perf_counter(), _cpu_seconds()
    mirror(job)
    figures = Figures(time.perf_counter() - begun, _cpu_seconds() - cpu, _peak_mb())
    print()
    print(json.dumps(asdict(figures)))


def _cpu_seconds() -> float:
    """Of this process and of those that it has ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_mb() -> float:
    """Linux keeps in ru_maxrss what the process had before it became this program: its parent's peak."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / _UNIT
    status = Path("/proc/self/status")
    if not status.exists():
        return max(children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _UNIT)
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return max(children, int(peak.split()[1]) / 1024)
