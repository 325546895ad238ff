"""Exports the contents of the local AWS to the OUT folder, and restores them before the next run.

| path in OUT | contents |
|---|---|
| `images/…` | the images bucket |
| `images.jsonl` | the images table, by URL |
| `messages.jsonl` | the messages of the topic |
| `runs/RUN_ID/…` | the reports in the input bucket |
| `summary.json` | the summary of the last exported run |
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from local.aws import backend

IMAGES = "images/"
RUNS = "runs/"
PARTIAL = ".partial-"
"""Prefix of the name of a file that is being written."""


class UnsafeKeyError(ValueError):
    """The key of an object is not a path inside the folder; the message says why."""


@dataclass(frozen=True)
class Store:
    """The names of the buckets and of the table that are exported."""

    images_bucket: str
    input_bucket: str
    images_table: str


@dataclass
class Exported:
    """Numbers of written and removed files, and the keys that could not be exported, each with its reason."""

    written: int = 0
    removed: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


class Disk:
    """The OUT folder of one cloud. It records what it has written, so that an export writes only new objects."""

    def __init__(self, out: Path, store: Store) -> None:
        self._out = out
        self._store = store
        self._written: dict[tuple[str, str], object] = {}

    def restore(self) -> int:
        """Load objects and rows into the cloud and return the number of rows.

        A row whose file is missing or has another size is left out: its URL is downloaded again.
        """
        rows = list(_read_rows(self._out / "images.jsonl"))
        types = {str(row["object_key"]): row.get("content_type") for row in rows if "object_key" in row}
        sizes = dict(self._restore_images(types))
        complete = [row for row in rows if _is_complete(row, sizes)]
        for row in complete:
            backend.put_row(self._store.images_table, row)
        return len(complete)

    def export(self, run_id: str | None, messages: Iterable[Mapping[str, object]]) -> Exported:
        """Write new objects, the table and the messages; `run_id` None exports the reports of every run."""
        result = Exported()
        self._export_objects(self._store.images_bucket, IMAGES, result)
        prefix = RUNS if run_id is None else f"{RUNS}{run_id}/"
        self._export_objects(self._store.input_bucket, prefix, result)
        rows = sorted(backend.rows(self._store.images_table), key=lambda row: str(row["url"]))
        _write_lines(self._out / "images.jsonl", rows)
        _write_lines(self._out / "messages.jsonl", messages)
        if run_id is not None:
            self._export_summary(run_id)
        return result

    def _restore_images(self, types: Mapping[str, object]) -> Iterator[tuple[str, int]]:
        for path in _files(self._out / IMAGES):
            key = path.relative_to(self._out).as_posix()
            content_type = types.get(key)
            content_type = content_type if isinstance(content_type, str) else None
            restored = backend.put_file(self._store.images_bucket, key, path, content_type)
            self._written[self._store.images_bucket, key] = restored
            yield key, restored.size

    def _export_objects(self, bucket: str, prefix: str, result: Exported) -> None:
        present = set()
        for key, stored in backend.objects(bucket, prefix):
            present.add((bucket, key))
            if self._written.get((bucket, key)) is stored:
                continue
            try:
                _write(path_of(self._out, key), stored.value)
            except (UnsafeKeyError, OSError) as error:
                result.skipped[key] = str(error)
                continue
            self._written[bucket, key] = stored
            result.written += 1
        self._remove_deleted(bucket, prefix, present, result)

    def _remove_deleted(self, bucket: str, prefix: str, present: set[tuple[str, str]], result: Exported) -> None:
        """Remove the files of deleted objects. All other files belong to the user."""
        own = {entry for entry in self._written if entry[0] == bucket and entry[1].startswith(prefix)}
        for entry in own - present:
            del self._written[entry]
            path_of(self._out, entry[1]).unlink(missing_ok=True)
            result.removed += 1

    def _export_summary(self, run_id: str) -> None:
        summary = path_of(self._out, f"{RUNS}{run_id}/summary.json")
        if summary.exists():
            _write(self._out / "summary.json", summary.read_bytes())


def path_of(out: Path, key: str) -> Path:
    """The file of an object. Raises UnsafeKeyError for a key that is not a path inside the folder."""
    parts = key.split("/")
    if "\0" in key:
        raise UnsafeKeyError("it contains a NUL character")
    if any(part in ("", ".", "..") for part in parts):
        raise UnsafeKeyError("it has an empty, '.' or '..' part")
    if any(len(part.encode()) > 255 for part in parts):
        raise UnsafeKeyError("it has a part of more than 255 bytes")
    return out / PurePosixPath(*parts)


def _files(folder: Path) -> Iterator[Path]:
    """The regular files below a folder, without the partial files of an interrupted export."""
    for directory, _, names in os.walk(folder):
        for name in names:
            path = Path(directory, name)
            if not name.startswith(PARTIAL) and path.is_file() and not path.is_symlink():
                yield path


def _read_rows(path: Path) -> Iterator[dict[str, object]]:
    with contextlib.suppress(FileNotFoundError), path.open(encoding="utf-8") as lines:
        for line in lines:
            with contextlib.suppress(ValueError):  # a damaged line costs one download, it does not stop the run
                row = json.loads(line)
                if isinstance(row, dict) and isinstance(row.get("url"), str):
                    yield row


def _is_complete(row: Mapping[str, object], sizes: Mapping[str, int]) -> bool:
    size = sizes.get(str(row.get("object_key", "")))
    return size is not None and size == row.get("bytes", size)


def _write_lines(path: Path, values: Iterable[Mapping[str, object]]) -> None:
    lines = (json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    _write(path, "".join(lines).encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically: under another name first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{PARTIAL}{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
