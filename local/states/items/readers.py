"""The ItemReader: the items of an S3 object, streamed.

Each row of READERS makes items out of the object's bytes. `.gz` is told by the object's name, as documented.
Not documented, and chosen here: a UTF-8 byte order mark is stripped, blank JSON lines are skipped.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, TextIO, cast

from local.states.base.errors import StatesError, Stopped, TimedOut
from local.states.items import csv_rows, json_items
from local.states.language.dataflow import filled, setting
from local.states.language.paths import Sources

BUFFER = 256 * 1024
SPOOL = 8 * 1024 * 1024
Config = Mapping[str, Any]


def items(reader: Mapping[str, Any], s3: Any, sources: Sources) -> Iterator[Any]:
    """Raises `States.ItemReaderFailed`, at once or where the fault is reached."""
    where = filled(reader["Parameters"], sources)
    config = reader["ReaderConfig"]
    most = setting(config, "MaxItems", sources)
    with _faults_named(where), contextlib.closing(_opened(s3, where)) as body:
        source = _unpacked(_Body(body), where["Key"])
        yield from islice(READERS[config["InputType"]](source, config), most or None)


@contextlib.contextmanager
def _faults_named(where: Mapping[str, Any]) -> Iterator[None]:
    try:
        yield
    except (StatesError, Stopped, TimedOut):
        raise
    except Exception as error:
        place = f"s3://{where.get('Bucket')}/{where.get('Key')}"
        raise StatesError("States.ItemReaderFailed", f"{place}: {error}") from error


def _opened(s3: Any, where: Mapping[str, Any]) -> Any:
    return s3.get_object(Bucket=where["Bucket"], Key=where["Key"])["Body"]


class _Body(io.RawIOBase):
    """The body of a GetObject as a plain file."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _unpacked(body: io.RawIOBase, key: str) -> BinaryIO:
    plain = io.BufferedReader(body, BUFFER)
    if key.lower().endswith((".zst", ".zstd")):
        raise ValueError("ZSTD is not implemented")
    return cast(BinaryIO, gzip.GzipFile(fileobj=plain) if key.lower().endswith(".gz") else plain)


def _text(source: BinaryIO) -> TextIO:
    return io.TextIOWrapper(source, encoding="utf-8-sig", newline="\n")


def _csv(source: BinaryIO, config: Config) -> Iterator[Any]:
    delimiter = csv_rows.DELIMITERS[config.get("CSVDelimiter", "COMMA")]
    return csv_rows.rows(_text(source), delimiter, config.get("CSVHeaders"))


def _json(source: BinaryIO, config: Config) -> Iterator[Any]:
    return json_items.array_items(_text(source))


def _jsonl(source: BinaryIO, config: Config) -> Iterator[Any]:
    for number, line in enumerate(_text(source), 1):
        if line.strip():
            try:
                yield json_items.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"line {number} is not JSON: {error}") from error


def _parquet(source: BinaryIO, config: Config) -> Iterator[Any]:
    """The footer is read first, so the file is spooled to disk."""
    from pyarrow import parquet  # type: ignore[import-untyped]  # heavy, and no other reader needs it

    with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
        shutil.copyfileobj(source, spool)
        spool.seek(0)
        for batch in parquet.ParquetFile(spool).iter_batches(batch_size=1_000):
            yield from batch.to_pylist()


READERS: dict[str, Callable[[BinaryIO, Config], Iterator[Any]]] = {
    "CSV": _csv,
    "JSON": _json,
    "JSONL": _jsonl,
    "PARQUET": _parquet,
}
