"""In-memory implementations of `core.model.ports`, and a web that answers by URL.

They validate their arguments as AWS does. To make calls fail, add exceptions to `faults`: each call that can fail takes
the first one and raises it.
"""

import hashlib
import io
import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from functions.core.model.errors import ManifestGoneError
from functions.core.model.ports import NOTICE_SECONDS, Notification, StoredPiece
from functions.core.model.runs import NULL_VERSION, ManifestObject
from functions.core.model.types import (
    DeferredItem,
    JsonObject,
    JsonValue,
    KeptItem,
    PassFile,
    PassPlan,
    ResultLine,
    RunFields,
    RunRecord,
)
from functions.core.model.urls import host_of
from functions.core.web.fetch import FetchRequest, FetchResult, NotModifiedError
from functions.core.web.response import Body
from tests.support.image_fakes import FakeImageStore, FakeImageTable, Faulty
from tests.support.images import png

__all__ = ["FakeImageStore", "FakeImageTable"]


class FakeRunFiles(Faulty):
    """Files by name, each line as it is read back from JSON. `started` are the rounds, `closed` says that none may."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, list[dict[str, Any]]] = {}
        self.started: dict[str, datetime] = {}
        self.closed = False
        self.file_metadata: dict[str, Mapping[str, str]] = {}

    def start_round(self, part_name: str) -> bool:
        self._fail()
        self.started[part_name] = datetime.now(UTC)
        return not self.closed

    def close_run(self) -> None:
        self._fail()
        self.closed = True

    def unfinished_rounds(self) -> list[datetime]:
        self._fail()
        return [start for name, start in self.started.items() if f"results/{name}" not in self.files]

    def write(
        self, name: str, lines: Iterable[Mapping[str, object]], metadata: Mapping[str, str] | None = None
    ) -> None:
        self._fail()
        self.files[name] = [json.loads(json.dumps(line)) for line in lines]
        self.file_metadata[name] = metadata or {}

    def read_lines(self, name: str) -> list[JsonObject]:
        self._fail()
        return list(self.files[name])

    def pass_files(self, number: int) -> Iterator[PassFile]:
        self._fail()
        for name, metadata in self.file_metadata.items():
            if name.startswith(f"passes/{number}/part-"):
                yield PassFile(int(metadata["rows"]), float(metadata["not-before"]))


class FakeResults(FakeRunFiles):
    """`texts`, `metadata` and `content_types` are those of the reports by name.

    `uncompleted` are the child executions by file.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.content_types: dict[str, str] = {}
        self.uncompleted: list[list[dict[str, Any]]] = []

    def result_parts(self, pass_number: int = 0) -> Iterator[tuple[str, list[ResultLine]]]:
        prefix = f"results/part-{pass_number:04d}-" if pass_number else "results/part-"
        for name, lines in self._parts(prefix):
            if pass_number or name.count("-") != 4:
                yield name, lines

    def kept_item_parts(self) -> Iterator[tuple[str, list[KeptItem]]]:
        return self._parts("retries/part-")

    def deferred_items(self, pass_number: int) -> Iterator[DeferredItem]:
        for _, lines in self._parts(f"passes/{pass_number}/part-"):
            yield from (line for line in lines if line["row"] >= 0)

    def pass_plans(self) -> list[PassPlan]:
        return [line for _, lines in self._parts("passes/plan-") for line in lines]

    def _parts(self, prefix: str) -> Iterator[tuple[str, list[Any]]]:
        for name in sorted(name for name in self.files if name.startswith(prefix)):
            yield name, self.files[name]

    def uncompleted_children(self) -> Iterator[Iterator[bytes]]:
        for children in self.uncompleted:
            yield iter([json.dumps(children).encode()])

    def part_names(self, folder: str) -> Iterator[str]:
        return iter(sorted(name for name in {*self.files, *self.texts} if name.startswith(f"{folder}/part-")))

    def read_parts(self, names: Iterable[str]) -> Iterator[tuple[str, list[ResultLine]]]:
        return ((name, cast(list[ResultLine], self.files[name])) for name in names)

    def stream_lines(self, name: str) -> Iterator[JsonValue]:
        return map(json.loads, self.texts[name].split("\n")[:-1])

    def keep_only(self, folder: str, names: Container[str]) -> None:
        for name in [*self.files, *self.texts]:
            if name.startswith(f"{folder}/") and name not in names:
                self.files.pop(name, None)
                self.texts.pop(name, None)

    def join(
        self,
        name: str,
        pieces: Iterable[str | StoredPiece],
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        texts = (self.texts[piece.name] if isinstance(piece, StoredPiece) else piece for piece in pieces)
        self.write_text(name, texts, content_type, metadata)

    def write_text(
        self, name: str, pieces: Iterable[str], content_type: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        self._fail()
        self.content_types[name] = content_type
        self.texts[name] = "".join(pieces)
        self.metadata[name] = dict(metadata or {})


class FakeNotices:
    """The SNS topic. With `down`, every publish fails. `seconds` are the times that publishing was given."""

    def __init__(self) -> None:
        self.published: list[Notification] = []
        self.seconds: list[float] = []
        self.down = False

    def publish(self, notice: Notification, seconds: float = NOTICE_SECONDS) -> bool:
        self.seconds.append(seconds)
        if not self.down:
            json.dumps(notice.body)
            self.published.append(notice)
        return not self.down


class FakeRecords(Faulty):
    """The runs table."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, RunRecord] = {}

    def claim(self, record: RunRecord) -> bool:
        self._fail()
        existing = self.records.get(record["run_id"])
        if existing and (existing.get("execution_arn") != record["execution_arn"] or "ended_at" in existing):
            return False
        self.update(record["run_id"], record)
        return True

    def update(self, run_id: str, values: RunFields) -> None:
        self._fail()
        self.records.setdefault(run_id, {"run_id": run_id}).update(values)

    def get(self, run_id: str) -> RunRecord | None:
        return self.records.get(run_id)


@dataclass(slots=True)
class StoredManifest:
    data: bytes
    etag: str = "e1"
    version_id: str = NULL_VERSION
    metadata: Mapping[str, str] = field(default_factory=dict)


class FakeManifests:
    """The current versions of objects by bucket and key, which are read in chunks of `chunk_bytes`.

    `read_versions` are the version IDs in the requests.
    """

    def __init__(self, chunk_bytes: int = 7) -> None:
        self.objects: dict[tuple[str, str], StoredManifest] = {}
        self.read_versions: list[str] = []
        self._chunk_bytes = chunk_bytes

    def add(self, key: str, data: bytes, *, bucket: str = "input", **fields: Any) -> None:
        self.objects[bucket, key] = StoredManifest(data, **fields)

    def read(self, bucket: str, key: str, etag: str, start: int = 0, version_id: str = "") -> Iterator[bytes]:
        self.read_versions.append(version_id)
        manifest = self._existing(bucket, key, etag, version_id)
        for offset in range(start, len(manifest.data), self._chunk_bytes):
            yield manifest.data[offset : offset + self._chunk_bytes]

    def describe(self, manifest: ManifestObject) -> tuple[ManifestObject, Mapping[str, str]]:
        found = self._existing(manifest.bucket, manifest.key, manifest.etag, manifest.version_id)
        size = len(found.data)
        return replace(manifest, etag=found.etag, size=size, version_id=found.version_id), found.metadata

    def _existing(self, bucket: str, key: str, etag: str, version_id: str) -> StoredManifest:
        found = self.objects.get((bucket, key))
        if found is None or etag not in ("", found.etag) or version_id not in ("", found.version_id):
            raise ManifestGoneError(key)
        return found


class FakeCopies:
    """Copies of rows: `lines` are those of the last one."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, bucket: str, run_id: str, lines: Iterable[str]) -> ManifestObject:
        self.lines = list(lines)
        size = sum(map(len, self.lines))
        return ManifestObject(bucket, f"runs/{run_id}/rows.jsonl.gz", "e2", size, version_id="v2")


Answer = bytes | Exception | Callable[[], bytes]


class FakeWeb:
    """Replaces a Fetcher: each request of a URL gets its next answer, the last one repeatedly; else a small PNG.

    `requests` are the requested URLs in order; `most` is the maximum number of concurrent requests by host.
    Without `announced`, no response says how long its body is.
    """

    announced = True

    def __init__(self, answers: Mapping[str, Answer | Sequence[Answer]] | None = None) -> None:
        self._answers = {
            url: deque(answer if isinstance(answer, list | tuple) else [answer])
            for url, answer in (answers or {}).items()
        }
        self._lock = threading.Lock()
        self._active: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.wanted: list[FetchRequest] = []

    @property
    def requests(self) -> list[str]:
        return [wanted.url for wanted in self.wanted]

    def fetch(self, wanted: FetchRequest) -> FetchResult:
        host = host_of(wanted.url)
        with self._lock:
            self.wanted.append(wanted)
            self._active[host] += 1
            self.most[host] = max(self.most[host], self._active[host])
            answer = self._next(wanted.url)
        try:
            return replace(_fetched(answer() if callable(answer) else answer, wanted), announced=self.announced)
        finally:
            with self._lock:
                self._active[host] -= 1

    def _next(self, url: str) -> Answer:
        answers = self._answers.get(url)
        if answers is None:
            return png(note=url.encode())
        return answers.popleft() if len(answers) > 1 else answers[0]


def _fetched(answer: bytes | Exception, wanted: FetchRequest) -> FetchResult:
    if isinstance(answer, NotModifiedError):
        assert wanted.validators, "the request was not conditional"
    if isinstance(answer, Exception):
        raise answer
    wanted.check_head(answer[:65_536])
    md5 = hashlib.md5(answer).hexdigest() if wanted.want_md5 else None
    body = Body(io.BytesIO(answer), len(answer), hashlib.sha256(answer).hexdigest(), md5)
    return FetchResult(body=body, announced=True, final_url=None, etag='"v1"', last_modified=None)
