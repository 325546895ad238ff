"""Samples of the stored images and the failed rows of a run, in bounded memory.

A sample depends only on the order of the rows: merging it with the sample of later rows gives the sample of all rows.
All values can be written as JSON.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Self, TypedDict, cast
from zlib import crc32

from functions.core.model.types import JsonObject, JsonValue, ResultLine
from functions.core.model.urls import display_host

MAX_IMAGES = 60
"""Images of a sample, and of the contact sheet."""

MAX_EXAMPLES = 2
"""Failed rows of a sample, for each reason."""

MAX_COLUMNS = 4
"""User columns of a failed row."""

SIZE_CLASSES = (10_000, 100_000, 1_000_000, 10_000_000)
"""Upper bounds of the classes of images by size, in bytes; the last class has none."""


class ImageSample(TypedDict):
    """A stored image that is an object of its own."""

    row: int
    url: str
    object_key: str
    bytes: int
    content_type: str
    width: int
    height: int


class FailureSample(TypedDict):
    """A failed row. `columns` are the first columns of the user."""

    row: int
    url: str
    message: str
    columns: dict[str, JsonValue]


@dataclass(slots=True)
class SpreadSample:
    """At most MAX_IMAGES images: the first one of as many groups as possible, then the second ones, and so on.

    Of too many groups, those with the smallest checksum of their name are kept: it does not depend on the other groups.
    """

    groups: dict[str, list[ImageSample]] = field(default_factory=dict)
    _count: int = 0
    _last: tuple[int, int, str] = (MAX_IMAGES, 0, "")

    def add(self, group: str, line: ResultLine) -> None:
        if self._has_place(group):
            self._keep(group, _image(line))

    def merge(self, other: "SpreadSample") -> None:
        for group, images in other.groups.items():
            for image in images:
                if self._has_place(group):
                    self._keep(group, image)

    def images(self) -> Iterator[ImageSample]:
        """The first ones of all groups, then the second ones, and so on."""
        for rank in range(MAX_IMAGES):
            yield from (images[rank] for images in self.groups.values() if rank < len(images))

    @classmethod
    def from_groups(cls, groups: dict[str, list[ImageSample]]) -> "SpreadSample":
        """From `groups`, as they were written as JSON."""
        sample = cls()
        sample.merge(cls(groups))
        return sample

    def _has_place(self, group: str) -> bool:
        if self._count < MAX_IMAGES:
            return True
        rank = len(self.groups.get(group, ()))
        return rank <= self._last[0] and _order(rank, group) < self._last

    def _keep(self, group: str, image: ImageSample) -> None:
        self.groups.setdefault(group, []).append(image)
        self._count += 1
        if self._count > MAX_IMAGES:
            self._drop(self._last[2])
        if self._count == MAX_IMAGES:
            self._last = max(_order(len(images) - 1, name) for name, images in self.groups.items())

    def _drop(self, group: str) -> None:
        self.groups[group].pop()
        self._count -= 1
        if not self.groups[group]:
            del self.groups[group]


def _order(rank: int, group: str) -> tuple[int, int, str]:
    return rank, _checksum(group), group


@lru_cache(maxsize=4096)
def _checksum(group: str) -> int:
    return crc32(group.encode("utf-8", "surrogatepass"))


def _image(line: ResultLine) -> ImageSample:
    return {
        "row": line["row"],
        "url": line["url"],
        "object_key": line["object_key"] or "",
        "bytes": line["bytes"] or 0,
        "content_type": line.get("content_type") or "",
        "width": line.get("width") or 0,
        "height": line.get("height") or 0,
    }


@dataclass(slots=True)
class ImageSamples:
    """Stored images, spread over hosts, and over types and sizes in pixels. `in_shards` is the number of images that
    are parts of a larger object."""

    hosts: SpreadSample = field(default_factory=SpreadSample)
    kinds: SpreadSample = field(default_factory=SpreadSample)
    in_shards: int = 0

    def add(self, host: str, line: ResultLine) -> None:
        if "offset" in line:
            self.in_shards += 1
        elif line.get("object_key"):
            longer = max(line.get("width") or 0, line.get("height") or 0)
            self.hosts.add(host, line)
            self.kinds.add(f"{line.get('content_type')} {longer.bit_length()}", line)

    def merge(self, other: "ImageSamples") -> None:
        self.hosts.merge(other.hosts)
        self.kinds.merge(other.kinds)
        self.in_shards += other.in_shards

    def as_json(self) -> JsonObject:
        values = {"hosts": self.hosts.groups, "kinds": self.kinds.groups, "in_shards": self.in_shards}
        return cast(JsonObject, values)

    @classmethod
    def from_json(cls, value: JsonObject) -> Self:
        fields = cast(Any, value)
        hosts, kinds = (SpreadSample.from_groups(fields[name]) for name in ("hosts", "kinds"))
        return cls(hosts, kinds, fields["in_shards"])

    def chosen(self) -> list[ImageSample]:
        """At most MAX_IMAGES images, alternately from both samples, in the order of their rows."""
        pairs = zip(_padded(self.kinds.images()), _padded(self.hosts.images()), strict=True)
        rows = {image["row"]: image for image in chain.from_iterable(pairs) if image}
        return sorted(islice(rows.values(), MAX_IMAGES), key=lambda image: image["row"])


def _padded(images: Iterator[ImageSample]) -> Iterator[ImageSample | None]:
    return islice(chain(images, [None] * MAX_IMAGES), MAX_IMAGES)


@dataclass(slots=True)
class StoredKinds:
    """Number and bytes of the stored images by type, and their number by SIZE_CLASSES."""

    types: dict[str, list[int]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=lambda: [0] * (len(SIZE_CLASSES) + 1))

    def add(self, line: ResultLine) -> None:
        size = line.get("bytes") or 0
        self._count(line.get("content_type") or "unknown", 1, size)
        self.sizes[bisect_right(SIZE_CLASSES, size)] += 1

    def merge(self, other: "StoredKinds") -> None:
        for name, (images, size) in other.types.items():
            self._count(name, images, size)
        self.sizes = [mine + added for mine, added in zip(self.sizes, other.sizes, strict=True)]

    def as_json(self) -> JsonObject:
        return asdict(self)

    def _count(self, name: str, images: int, size: int) -> None:
        counts = self.types.get(name)
        if counts is None:
            counts = self.types[name] = [0, 0]
        counts[0] += images
        counts[1] += size


@dataclass(slots=True)
class FailedRows:
    """Number of the rows that failed for one reason. Examples are the first row, and the first one of another host."""

    rows: int = 0
    examples: list[FailureSample] = field(default_factory=list)

    def add(self, line: ResultLine) -> None:
        self.rows += 1
        if len(self.examples) < MAX_EXAMPLES or self._has_one_host():
            self._keep(_failure(line))

    def merge(self, other: "FailedRows") -> None:
        self.rows += other.rows
        for example in other.examples:
            self._keep(example)

    def _keep(self, example: FailureSample) -> None:
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(example)
        elif self._has_one_host() and display_host(example["url"]) != display_host(self.examples[0]["url"]):
            self.examples[-1] = example

    def _has_one_host(self) -> bool:
        return len({display_host(example["url"]) for example in self.examples}) == 1


def _failure(line: ResultLine) -> FailureSample:
    columns: Mapping[str, JsonValue] = line.get("columns") or {}
    return {
        "row": line["row"],
        "url": line["url"],
        "message": line.get("message", ""),
        "columns": dict(islice(columns.items(), MAX_COLUMNS)),
    }


RETRYABLE, FINAL = "retryable", "final"
"""Kinds of failures: a row may succeed later, or will not as it is."""


@dataclass(slots=True)
class Failures:
    """Failed rows by kind and reason."""

    kinds: dict[str, dict[str, FailedRows]] = field(default_factory=lambda: {RETRYABLE: {}, FINAL: {}})

    def add(self, line: ResultLine) -> None:
        kind = RETRYABLE if line.get("retryable") else FINAL
        self.kinds[kind].setdefault(line["reason"], FailedRows()).add(line)

    def merge(self, other: "Failures") -> None:
        for kind, reasons in other.kinds.items():
            for reason, failed in reasons.items():
                self.kinds[kind].setdefault(reason, FailedRows()).merge(failed)

    def as_json(self) -> JsonObject:
        return cast(JsonObject, asdict(self)["kinds"])

    @classmethod
    def from_json(cls, value: JsonObject) -> Self:
        kinds = cast(Any, value)
        return cls({kind: {name: FailedRows(**rows) for name, rows in kinds[kind].items()} for kind in kinds})

    def retryable(self) -> dict[str, int]:
        """The rows that may succeed later, by reason, the largest number first."""
        counts = {reason: failed.rows for reason, failed in self.kinds[RETRYABLE].items()}
        return dict(sorted(counts.items(), key=lambda entry: -entry[1]))
