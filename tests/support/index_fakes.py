"""The files of a run in memory, as IndexRun uses them, and runs that have ended."""

import io
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from functions.core.model.types import ResultLine, RunRecord
from functions.core.summary.index.indexer import Indexer
from tests.support.fakes import FakeManifests, FakeRecords, FakeResults

RUN = "run-1"
KEY = "manifests/list.csv"


class FakeIndexFiles(FakeResults):
    """`uploads` are the files from the disk by name."""

    def __init__(self) -> None:
        super().__init__()
        self.uploads: dict[str, bytes] = {}

    def part_names(self, folder: str) -> Iterator[str]:
        return iter(sorted(name for name in self.files if name.startswith(f"{folder}/part-")))

    def read_parts(self, names: Iterable[str]) -> Iterator[tuple[str, list[ResultLine]]]:
        return ((name, cast(list[ResultLine], self.files[name])) for name in names)

    def upload(self, name: str, path: Path, content_type: str, metadata: Mapping[str, str] | None = None) -> None:
        self._fail()
        self.uploads[name] = path.read_bytes()
        self.content_types[name] = content_type
        self.metadata[name] = dict(metadata or {})

    def keep_only(self, folder: str, names: Container[str]) -> None:
        for name in list(self.uploads):
            if name.startswith(f"{folder}/") and name not in names:
                del self.uploads[name]


def stored(row: int, url: str, **fields: Any) -> ResultLine:
    facts = {"object_key": f"images/{row}", "bytes": 100 + row, "content_type": "image/png", "sha256": f"{row:064x}"}
    more = {"width": 6, "height": 4, "downloaded_at": "2026-11-26T12:00:00.500Z", "ms": 7}
    return cast(ResultLine, {"row": row, "url": url, "outcome": "stored", **facts, **more, **fields})


def failed(row: int, url: str, **fields: Any) -> ResultLine:
    failure = {"reason": "http_4xx", "http_status": 404, "retryable": False, "message": "Not found."}
    return cast(ResultLine, {"row": row, "url": url, "outcome": "failed", **failure, **fields})


class EndedRun:
    """A run with its manifest, its parts and its record, and the index that is made of it."""

    def __init__(
        self,
        manifest: bytes,
        parts: Mapping[str, list[ResultLine]],
        *,
        form: str = "csv",
        key: str = KEY,
        **record: Any,
    ) -> None:
        self.files, self.manifests, self.records = FakeIndexFiles(), FakeManifests(), FakeRecords()
        self.manifests.add(key, manifest)
        for name, lines in parts.items():
            self.files.write(f"results/{name}.jsonl", lines)
        self.record: RunRecord = cast(
            RunRecord,
            {
                "run_id": RUN,
                "bucket": "input",
                "manifest_key": key,
                "etag": "e1",
                "size": len(manifest),
                "format": form,
                "status": "succeeded",
                "started_at": "2026-11-26T12:00:00.000Z",
                "ended_at": "2026-11-26T12:00:09.000Z",
                **record,
            },
        )
        self.records.records[RUN] = self.record

    def indexer(self, *, with_parquet: bool = True) -> Indexer:
        return Indexer(
            manifests=self.manifests, files=self.files, records=self.records, run_id=RUN, with_parquet=with_parquet
        )

    def index(self, *, with_parquet: bool = True) -> int:
        """All steps, as the state machine calls them. Returns the number of rows."""
        indexer = self.indexer(with_parquet=with_parquet)
        return indexer.publish(sum(indexer.write_group(number) for number in indexer.plan()))

    def table(self) -> pa.Table:
        """All files of the index."""
        found = [content for name, content in self.files.uploads.items() if name.startswith("index/")]
        tables = [pq.ParquetFile(io.BytesIO(content)).read() for content in found]
        assert len({str(each.schema) for each in tables}) == 1
        return pa.concat_tables(tables).sort_by("row")

    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.table().to_pylist()
        return rows
