"""Figures of the page that the summary does not have, computed line by line in bounded memory."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, cast

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.types import JsonObject, ResultLine
from functions.core.model.urls import display_host
from functions.core.report.samples import Failures, ImageSamples, StoredKinds

BUCKETS = 60
"""Maximum number of columns in the chart of images over time."""

MIN_SHOWN_BUCKETS = 16
FIRST_WIDTH = 0.125
"""Initial width of a bucket, in seconds: doubling it three times gives whole seconds."""

MAX_HOSTS = 2000
"""Number of hosts, those with the longest total download time, that are kept once twice as many were added."""


@dataclass(slots=True)
class Timeline:
    """Images by time since `start`, in a fixed number of buckets of `width` seconds, which doubles during a long run.

    A time before `start`, from a clock that is slightly behind, counts as `start`.
    """

    start: datetime
    width: float = FIRST_WIDTH
    counts: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, time: datetime) -> None:
        bucket = self._bucket(time)  # may replace self.counts
        self.counts[bucket] += 1

    def until(self, end: datetime) -> list[int]:
        """The buckets up to `end` and up to the last one that is not empty, at least MIN_SHOWN_BUCKETS."""
        elapsed = self._bucket(end) + 1
        filled = max((number for number, count in enumerate(self.counts, start=1) if count), default=0)
        return self.counts[: max(elapsed, filled, MIN_SHOWN_BUCKETS)]

    def merge(self, other: "Timeline") -> None:
        """Adds the counts of another timeline with the same start."""
        width, counts = other.width, other.counts
        while self.width < width:
            self._double_width()
        while width < self.width:
            counts, width = _halved(counts), width * 2
        self.counts = [mine + added for mine, added in zip(self.counts, counts, strict=True)]

    def _bucket(self, time: datetime) -> int:
        seconds = max(0.0, (time - self.start).total_seconds())
        while seconds >= BUCKETS * self.width:
            self._double_width()
        return int(seconds // self.width)

    def _double_width(self) -> None:
        self.counts = _halved(self.counts)
        self.width *= 2


def _halved(counts: list[int]) -> list[int]:
    """The counts in buckets of twice the width."""
    pairs = zip(counts[::2], counts[1::2], strict=True)
    return [first + second for first, second in pairs] + [0] * (BUCKETS // 2)


@dataclass(slots=True)
class HostTimes:
    """Number of images of one host, and the total and longest time of their downloads, in milliseconds."""

    host: str
    images: int = 0
    total: int = 0
    longest: int = 0

    @property
    def mean(self) -> float:
        return self.total / self.images if self.images else 0.0

    def add(self, ms: int) -> None:
        self.images += 1
        self.total += ms
        self.longest = max(self.longest, ms)


@dataclass(slots=True)
class SlowHosts:
    """Download times by host. The times of a host that is kept are exact."""

    _hosts: dict[str, HostTimes] = field(default_factory=dict)

    def add(self, host: str, ms: int) -> None:
        self._hosts.setdefault(host, HostTimes(host)).add(ms)
        if len(self._hosts) > 2 * MAX_HOSTS:
            largest = heapq.nlargest(MAX_HOSTS, self._hosts.values(), key=lambda times: times.total)
            self._hosts = {times.host: times for times in largest}

    def merge(self, other: "SlowHosts") -> None:
        """Adds the times of later rows. All hosts of both are kept."""
        for host, times in other._hosts.items():
            mine = self._hosts.setdefault(host, HostTimes(host))
            mine.images += times.images
            mine.total += times.total
            mine.longest = max(mine.longest, times.longest)

    def as_json(self) -> JsonObject:
        return {host: [times.images, times.total, times.longest] for host, times in self._hosts.items()}

    @classmethod
    def from_json(cls, value: JsonObject) -> Self:
        return cls({host: HostTimes(host, *cast(Any, numbers)) for host, numbers in value.items()})

    def slowest(self, count: int) -> list[HostTimes]:
        """The hosts with the longest mean time, the longest first."""
        return heapq.nlargest(count, self._hosts.values(), key=lambda times: times.mean)

    def of(self, host: str) -> HostTimes:
        """The times of a host: of no images if it has none, or was dropped."""
        return self._hosts.get(host) or HostTimes(host)

    def all(self) -> HostTimes:
        """The images of all hosts that are kept."""
        hosts = self._hosts.values()
        images, total = sum(times.images for times in hosts), sum(times.total for times in hosts)
        return HostTimes("", images, total, max((times.longest for times in hosts), default=0))

    def __len__(self) -> int:
        return len(self._hosts)


@dataclass(slots=True)
class RunAggregates:
    """Figures and samples of the rows of a run. Lines of an earlier version have no time."""

    timeline: Timeline
    hosts: SlowHosts = field(default_factory=SlowHosts)
    images: ImageSamples = field(default_factory=ImageSamples)
    kinds: StoredKinds = field(default_factory=StoredKinds)
    failures: Failures = field(default_factory=Failures)

    @classmethod
    def since(cls, started_at: str) -> "RunAggregates":
        return cls(Timeline(datetime.fromisoformat(started_at)))

    def add(self, line: ResultLine) -> None:
        if line["outcome"] == OutcomeKind.STORED:
            self._add_stored(line)
        elif line["outcome"] == OutcomeKind.FAILED:
            self.failures.add(line)

    def merge(self, other: "RunAggregates") -> None:
        """Adds the figures of later rows."""
        self.timeline.merge(other.timeline)
        self.hosts.merge(other.hosts)
        self.images.merge(other.images)
        self.kinds.merge(other.kinds)
        self.failures.merge(other.failures)

    def as_json(self) -> JsonObject:
        """Without the start of the timeline."""
        return {
            "width": self.timeline.width,
            "counts": self.timeline.counts,
            "hosts": self.hosts.as_json(),
            "images": self.images.as_json(),
            "kinds": self.kinds.as_json(),
            "failures": self.failures.as_json(),
        }

    @classmethod
    def from_json(cls, value: JsonObject, started_at: str) -> Self:
        fields = cast(Any, value)
        return cls(
            Timeline(datetime.fromisoformat(started_at), fields["width"], fields["counts"]),
            SlowHosts.from_json(fields["hosts"]),
            ImageSamples.from_json(fields["images"]),
            StoredKinds(**fields["kinds"]),
            Failures.from_json(fields["failures"]),
        )

    def _add_stored(self, line: ResultLine) -> None:
        host = display_host(line["url"])
        self.images.add(host, line)
        self.kinds.add(line)
        if downloaded_at := line.get("downloaded_at"):
            self.timeline.add(datetime.fromisoformat(downloaded_at))
        ms = line.get("ms")
        if ms is not None:
            self.hosts.add(host, ms)
