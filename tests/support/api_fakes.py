"""In-memory implementations of the ports in `core.model.ports`. `errors` are raised by the next calls that can fail."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from functions.core.model.errors import StorageFault
from functions.core.model.ports import Progress, RunFolder
from functions.core.model.runs import ManifestObject


class FakeRuns:
    """The runs table, with its index by `started_at`."""

    def __init__(self, *records: Mapping[str, Any]) -> None:
        self.records: dict[str, dict[str, Any]] = {record["run_id"]: dict(record) for record in records}
        self.read = 0

    def create(self, record: Mapping[str, Any]) -> bool:
        if record["run_id"] in self.records:
            return False
        self.records[record["run_id"]] = dict(record)
        return True

    def get(self, run_id: str) -> Mapping[str, Any] | None:
        return self.records.get(run_id)

    def update_unless_over(self, run_id: str, values: Mapping[str, Any]) -> bool:
        if run_id not in self.records or "ended_at" in self.records[run_id]:
            return False
        self.records[run_id].update(values)
        return True

    def newest(
        self, status: str | None, limit: int, after: Mapping[str, str] | None
    ) -> tuple[list[Mapping[str, Any]], Mapping[str, str] | None]:
        """Like a query with a filter: `limit` is the number of records read, not of those returned."""
        records = sorted(self.records.values(), key=_position, reverse=True)
        if after is not None:
            records = [record for record in records if _position(record) < _position(after)]
        page = records[:limit]
        self.read += len(page)
        last = page[-1] if len(records) > limit else None
        matching = [record for record in page if status in (None, record["status"])]
        return matching, last and {"started_at": last["started_at"], "run_id": last["run_id"]}


def _position(record: Mapping[str, Any]) -> tuple[str, str]:
    return record["started_at"], record["run_id"]


class FakeExecutions:
    """`started` has the input of each execution by name. As in Step Functions, the first start of a name wins."""

    def __init__(self) -> None:
        self.started: dict[str, Mapping[str, Any]] = {}
        self.stopped: list[str] = []
        self.progress_of_run: Progress | None = None
        self.concurrency: dict[str, int] = {}
        self.map_run = True
        self.errors: deque[Exception] = deque()

    def arn_of(self, run_id: str) -> str:
        return f"arn:execution:{run_id}"

    def start(self, run_id: str, event: Mapping[str, Any]) -> None:
        if self.errors:
            raise self.errors.popleft()
        self.started.setdefault(run_id, event)

    def stop(self, arn: str, error: str, cause: str) -> bool:
        if arn.rpartition(":")[2] not in self.started:
            return False
        self.stopped.append(arn)
        return True

    def progress(self, arn: str) -> Progress | None:
        return self.progress_of_run

    def set_concurrency(self, arn: str, children: int) -> bool:
        if self.map_run:
            self.concurrency[arn] = children
        return self.map_run


class FakeLists:
    bucket = "input"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.version_id = "v1"
        self.errors: deque[Exception] = deque()

    def put(self, key: str, content: bytes) -> ManifestObject:
        if self.errors:
            raise self.errors.popleft()
        self.objects[key] = content
        return self._manifest(key)

    def find(self, key: str, version_id: str = "") -> ManifestObject | None:
        is_there = key in self.objects and version_id in ("", self.version_id)
        return self._manifest(key) if is_there else None

    def _manifest(self, key: str) -> ManifestObject:
        content = self.objects[key]
        return ManifestObject(self.bucket, key, f"etag-{len(content)}", len(content), version_id=self.version_id)


class FakeFolders:
    """The folders of runs: `files` has texts by run ID and name. A name that ends with a slash is a folder in it."""

    def __init__(self, files: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.files = files or {}
        self.searches = 0

    def find(self, run_id: str) -> RunFolder:
        self.searches += 1
        found = self.files.get(run_id, {})
        sizes = {name: len(text) for name, text in found.items() if not name.endswith("/")}
        return RunFolder(sizes, found.keys() - sizes.keys())

    def read(self, run_id: str, name: str) -> str:
        if name not in self.files.get(run_id, {}):
            raise StorageFault(name)
        return self.files[run_id][name]


class FakeLinks:
    def for_download(self, key: str) -> str:
        return f"https://links/{key}"

    def for_upload(self, key: str, metadata: Mapping[str, str]) -> str:
        return f"https://links/{key}?put"
