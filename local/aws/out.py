"""The OUT folder: the objects of the local AWS, its tables, and files for people.

| in OUT | content | written |
|---|---|---|
| `images/...` | the images, one file per object, by their keys without the prefix | when the PUT is answered |
| `input/...` | the input bucket: manifests, files of runs | when the PUT is answered |
| `buckets/NAME/...` | any other bucket | when the PUT is answered |
| `tables/` | the tables and the index of the objects, in SQLite | with each change |
| `images.jsonl`, `messages.jsonl`, `summary.json`, `runs/RUN_ID/...` | for people | at the end of a run |
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from functions.core.model.keys import from_table_row
from functions.core.model.types import RobotsState
from functions.core.model.types.hosts import PLACE_ATTRIBUTE
from local.aws import backend
from local.aws.store import files, paths
from local.aws.store.adoption import adopt_images, read_rows
from local.aws.store.errors import S3Error
from local.aws.store.objects import ObjectStore

RUNS = "runs/"
NOT_COPIED = frozenset({"started", "check"})
"""Folders of a run whose files tell people nothing: one for each round, and the counts of ranges of the manifest."""
IMPORTED = Path("tables", "imported-0.1.0")
"""An empty file: nothing of an OUT folder of release 0.1.0 is left to take over."""


@dataclass(frozen=True)
class Names:
    """The physical names of the resources whose content is in OUT. `images_prefix` is that of the images' keys."""

    images_bucket: str
    input_bucket: str
    images_table: str
    runs_table: str
    images_prefix: str = "images/"
    hosts_table: str = ""


class BucketFolders:
    """The folder of each bucket, and the path of a key in it. `assign` names the two buckets of the stack."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._images = self._input = self._prefix = ""
        self._images_path: str | None = None
        self._made: set[Path] = set()

    def assign(self, names: Names) -> None:
        self._images, self._input = names.images_bucket, names.input_bucket
        self._prefix = names.images_prefix
        self._images_path = f"/{self._images}/" if self._images else None

    def folder(self, bucket: str) -> Path:
        """Raises S3Error(NoSuchBucket)."""
        if not backend.bucket_exists(bucket):
            raise S3Error("NoSuchBucket", BucketName=bucket)
        named = {self._images: "images", self._input: "input"}
        folder = self._out / named[bucket] if bucket in named else self._out / "buckets" / bucket
        if folder not in self._made:
            folder.mkdir(parents=True, exist_ok=True)
            self._made.add(folder)
        return folder

    def path_of(self, bucket: str, key: str) -> PurePosixPath | None:
        """None if the key has no readable path, as other objects of the images bucket."""
        if bucket != self._images:
            return paths.readable_path(key)
        return paths.readable_path(key.removeprefix(self._prefix)) if key.startswith(self._prefix) else None

    def is_image_upload(self, method: str, target: str) -> bool:
        """These wait for nothing, unlike a PUT of outcomes, which waits for the disk."""
        path = self._images_path
        return method == "PUT" and path is not None and target.startswith(path) and "?" not in target

    def versioning(self, bucket: str) -> str:
        return backend.bucket_versioning(bucket)


class Exporter:
    """Writes the files for people. A file is written under a temporary name of the store, which removes what a killed
    process has left, and then renamed."""

    def __init__(self, out: Path, store: ObjectStore, names: Names) -> None:
        self._out = out
        self._store = store
        self._names = names

    def export(self, run_id: str | None, messages: Iterable[Mapping[str, Any]]) -> None:
        """Writes what is new. `run_id` None means all runs."""
        self._copy_runs(RUNS if run_id is None else f"{RUNS}{run_id}/")
        self._write_lines("images.jsonl", map(from_table_row, backend.rows(self._names.images_table)))
        self._write_lines("messages.jsonl", messages)
        summary = self._out / RUNS / str(run_id) / "summary.json"
        if run_id is not None and summary.exists():
            self._copy(str(summary), "summary.json")

    def _copy_runs(self, prefix: str) -> None:
        """Copies, because a user may change the files."""
        for stored in self._store.iterate(self._names.input_bucket, prefix):
            path = paths.readable_path(stored.key)
            if (
                path is not None
                and path.parent.name not in NOT_COPIED
                and not _is_same(self._out / path, stored.size, stored.mtime)
            ):
                _, source = self._store.open(stored.bucket, stored.key)
                with source:
                    self._copy(source.name, str(path))

    def _write_lines(self, name: str, values: Iterable[Mapping[str, Any]]) -> None:
        with self._replaced(name) as temporary, temporary.open("w", encoding="utf-8") as file:
            for value in values:
                file.write(json.dumps(value, ensure_ascii=False) + "\n")

    def _copy(self, source: str, name: str) -> None:
        with self._replaced(name) as temporary:
            shutil.copy2(source, temporary)

    @contextmanager
    def _replaced(self, name: str) -> Iterator[Path]:
        """A temporary file, which then replaces the file of that name in OUT. Never writes through a symbolic link in
        OUT: a link in the way is replaced, a linked folder is an error."""
        files.make_folders(self._out, name.rpartition("/")[0])
        temporary = self._store.temporary_file()
        try:
            yield temporary
            os.replace(temporary, self._out / name)
        finally:
            temporary.unlink(missing_ok=True)


def import_release_0_1_0(store: ObjectStore, names: Names, out: Path) -> None:
    """Take over the images and rows of an OUT folder of release 0.1.0, once.

    Its rows whose file is missing or differs are not taken over: `reconcile_rows` deletes them.
    """
    done = out / IMPORTED
    if done.exists():
        return
    adopt_images(store, names.images_bucket, out)
    backend.put_rows(names.images_table, read_rows(out / "images.jsonl"))
    done.touch()


def reconcile_rows(store: ObjectStore, names: Names) -> int:
    """Deletes the rows whose object is missing or has other bytes, and returns their number."""
    stale = [row["url"] for row in backend.rows(names.images_table) if not _has_object(store, names, row)]
    for url in stale:
        backend.delete_item(names.images_table, {"url": url})
    return len(stale)


def release_places(hosts_table: str) -> int:
    """Frees the places at hosts, and the claims to read robots.txt, of an earlier process, whose functions have ended
    with it: rows of these hosts would wait until the leases end. Returns the number of records."""
    count = 0
    for row in backend.rows(hosts_table):
        kept = {name: value for name, value in row.items() if not PLACE_ATTRIBUTE.fullmatch(name)}
        if row.get("state") == RobotsState.READING:
            backend.delete_item(hosts_table, {"host": row["host"]})
        elif kept != row:
            backend.put_row(hosts_table, kept)
        else:
            continue
        count += 1
    return count


def _has_object(store: ObjectStore, names: Names, row: Mapping[str, Any]) -> bool:
    try:
        stored = store.head(names.images_bucket, str(row.get("object_key")))
    except S3Error:
        return False
    if "offset" in row:  # of an image in a shard, which is stored by one PUT and never replaced
        return int(row["offset"]) + int(row["bytes"]) <= stored.size
    return stored.sha256 == row.get("sha256")


def _is_same(path: Path, size: int, mtime: int) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (size, mtime)
