"""The ItemReader: streams the items of an S3 object. DG "ItemReader (Map)".

A key that ends in `.gz` is decompressed, as documented.
Not documented, and chosen here: a UTF-8 byte order mark is removed, blank lines of JSONL are skipped.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from local.states.base.errors import ITEM_READER_FAILED, StatesError, StoppedError, TimedOutError
from local.states.base.payloads import JsonObject, JsonValue
from local.states.items import csv_rows, json_items
from local.states.language.dataflow import State, evaluate_object, integer_setting
from local.states.language.paths import Sources
from local.states.language.resources import CSV_DELIMITERS, InputType

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

BUFFER_BYTES = 256 * 1024
SPOOL_BYTES = 8 * 1024 * 1024
"""Bytes of a Parquet file that stay in memory; a larger one is spooled to disk."""
PARQUET_BATCH_ROWS = 1_000

LoadModule = Callable[[], Any]
"""Imports a module that has no type hints."""

Config = Mapping[str, Any]
"""A ReaderConfig. `Any`, because `fields` has checked the type of every field when it was loaded."""


def import_parquet() -> Any:
    """The module `pyarrow.parquet`, which has no type hints. It is imported here because no other reader needs it."""
    return import_module("pyarrow.parquet")


def read_items(
    reader: State, s3: S3Client, sources: Sources, load_parquet: LoadModule = import_parquet
) -> Iterator[JsonValue]:
    """The items of the object that an ItemReader names.

    Raises `States.ItemReaderFailed`, either at once or when the iteration reaches the error.
    """
    parameters = evaluate_object(reader["Parameters"], sources)
    config = reader["ReaderConfig"]
    max_items = integer_setting(config, "MaxItems", sources)
    with _reader_errors(parameters):
        bucket, key = _string(parameters, "Bucket"), _string(parameters, "Key")
        with contextlib.closing(s3.get_object(Bucket=bucket, Key=key)["Body"]) as body:
            source = _decompress(_RawBody(body), key)
            read = READERS[config["InputType"]]
            if read is read_parquet:
                read = partial(read_parquet, load_parquet=load_parquet)
            yield from islice(read(source, config), max_items or None)


def _string(parameters: JsonObject, name: str) -> str:
    value = parameters[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string, not {value!r}")
    return value


@contextlib.contextmanager
def _reader_errors(parameters: JsonObject) -> Iterator[None]:
    try:
        yield
    except (StatesError, StoppedError, TimedOutError):
        raise
    except Exception as error:
        url = f"s3://{parameters.get('Bucket')}/{parameters.get('Key')}"
        raise StatesError(ITEM_READER_FAILED, f"{url}: {error}") from error


class _RawBody(io.RawIOBase):
    """The body of a GetObject response as a raw stream."""

    def __init__(self, body: StreamingBody) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # Any: a writable buffer has no public type before Python 3.12
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _decompress(body: io.RawIOBase, key: str) -> BinaryIO:
    buffered = io.BufferedReader(body, BUFFER_BYTES)
    if key.lower().endswith((".zst", ".zstd")):
        raise ValueError("ZSTD is not implemented")
    return cast(BinaryIO, gzip.GzipFile(fileobj=buffered) if key.lower().endswith(".gz") else buffered)


def _decode(source: BinaryIO) -> TextIO:
    return io.TextIOWrapper(source, encoding="utf-8-sig", newline="\n")


def _read_csv(source: BinaryIO, config: Config) -> Iterator[JsonValue]:
    delimiter = CSV_DELIMITERS[config.get("CSVDelimiter", "COMMA")]
    return csv_rows.rows(_decode(source), delimiter, config.get("CSVHeaders"))


def _read_json(source: BinaryIO, config: Config) -> Iterator[JsonValue]:
    return json_items.array_items(_decode(source))


def _read_jsonl(source: BinaryIO, config: Config) -> Iterator[JsonValue]:
    for number, line in enumerate(_decode(source), 1):
        if line.strip():
            try:
                yield json_items.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"line {number} is not JSON: {error}") from error


def read_parquet(source: BinaryIO, config: Config, *, load_parquet: LoadModule = import_parquet) -> Iterator[JsonValue]:
    """The footer, at the end, is read first, so the file is spooled."""
    parquet = load_parquet()
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
        shutil.copyfileobj(source, spool)
        spool.seek(0)
        for batch in parquet.ParquetFile(spool).iter_batches(batch_size=PARQUET_BATCH_ROWS):
            yield from batch.to_pylist()


READERS: dict[InputType, Callable[[BinaryIO, Config], Iterator[JsonValue]]] = {
    "CSV": _read_csv,
    "JSON": _read_json,
    "JSONL": _read_jsonl,
    "PARQUET": read_parquet,
}
"""A reader for every input type: it yields the items of a binary stream. It raises ValueError, or an error of the
library that it uses."""
