"""A batch of a run with `output=shards`, over fakes."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from functions.core.download.batch import BatchMirror
from functions.core.download.batch_results import BatchResult
from functions.core.download.mirror import RowMirror
from functions.core.download.outputs.no_table import NoImagesTable
from functions.core.download.shards.output import ImageShards
from functions.core.model.keys import shard_name
from functions.core.model.options import Options
from functions.core.model.types import ImageFacts, ImageRecord
from tests.support.fakes import FakeImageStore, FakeImageTable, FakeWeb

URLS = [f"http://{letter}.example/1.png" for letter in "abcdef"]
SHARD = "images/shards/r1/0000-0000000001-00.tar"


class Store(FakeImageStore):
    """`order` has the PUT of each shard, and each write of the table."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def put_shard(self, upload: Any) -> bool:
        stored = super().put_shard(upload)
        self.order.append(f"shard {stored}")
        return stored


class Table(FakeImageTable):
    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def record(self, rows: Any) -> None:
        super().record(rows)
        self.store.order.append(f"{len(rows)} rows")


class ShardWorld:
    def __init__(self, answers: Mapping[str, Any] | None = None, max_bytes: int = 256_000_000, **options: Any) -> None:
        self.web = FakeWeb(answers)
        self.store = Store()
        self.table = Table(self.store)
        self.max_bytes = max_bytes
        self.options = Options(**{"output": "shards", **options})

    def run(self, *items: object, run_id: str = "r1", round_number: int = 0, first: int = 1) -> BatchResult:
        return self.run_rows(dict(enumerate(items, start=first)), run_id=run_id, round_number=round_number)

    def run_rows(self, numbered: Mapping[int, object], *, run_id: str = "r1", round_number: int = 0) -> BatchResult:
        """One round of a batch, whose first row is the first one."""
        options = self.options
        table = self.table if options.table else NoImagesTable()
        shards = ImageShards(
            store=self.store,
            options=options,
            run_id=run_id,
            name=shard_name(0, min(numbered), round_number),
            prefix="images/",
            max_bytes=self.max_bytes,
        )
        mirror = RowMirror(
            fetcher=self.web,
            store=self.store,
            table=table,
            options=options,
            run_id=run_id,
            output=shards if options.output == "shards" else None,
        )
        result = BatchMirror(mirror=mirror, table=table, options=options, run_id=run_id).run(
            numbered, start_deadline=float("inf")
        )
        ended = [outcome.row for outcome in result.outcomes] + [row.number for row in result.deferred]
        assert sorted(ended) == sorted(numbered), "each row ends once"
        return result

    def bytes_of(self, image: ImageFacts | ImageRecord) -> bytes:
        data = self.store.objects[image["object_key"] or ""].data
        if "offset" not in image:
            return data
        return data[image["offset"] :][: image["bytes"]]

    def check(self, *results: BatchResult) -> None:
        """Each outcome and each row of the table points at bytes that have its SHA-256."""
        images = [outcome.image for result in results for outcome in result.outcomes if outcome.image]
        assert images or not results
        for image in [*images, *self.table.rows.values()]:
            assert hashlib.sha256(self.bytes_of(image)).hexdigest() == image["sha256"]

    def members(self, key: str = SHARD) -> list[tarfile.TarInfo]:
        with tarfile.open(fileobj=io.BytesIO(self.store.objects[key].data), mode="r:") as tar:
            return tar.getmembers()

    def description(self, row: int, key: str = SHARD) -> dict[str, Any]:
        with tarfile.open(fileobj=io.BytesIO(self.store.objects[key].data), mode="r:") as tar:
            file = tar.extractfile(f"{row:09d}.json")
            assert file is not None
            found: dict[str, Any] = json.load(file)
            return found


def kinds(result: BatchResult) -> dict[int, str]:
    return {outcome.row: outcome.kind.value for outcome in result.outcomes}


def facts(result: BatchResult, row: int) -> ImageFacts:
    image = next(outcome.image for outcome in result.outcomes if outcome.row == row)
    assert image is not None
    return image
