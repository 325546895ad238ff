"""Contenders one after the other over the same images, into the same kind of sink: what each run came to.

Rates count from the first request that the origin saw to the last answer of the sink, for all alike, so that nobody's
start is held against him. CPU time is the contender's whole process, its children included, from when it is ready.
"""

import json
import math
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.rig.servers import seen
from bench.rig.sink import sink
from bench.rig.venvs import python_of

MISSING_EVERY = 50
"""One image in so many is a 404."""

AWS = {
    "AWS_ACCESS_KEY_ID": "AKIDBENCH",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


AUTHORITIES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
"""By which boto3 and requests are told whom to trust."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files: the servers' key and certificate, and who vouches for it."""

    certificate: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    module: str
    environment: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


OURS = Contender("download_batch", "bench.contenders.ours")
POOL = Contender("requests + boto3 pool", "bench.contenders.pool")
IMG2DATASET = Contender("img2dataset", "bench.contenders.img2dataset_files", "img2dataset")
SCRAPY = Contender("Scrapy FilesPipeline", "bench.contenders.scrapy_files", "scrapy")


@dataclass(frozen=True, slots=True)
class Run:
    """Of one process. `servers_busy` is the CPU that origin and sink took, per second of the race."""

    images: int
    stored: int
    seconds: float
    cpu_ms_per_image: float
    rss_mb: float
    servers_busy: tuple[float, float]
    asked: int
    """How often the origin was asked."""
    requests: Mapping[str, int]

    @property
    def rate(self) -> float:
        """Images a second, the missing ones among them: they, too, had to be asked for."""
        return self.images / self.seconds


def urls(sites: Sequence[str], count: int, folder: str = "") -> list[str]:
    """Spread over the hosts; `folder` is the origin's word for a latency."""
    found = []
    for number in range(count):
        missing = "missing/" if number % MISSING_EVERY == MISSING_EVERY - 1 else ""
        found.append(f"{sites[number % len(sites)]}/{folder}{missing}{number}.jpg")
    return found


def race(
    contender: Contender,
    sites: Sequence[str],
    wanted: Sequence[str],
    *,
    store_ms: float = 0,
    puts: float = math.inf,
    tls: Tls | None = None,
    within: Sequence[str] = (),
) -> Run:
    """The sink takes `store_ms` for a PUT, and `puts` a second; `within` is what the command begins with.

    Raises Missing, and RuntimeError where an image is missing that should not be.
    """
    python = python_of(contender.environment)
    with sink(store_ms, puts, tls.certificate if tls else None) as s3, tempfile.TemporaryDirectory() as home:
        seen(sites[0])
        job = json.dumps({"endpoint": s3, "urls": list(wanted), "options": dict(contender.options)})
        environment = {"PATH": "/usr/bin:/bin", "HOME": home, "NO_ALBUMENTATIONS_UPDATE": "1", **AWS}
        environment |= dict.fromkeys(AUTHORITIES, str(tls.authority)) if tls else {}
        command = [*within, str(python.absolute()), "-m", contender.module]
        done = subprocess.run(
            command, input=job, text=True, capture_output=True, env=environment, cwd=Path.cwd(), timeout=300
        )
        if done.returncode:
            raise RuntimeError(f"{contender.name} ended with {done.returncode}: {done.stderr[-2000:]}")
        asked, taken = seen(sites[0]), seen(s3)
    figures = json.loads(done.stdout.splitlines()[-1])
    _check(contender, wanted, taken.counts)
    seconds = taken.last - asked.first
    return Run(
        images=len(wanted),
        stored=taken.counts["images"],
        seconds=seconds,
        cpu_ms_per_image=figures["cpu_seconds"] * 1000 / len(wanted),
        rss_mb=figures["rss_mb"],
        servers_busy=(asked.busy_seconds / seconds, taken.busy_seconds / seconds),
        asked=asked.requests,
        requests=taken.counts,
    )


def _check(contender: Contender, wanted: Sequence[str], counts: Mapping[str, int]) -> None:
    """A contender that is quick because it loses images has not won."""
    there = sum("/missing/" not in url for url in wanted)
    if counts.get("images", 0) != there or counts.get("wrong checksums"):
        raise RuntimeError(f"{contender.name} stored {counts.get('images', 0)} of {there} images: {counts}")


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of several runs, and their range."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        digits = 0 if self.median >= 100 else 2
        return f"{self.median:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def raw(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """For the results file."""
    return [asdict(run) | {"rate": run.rate} for run in runs]
