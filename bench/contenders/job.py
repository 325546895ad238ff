"""The job that every contender receives and the usage that it reports. Only the standard library is imported here."""

import json
import os
import resource
import stat
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypedDict

BUCKET = "images-bucket"

DISK_SECONDS = 0.02
"""Time between two looks at the temporary files, in seconds."""

_RU_MAXRSS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024
"""The unit of `ru_maxrss` is bytes on macOS and KiB on Linux."""


class JobOptions(TypedDict, total=False):
    """Options of a contender: `bucket` of the pool, and options of a run of download_batch. `watch_disk` measures the
    temporary files, which takes CPU time."""

    bucket: str
    concurrency: int
    robots: Literal["obey", "record", "ignore"]
    output: Literal["objects", "shards"]
    table: bool
    watch_disk: bool


@dataclass(frozen=True, slots=True)
class Job:
    """Mirror `urls` into BUCKET of the S3 endpoint `endpoint`."""

    endpoint: str
    urls: list[str]
    options: JobOptions = field(default_factory=JobOptions)


@dataclass(frozen=True, slots=True)
class Usage:
    """Resources used for the job, without the start-up of the contender where it can separate the two.

    `rss_mb` is the peak of the largest process, `disk_mb` that of its temporary files if they were watched.
    """

    seconds: float
    cpu_seconds: float
    rss_mb: float
    disk_mb: float = 0.0


def run_contender(mirror: Callable[[Job], None], prepare: Callable[[Job], object] = lambda job: None) -> None:
    """Read the job, prepare, do the job, and print the usage as JSON."""
    job = Job(**json.load(sys.stdin))
    prepare(job)
    started, cpu_at_start = time.perf_counter(), _cpu_seconds()
    with _WatchedDisk(job.options.get("watch_disk", False)) as disk:
        mirror(job)
    usage = Usage(time.perf_counter() - started, _cpu_seconds() - cpu_at_start, peak_mb(), disk.peak_mb)
    print()
    print(json.dumps(asdict(usage)))


class _WatchedDisk:
    """The largest total size of the temporary files of this process, which have no name. On Linux only."""

    def __init__(self, is_watched: bool) -> None:
        self.peak_mb = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch) if is_watched else None

    def __enter__(self) -> "_WatchedDisk":
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(DISK_SECONDS):
            self.peak_mb = max(self.peak_mb, sum(map(_unnamed_bytes, os.listdir("/proc/self/fd"))) / 1e6)


def _unnamed_bytes(descriptor: str) -> int:
    with suppress(OSError):
        found = os.fstat(int(descriptor))
        if stat.S_ISREG(found.st_mode) and not found.st_nlink:
            return found.st_size
    return 0


def read_usage(output: str) -> Usage:
    """Parse the output of a contender: the usage is its last line."""
    values: Mapping[str, float] = json.loads(output.splitlines()[-1])
    return Usage(**values)


def _cpu_seconds() -> float:
    """CPU time of this process and of its terminated children."""
    usages = [resource.getrusage(target) for target in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_mb() -> float:
    """Peak resident memory. On Linux `ru_maxrss` includes the peak of the parent process, VmHWM does not."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / _RU_MAXRSS_PER_MB
    status = Path("/proc/self/status")
    if not status.exists():
        return max(children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _RU_MAXRSS_PER_MB)
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return max(children, int(peak.split()[1]) / 1024)
