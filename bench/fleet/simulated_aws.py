"""What a simulated run has in place of AWS: the bucket, the tables and the files of the run, in memory."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from bench.fleet.virtual_time import VirtualTime
from functions.core.model.ports import NOTICE_SECONDS, ImageObject, ImageUpload, Notification
from functions.core.model.runs import pass_folder
from functions.core.model.types import HostChange, HostRecord, ImageRecord, PassFile, RunFields, RunRecord

STORE_SECONDS = 0.03
TABLE_SECONDS = 0.01
"""Time of a request to S3 for an image, and to DynamoDB, in seconds."""

Lines = list[Mapping[str, object]]


@dataclass(slots=True)
class SimulatedBucket:
    """The images bucket. `stored` are the times at which the image of each row was stored."""

    time: VirtualTime
    stored: dict[int, float] = field(default_factory=dict)

    def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
        self.time.sleep(STORE_SECONDS)
        self.stored[upload.row] = self.time.now
        return '"etag"'

    def head(self, key: str) -> ImageObject | None:
        return None

    def read(
        self, key: str, write: Callable[[bytes], None], offset: int | None = None, size: int | None = None
    ) -> bool:
        return False


class EmptyTable:
    """An images table that knows no image."""

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        return {}

    def record(self, rows: Sequence[ImageRecord]) -> None:
        pass

    def read(self, url: str) -> ImageRecord | None:
        return None

    def replace(self, record: ImageRecord, former: ImageRecord | None) -> bool:
        return True


@dataclass(slots=True)
class SimulatedHosts:
    """The hosts table. `writes` counts its conditional writes."""

    time: VirtualTime
    hosts: dict[str, HostRecord] = field(default_factory=dict)
    writes: int = 0

    def records(self, hosts: Sequence[str]) -> Mapping[str, HostRecord]:
        self.time.sleep(TABLE_SECONDS)
        return {host: self.hosts[host] for host in hosts if host in self.hosts}

    def change(self, host: str, change: HostChange) -> HostRecord | None:
        self.time.sleep(TABLE_SECONDS)
        self.writes += 1
        record = self.hosts.get(host, HostRecord())
        if not _holds(record, change):
            return record
        leases = {place: end for place, end in record.leases.items() if place not in change.returned}
        self.hosts[host] = HostRecord({**leases, **change.taken}, change.cool_down or record.cool_down)
        return None


def _holds(record: HostRecord, change: HostChange) -> bool:
    return (
        all(record.leases.get(place, 0.0) < change.now for place in change.taken)
        and all(record.leases.get(place) == end for place, end in change.returned.items())
        and (change.cool_down is None or record.cool_down.not_before == change.seen.not_before)
    )


@dataclass(slots=True)
class SimulatedFiles:
    """The files of the run, by name."""

    files: dict[str, Lines] = field(default_factory=dict)
    metadata: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def write(
        self, name: str, lines: Iterable[Mapping[str, object]], metadata: Mapping[str, str] | None = None
    ) -> None:
        self.files[name] = [json.loads(json.dumps(line)) for line in lines]
        self.metadata[name] = metadata or {}

    def start_round(self, part_name: str) -> bool:
        return True

    def pass_files(self, number: int) -> Iterator[PassFile]:
        for name in self._pass_names(number):
            yield PassFile(int(self.metadata[name]["rows"]), float(self.metadata[name]["not-before"]))

    def pass_items(self, number: int) -> Lines:
        return [line for name in self._pass_names(number) for line in self.files[name]]

    def outcomes(self) -> Mapping[int, Mapping[str, object]]:
        """The result lines by row; each row has one."""
        lines = [line for name, part in self.files.items() if name.startswith("results/") for line in part]
        outcomes = {cast(int, line["row"]): line for line in lines}
        if len(outcomes) < len(lines):
            raise RuntimeError("A row has two outcomes.")
        return outcomes

    def _pass_names(self, number: int) -> Iterator[str]:
        return (name for name in sorted(self.files) if name.startswith(f"{pass_folder(number)}/"))


class OneRun:
    """The runs table, with one record. `fields` are the changes in order."""

    def __init__(self) -> None:
        self.fields: list[RunFields] = []

    def claim(self, record: RunRecord) -> bool:
        return True

    def update(self, run_id: str, values: RunFields) -> None:
        self.fields.append(values)

    def get(self, run_id: str) -> RunRecord | None:
        return None


class NoNotices:
    def publish(self, notice: Notification, seconds: float = NOTICE_SECONDS) -> bool:
        return True
