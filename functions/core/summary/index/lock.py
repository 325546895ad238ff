"""The lock manifest: the rows of the manifest whose image is in the bucket, each with the SHA-256 of the image.

A run of it elsewhere stores the same bytes: a row whose image has changed fails as checksum_mismatch.
"""

from collections.abc import Mapping
from typing import Protocol, Self

from functions.core.manifests.formats import Format, lock_format
from functions.core.model.limits import MAX_LOCK_ROWS
from functions.core.model.metadata import object_metadata
from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import IndexFiles
from functions.core.model.rows import RowRules, classify_columns
from functions.core.model.types import OptionValues, ResultLine, RunFields
from functions.core.summary.index.columns import OWN_PREFIX, Kind
from functions.core.summary.index.parquet import Arrow, RowsFile
from functions.core.summary.retry_manifest import item_for_another_run
from functions.core.summary.spool import Spool

CHECKED = ("sha256", "size")
ADDED = (*CHECKED, "final_url", "downloaded_at")
"""The columns of a lock. Those of an earlier lock are replaced."""

_TYPES = {name: Kind.INTEGER if name == "size" else Kind.TEXT for name in ADDED}

Values = Mapping[str, object]


class _Part(Protocol):
    """A file with at most MAX_LOCK_ROWS rows."""

    def add(self, values: Values) -> None: ...

    def close(self) -> None: ...

    def write(self, files: IndexFiles, name: str, options: OptionValues) -> None:
        """`name` has no extension. Raises StorageFault."""


class LockManifest:
    """A context manager: it has files open."""

    def __init__(self, record: RunFields, parquet_schema: Arrow = None, group: int | None = None) -> None:
        """`record` is that of a run whose manifest can be read, `parquet_schema` the schema of a Parquet manifest.

        `group` is the number of the group of rows of a run that has several: each has a file of its own.
        """
        self._group = group
        self._schema = parquet_schema
        self._options = record.get("options") or {}
        self._rules = RowRules.of(Options.from_payload(self._options))
        self._format = lock_format(record.get("format"))
        self._parts: list[_Part] = []
        self._rows = 0

    def add(self, item: object, line: ResultLine) -> None:
        if line["outcome"] == OutcomeKind.FAILED or not line.get("sha256"):
            return
        if self._rows % MAX_LOCK_ROWS == 0:
            self._parts.append(self._new_part())
        self._rows += 1
        self._parts[-1].add(locked(item_for_another_run(line["row"], item, self._rules), line, self._rules))

    def write(self, files: IndexFiles) -> None:
        """`lock.EXTENSION`, or `lock-0001.EXTENSION` and so on."""
        own = [name for name in self._rules.own_columns if name not in CHECKED]
        options = {**self._options, "own_columns": own, "known_bad": ""}
        is_alone = self._group is None and len(self._parts) == 1
        for number, part in enumerate(self._parts, 1 + (self._group or 0)):
            part.write(files, "lock" if is_alone else f"lock-{number:04d}", options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts:
            part.close()

    def _new_part(self) -> _Part:
        return _TextPart(self._format) if self._format else _ParquetPart(self._schema)


def locked(item: object, line: ResultLine, rules: RowRules) -> Values:
    """The item of the lock manifest. A column that the run did not take as a check gets the prefix `your_`."""
    values: dict[str, object] = dict(item) if isinstance(item, Mapping) else {"url": item}
    reserved = classify_columns(tuple(values), rules).reserved
    replaced = {name_in_item for name, name_in_item in reserved.items() if name in CHECKED}
    kept = {
        f"{OWN_PREFIX}{name}" if name.strip() in CHECKED else name: value
        for name, value in values.items()
        if name not in replaced and name not in ADDED[len(CHECKED) :]
    }
    added = (line.get("sha256"), line.get("bytes"), line.get("final_url") or "", line.get("downloaded_at"))
    return {**kept, **dict(zip(ADDED, added, strict=True))}


class _TextPart:
    def __init__(self, form: Format) -> None:
        self._format = form
        self._rows: Spool[Values] = Spool()

    def add(self, values: Values) -> None:
        self._rows.add(values)

    def write(self, files: IndexFiles, name: str, options: OptionValues) -> None:
        pieces = self._format.write(self._rows)
        files.write_text(name + self._format.extension, pieces, "text/plain; charset=utf-8", object_metadata(options))

    def close(self) -> None:
        self._rows.__exit__()


class _ParquetPart:
    def __init__(self, schema: Arrow) -> None:
        self._file = RowsFile(schema, _TYPES)

    def add(self, values: Values) -> None:
        self._file.add(values)

    def write(self, files: IndexFiles, name: str, options: OptionValues) -> None:
        path = self._file.finish()
        files.upload(f"{name}.parquet", path, "application/vnd.apache.parquet", object_metadata(options))

    def close(self) -> None:
        self._file.close()
