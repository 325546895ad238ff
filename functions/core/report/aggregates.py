"""Figures of the page that the summary does not have, computed line by line in bounded memory."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, cast

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.types import JsonObject, ResultLine
from functions.core.model.urls import display_host

MAX_IMAGES = 6
"""Stored images that the page shows."""

MAX_FAILURES = 8
"""Failed rows that the page shows."""

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
        """The buckets up to `end`, any later ones that are not empty, and at least MIN_SHOWN_BUCKETS."""
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
        return self.total / self.images

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

    def __len__(self) -> int:
        return len(self._hosts)


@dataclass(slots=True)
class RunAggregates:
    """`images` and `failures` are the first lines of their kind. Lines of an earlier version have no time."""

    timeline: Timeline
    hosts: SlowHosts = field(default_factory=SlowHosts)
    images: list[ResultLine] = field(default_factory=list)
    failures: list[ResultLine] = field(default_factory=list)

    @classmethod
    def since(cls, started_at: str) -> "RunAggregates":
        return cls(Timeline(datetime.fromisoformat(started_at)))

    def add(self, line: ResultLine) -> None:
        if line["outcome"] == OutcomeKind.STORED:
            self._add_stored(line)
        elif line["outcome"] == OutcomeKind.FAILED and len(self.failures) < MAX_FAILURES:
            self.failures.append(line)

    def merge(self, other: "RunAggregates") -> None:
        """Adds the figures of later rows."""
        self.timeline.merge(other.timeline)
        self.hosts.merge(other.hosts)
        self.images = [*self.images, *other.images][:MAX_IMAGES]
        self.failures = [*self.failures, *other.failures][:MAX_FAILURES]

    def as_json(self) -> JsonObject:
        """Without the start of the timeline."""
        figures = {
            "width": self.timeline.width,
            "counts": self.timeline.counts,
            "hosts": self.hosts.as_json(),
            "images": self.images,
            "failures": self.failures,
        }
        return cast(JsonObject, figures)

    @classmethod
    def from_json(cls, value: JsonObject, started_at: str) -> Self:
        fields = cast(Any, value)
        timeline = Timeline(datetime.fromisoformat(started_at), fields["width"], fields["counts"])
        return cls(timeline, SlowHosts.from_json(fields["hosts"]), fields["images"], fields["failures"])

    def _add_stored(self, line: ResultLine) -> None:
        if len(self.images) < MAX_IMAGES and line.get("object_key"):
            self.images.append(line)
        if downloaded_at := line.get("downloaded_at"):
            self.timeline.add(datetime.fromisoformat(downloaded_at))
        ms = line.get("ms")
        if ms is not None:
            self.hosts.add(display_host(line["url"]), ms)
