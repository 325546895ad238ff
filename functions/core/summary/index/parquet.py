"""The index: the results as Parquet files of one schema. The only module that needs pyarrow; `available` tells if it is
installed."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from functions.core.model.types import ResultLine
from functions.core.summary.index.columns import COLUMNS, OWN_PREFIX, Column, Kind, own_names, own_text

ROW_GROUP = 20_000
"""Rows of a row group, which are collected in memory."""

COMPRESSION = "zstd"

Arrow = Any
"""The module `pyarrow`, and its types and objects. pyarrow has no type hints."""


def available() -> bool:
    """False on a machine that has not needed Parquet yet. In AWS the bundle of the function has pyarrow."""
    return find_spec("pyarrow") is not None


def _arrow() -> Arrow:
    return import_module("pyarrow")


def _types(arrow: Arrow) -> dict[Kind, Arrow]:
    return {
        Kind.INTEGER: arrow.int64(),
        Kind.FLAG: arrow.bool_(),
        Kind.TEXT: arrow.string(),
        Kind.TIME: arrow.timestamp("ms", tz="UTC"),
        Kind.LISTS: arrow.map_(arrow.string(), arrow.list_(arrow.string())),
        Kind.JSON: arrow.string(),
    }


def schema(user_columns: Iterable[str]) -> Arrow:
    """The schema of all files of a run: it depends on the names of the user's columns only."""
    arrow = _arrow()
    types = _types(arrow)
    own = [arrow.field(name, arrow.string()) for name in own_names(user_columns).values()]
    return arrow.schema([*(arrow.field(column.name, types[column.kind]) for column in COLUMNS), *own])


class _ParquetFile:
    """A temporary file, which is deleted at the end. A context manager."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(suffix=".parquet")  # noqa: SIM115 - closed on exit
        self._writer: Arrow = None

    def _write(self, table: Arrow) -> None:
        if self._writer is None:
            writer = import_module("pyarrow.parquet").ParquetWriter
            self._writer = writer(self._file.name, table.schema, compression=COMPRESSION)
        self._writer.write_table(table)

    def _closed(self) -> Path:
        if self._writer is not None:
            self._writer.close()
        return Path(self._file.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed()
        self._file.close()


class IndexFile(_ParquetFile):
    """A file of the index."""

    def __init__(self, user_columns: Sequence[str]) -> None:
        super().__init__()
        self._user_columns = tuple(own_names(user_columns))
        self._schema = schema(user_columns)
        self._lines: list[ResultLine] = []
        self.rows = 0

    def add(self, line: ResultLine) -> None:
        self._lines.append(line)
        self.rows += 1
        if len(self._lines) == ROW_GROUP:
            self._write_lines()

    def finish(self) -> Path:
        """The complete file."""
        if self._lines or not self.rows:
            self._write_lines()
        return self._closed()

    def _write_lines(self) -> None:
        lines, self._lines = self._lines, []
        arrow = _arrow()
        own = [[own_text((line.get("columns") or {}).get(name)) for line in lines] for name in self._user_columns]
        values: list[Sequence[object]] = [*(_values(column, lines) for column in COLUMNS), *own]
        arrays = [_array(arrow, each, field.type) for each, field in zip(values, self._schema, strict=True)]
        self._write(arrow.table(arrays, schema=self._schema))


class RowsFile(_ParquetFile):
    """Rows of a Parquet manifest with its types, also where a column is renamed, and more columns."""

    def __init__(self, manifest: Arrow, more: Mapping[str, Kind]) -> None:
        """`manifest` is the schema of the manifest."""
        super().__init__()
        types = _types(_arrow())
        renamed = {f"{OWN_PREFIX}{each.name}": each.type for each in manifest}
        own = {each.name: each.type for each in manifest}
        self._types = renamed | own | {name: types[kind] for name, kind in more.items()}
        self._text = types[Kind.TEXT]
        self._rows: list[Mapping[str, object]] = []

    def add(self, values: Mapping[str, object]) -> None:
        self._rows.append(values)
        if len(self._rows) == ROW_GROUP:
            self._write_rows()

    def finish(self) -> Path:
        """The complete file."""
        if self._rows:
            self._write_rows()
        return self._closed()

    def _write_rows(self) -> None:
        rows, self._rows = self._rows, []
        arrow = _arrow()
        schema = arrow.schema([(name, self._types.get(name, self._text)) for name in rows[0]])
        self._write(arrow.Table.from_pylist(rows, schema=schema))


def _values(column: Column, lines: Sequence[ResultLine]) -> list[object]:
    values = [column.of(line) for line in lines]
    if column.kind is Kind.TIME:
        return [datetime.fromisoformat(str(value)) if value else None for value in values]
    if column.kind is Kind.LISTS:
        return [list(value.items()) if isinstance(value, dict) else None for value in values]
    return values


def _array(arrow: Arrow, values: Iterable[object], kind: Arrow) -> Arrow:
    """A lone surrogate, which JSON allows and Parquet does not, becomes its JSON escape sequence."""
    try:
        return arrow.array(values, kind)
    except UnicodeEncodeError:
        return arrow.array([_printable(value) for value in values], kind)


def _printable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list | tuple):
        return type(value)(_printable(each) for each in value)
    return value


class ManifestRows:
    """The rows of a Parquet manifest, with the values that pyarrow gives them, and their `schema`. A context manager.

    Python has no times in nanoseconds: they are read in microseconds.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit
        for chunk in chunks:
            self._file.write(chunk)
        self._file.seek(0)
        self._parquet = import_module("pyarrow.parquet").ParquetFile(self._file, coerce_int96_timestamp_unit="us")
        arrow = _arrow()
        self.schema = arrow.schema(
            [(each.name, _in_microseconds(arrow, each.type)) for each in self._parquet.schema_arrow]
        )

    def __iter__(self) -> Iterator[dict[str, object]]:
        for batch in self._parquet.iter_batches(batch_size=1_000):
            table = _arrow().Table.from_batches([batch])
            yield from table.cast(self.schema, safe=False).to_pylist()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _in_microseconds(arrow: Arrow, kind: Arrow) -> Arrow:
    is_timestamp = arrow.types.is_timestamp(kind) and kind.unit == "ns"
    return arrow.timestamp("us", tz=kind.tz) if is_timestamp else kind
