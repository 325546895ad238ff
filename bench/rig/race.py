"""Runs of the contenders, one after the other, over the same images and into the same sink.

Start-up time is excluded for all: rates count from the first request that the origin receives to the last response of
the sink. CPU time is that of the whole contender process with its children, from the moment it is ready.
"""

import json
import math
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.contenders.job import Job, JobOptions, read_usage
from bench.rig.results import RunResult
from bench.rig.servers import take_stats
from bench.rig.sink import sink
from bench.rig.venvs import interpreter

MISSING_EVERY = 50
"""One image in 50 is a 404."""

AWS = {
    "AWS_ACCESS_KEY_ID": "AKIDBENCH",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

CA_BUNDLE_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
"""The environment variables for the certificate authorities that boto3 and requests trust."""

TIMEOUT_SECONDS = 300
"""Maximum duration of a run."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """`certificate` is the private key and certificate of the servers, `authority` the certificate of its issuer."""

    certificate: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class Contender:
    """A module to run, in the virtual environment `venv` (None: the current one)."""

    name: str
    module: str
    venv: str | None = None
    options: JobOptions = field(default_factory=JobOptions)


OURS = Contender("download_batch", "bench.contenders.ours")
SHARDS = Contender("download_batch, shards", "bench.contenders.ours", options={"output": "shards"})
NO_TABLE = Contender(
    "download_batch, shards without the table", "bench.contenders.ours", options={"output": "shards", "table": False}
)
POOL = Contender("requests + boto3 pool", "bench.contenders.pool")
IMG2DATASET = Contender("img2dataset", "bench.contenders.img2dataset_files", "img2dataset")
SCRAPY = Contender("Scrapy FilesPipeline", "bench.contenders.scrapy_files", "scrapy")


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one contender process.

    `servers_busy` is the CPU time of origin and sink per second of the run, `asked` the number of requests to the
    origin, and `requests` the requests to the sink by operation. `disk_mb` is the peak of the temporary files if the
    contender watches them.
    """

    images: int
    stored: int
    seconds: float
    cpu_ms_per_image: float
    rss_mb: float
    servers_busy: tuple[float, float]
    asked: int
    requests: Mapping[str, int]
    disk_mb: float = 0.0

    @property
    def rate(self) -> float:
        """Images per second, including those that are missing at the origin."""
        return self.images / self.seconds

    def as_result(self) -> RunResult:
        return {
            "images": self.images,
            "stored": self.stored,
            "seconds": self.seconds,
            "cpu_ms_per_image": self.cpu_ms_per_image,
            "rss_mb": self.rss_mb,
            "servers_busy": self.servers_busy,
            "asked": self.asked,
            "requests": self.requests,
            "rate": self.rate,
        }


def image_urls(sites: Sequence[str], count: int, folder: str = "") -> list[str]:
    """Distribute `count` images over the hosts. `folder` is a folder of `bench.rig.origin`, such as `200ms/`."""
    urls = []
    for number in range(count):
        missing = "missing/" if number % MISSING_EVERY == MISSING_EVERY - 1 else ""
        urls.append(f"{sites[number % len(sites)]}/{folder}{missing}{number}.jpg")
    return urls


def race(
    contender: Contender,
    sites: Sequence[str],
    urls: Sequence[str],
    *,
    store_ms: float = 0,
    puts: float = math.inf,
    tls: TlsFiles | None = None,
    command_prefix: Sequence[str] = (),
) -> Run:
    """Run a contender. A PUT into the sink takes `store_ms`, and the sink accepts `puts` images per second.

    Raises InstallationError, and RuntimeError if the contender fails or does not store every image that exists.
    """
    python = interpreter(contender.venv)
    with sink(store_ms, puts, tls.certificate if tls else None) as s3, tempfile.TemporaryDirectory() as home:
        take_stats(sites[0])
        variables = {"PATH": "/usr/bin:/bin", "HOME": home, "NO_ALBUMENTATIONS_UPDATE": "1", **AWS}
        variables |= dict.fromkeys(CA_BUNDLE_VARIABLES, str(tls.authority)) if tls else {}
        result = subprocess.run(
            [*command_prefix, str(python.absolute()), "-m", contender.module],
            input=json.dumps(asdict(Job(s3, list(urls), contender.options))),
            text=True,
            capture_output=True,
            env=variables,
            cwd=Path.cwd(),
            timeout=TIMEOUT_SECONDS,
        )
        if result.returncode:
            raise RuntimeError(f"{contender.name} failed with exit code {result.returncode}: {result.stderr[-2000:]}")
        origin_stats, sink_stats = take_stats(sites[0]), take_stats(s3)
    usage = read_usage(result.stdout)
    _check_images(contender, urls, sink_stats.counts)
    seconds = sink_stats.last - origin_stats.first
    return Run(
        images=len(urls),
        stored=sink_stats.counts["images"],
        seconds=seconds,
        cpu_ms_per_image=usage.cpu_seconds * 1000 / len(urls),
        rss_mb=usage.rss_mb,
        servers_busy=(origin_stats.busy_seconds / seconds, sink_stats.busy_seconds / seconds),
        asked=origin_stats.requests,
        requests=sink_stats.counts,
        disk_mb=usage.disk_mb,
    )


def _check_images(contender: Contender, urls: Sequence[str], counts: Mapping[str, int]) -> None:
    """Reject a run that did not store every image: a contender must not be fast because it loses images."""
    expected = sum("/missing/" not in url for url in urls)
    if counts.get("images", 0) != expected or counts.get("wrong checksums"):
        raise RuntimeError(f"{contender.name} stored {counts.get('images', 0)} of {expected} images: {counts}")
