"""The OUT folder: what the cloud holds, as files; and back into the cloud before the next run.

| in OUT | is |
|---|---|
| `images/…` | the images bucket |
| `images.jsonl` | the images table, by URL |
| `messages.jsonl` | what the topic published |
| `runs/RUN_ID/…` | the reports in the input bucket |
| `summary.json` | that of the run exported last |
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from local.aws import backend

IMAGES = "images/"
RUNS = "runs/"
TEMPORARY = ".partial-"


class UnsafeKeyError(ValueError):
    """The object's name is no path inside the folder; the message says why."""


@dataclass(frozen=True)
class Store:
    """The names of what is exported."""

    images_bucket: str
    input_bucket: str
    images_table: str


@dataclass
class Exported:
    """How many files were written and removed, and the keys that could not be files, with the reason."""

    written: int = 0
    removed: int = 0
    refused: dict[str, str] = field(default_factory=dict)


class Disk:
    """One OUT folder of one cloud. Remembers what it wrote, so that an export costs what is new."""

    def __init__(self, out: Path, store: Store) -> None:
        self._out = out
        self._store = store
        self._written: dict[tuple[str, str], object] = {}

    def restore(self) -> int:
        """Brings objects and rows back; gives the number of rows.

        A row whose file is gone or has another size stays out: its URL will be downloaded again.
        """
        rows = list(_read_rows(self._out / "images.jsonl"))
        types = {row["object_key"]: row.get("content_type") for row in rows if "object_key" in row}
        sizes = dict(self._restore_images(types))
        whole = [row for row in rows if _is_whole(row, sizes)]
        for row in whole:
            backend.put_row(self._store.images_table, row)
        return len(whole)

    def export(self, run_id: str | None, messages: Iterable[Mapping[str, Any]]) -> Exported:
        """Writes what is new; `run_id` None means every run."""
        done = Exported()
        self._export_objects(self._store.images_bucket, IMAGES, done)
        prefix = RUNS if run_id is None else f"{RUNS}{run_id}/"
        self._export_objects(self._store.input_bucket, prefix, done)
        rows = sorted(backend.rows(self._store.images_table), key=lambda row: str(row["url"]))
        _write_lines(self._out / "images.jsonl", rows)
        _write_lines(self._out / "messages.jsonl", messages)
        if run_id is not None:
            self._export_summary(run_id)
        return done

    def _restore_images(self, types: Mapping[str, str | None]) -> Iterator[tuple[str, int]]:
        for path in _files(self._out / IMAGES):
            key = path.relative_to(self._out).as_posix()
            restored = backend.put_file(self._store.images_bucket, key, path, types.get(key))
            self._written[self._store.images_bucket, key] = restored
            yield key, restored.size

    def _export_objects(self, bucket: str, prefix: str, done: Exported) -> None:
        seen = set()
        for key, stored in backend.objects(bucket, prefix):
            seen.add((bucket, key))
            if self._written.get((bucket, key)) is stored:
                continue
            try:
                _write(path_of(self._out, key), stored.value)
            except (UnsafeKeyError, OSError) as error:
                done.refused[key] = str(error)
                continue
            self._written[bucket, key] = stored
            done.written += 1
        self._remove_deleted(bucket, prefix, seen, done)

    def _remove_deleted(self, bucket: str, prefix: str, seen: set[tuple[str, str]], done: Exported) -> None:
        """Only files that this cloud put there or took from there go; others are the user's."""
        ours = {entry for entry in self._written if entry[0] == bucket and entry[1].startswith(prefix)}
        for entry in ours - seen:
            del self._written[entry]
            path_of(self._out, entry[1]).unlink(missing_ok=True)
            done.removed += 1

    def _export_summary(self, run_id: str) -> None:
        summary = path_of(self._out, f"{RUNS}{run_id}/summary.json")
        if summary.exists():
            _write(self._out / "summary.json", summary.read_bytes())


def path_of(out: Path, key: str) -> Path:
    """The file of an object. Raises `UnsafeKeyError` for a key that names no file inside the folder."""
    parts = key.split("/")
    if "\0" in key:
        raise UnsafeKeyError("a NUL character")
    if any(part in ("", ".", "..") for part in parts):
        raise UnsafeKeyError("an empty, '.' or '..' part")
    if any(len(part.encode()) > 255 for part in parts):
        raise UnsafeKeyError("a part of more than 255 bytes")
    return out / PurePosixPath(*parts)


def _files(folder: Path) -> Iterator[Path]:
    """Regular files below, without those that a broken-off export left behind."""
    for directory, _, names in os.walk(folder):
        for name in names:
            path = Path(directory, name)
            if not name.startswith(TEMPORARY) and path.is_file() and not path.is_symlink():
                yield path


def _read_rows(path: Path) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(FileNotFoundError), path.open(encoding="utf-8") as lines:
        for line in lines:
            with contextlib.suppress(ValueError):  # a damaged line costs one download, not the run
                row = json.loads(line)
                if isinstance(row, dict) and isinstance(row.get("url"), str):
                    yield row


def _is_whole(row: Mapping[str, Any], sizes: Mapping[str, int]) -> bool:
    size = sizes.get(row.get("object_key", ""))
    return size is not None and size == row.get("bytes", size)


def _write_lines(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    lines = (json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    _write(path, "".join(lines).encode())


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: under another name first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
