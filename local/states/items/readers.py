"""The ItemReader: streams the items of an S3 object, or of all objects under a prefix. DG "ItemReader (Map)".

A key that ends in `.gz` is decompressed, as documented.
Not documented, and chosen here: a UTF-8 byte order mark is removed, blank lines of JSONL are skipped.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from local.states.base.errors import ITEM_READER_FAILED, StatesError, StoppedError, TimedOutError
from local.states.base.payloads import JsonObject, JsonValue
from local.states.items import csv_rows, json_items, parquet_items
from local.states.language.dataflow import State, evaluate_object, integer_setting
from local.states.language.paths import Sources
from local.states.language.resources import CSV_DELIMITERS, S3_READ, InputType

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

BUFFER_BYTES = 256 * 1024
SPOOL_BYTES = 8 * 1024 * 1024
"""Bytes of a Parquet file that stay in memory; a larger one is spooled to disk."""

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
    """The items of the object, or of the list of objects, that an ItemReader names.

    Raises `States.ItemReaderFailed`, either at once or when the iteration reaches the error.
    """
    parameters = evaluate_object(reader["Parameters"], sources)
    config: Config = reader.get("ReaderConfig", {})
    max_items = max_items_setting(reader, sources)
    if max_items is not None and max_items < 0:
        raise StatesError(ITEM_READER_FAILED, "field MaxItems must be positive")
    objects = _Objects(s3, _string(parameters, "Bucket"), load_parquet)
    if reader["Resource"] == S3_READ:
        items = objects.read(_string(parameters, "Key"), config, parameters.get("VersionId"))
    elif config.get("Transformation") == "LOAD_AND_FLATTEN":
        items = objects.read_all(str(parameters.get("Prefix", "")), config)
    else:
        items = objects.entries(str(parameters.get("Prefix", "")))
    with contextlib.closing(items):
        yield from islice(items, max_items or None)


def max_items_setting(reader: State, sources: Sources) -> int | None:
    """MaxItems, which can be negative. Raises `States.Runtime` if it is not an integer."""
    config: Config = reader.get("ReaderConfig", {})
    return integer_setting(config, "MaxItems", sources, minimum=-sys.maxsize)


def _string(parameters: JsonObject, name: str) -> str:
    value = parameters[name]
    if not isinstance(value, str):
        raise StatesError(ITEM_READER_FAILED, f"{name} must be a string, not {value!r}")
    return value


class _Objects:
    """The objects of one bucket. Every method is a generator that raises `States.ItemReaderFailed`."""

    def __init__(self, s3: S3Client, bucket: str, load_parquet: LoadModule) -> None:
        self._s3, self._bucket, self._load_parquet = s3, bucket, load_parquet

    def read(self, key: str, config: Config, version: JsonValue = None) -> Generator[JsonValue, None, None]:
        """The items of one object."""
        with _reader_errors(f"s3://{self._bucket}/{key}"):
            optional = {} if version is None else {"VersionId": version}
            response = self._s3.get_object(Bucket=self._bucket, Key=key, **cast(Any, optional))
            with contextlib.closing(response["Body"]) as body:
                read = READERS[config["InputType"]]
                if read is read_parquet:
                    read = partial(read_parquet, load_parquet=self._load_parquet)
                yield from read(_decompress(_RawBody(body), key), config)

    def read_all(self, prefix: str, config: Config) -> Generator[JsonValue, None, None]:
        """The items of all objects under the prefix, in the order of their keys."""
        for entry in self._list(prefix):
            yield from self.read(entry["Key"], config)

    def entries(self, prefix: str) -> Generator[JsonValue, None, None]:
        """One item for each object under the prefix, with the members that the service passes on."""
        for entry in self._list(prefix):
            yield {
                "Etag": entry["ETag"],
                "Key": entry["Key"],
                "LastModified": int(entry["LastModified"].timestamp()),
                "Size": entry["Size"],
                "StorageClass": entry.get("StorageClass", "STANDARD"),
            }

    def _list(self, prefix: str) -> Iterator[ObjectTypeDef]:
        more: dict[str, str] = {}
        with _reader_errors(f"s3://{self._bucket}/{prefix}"):
            while True:
                page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **cast(Any, more))
                yield from page.get("Contents", [])
                if not page.get("IsTruncated"):
                    return
                more = {"ContinuationToken": page["NextContinuationToken"]}


@contextlib.contextmanager
def _reader_errors(url: str) -> Iterator[None]:
    try:
        yield
    except (StatesError, StoppedError, TimedOutError):
        raise
    except Exception as error:
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
    headers = config.get("CSVHeaders")
    if headers is not None and len(set(headers)) < len(headers):
        raise StatesError(ITEM_READER_FAILED, "CSV headers cannot contain duplicates.")
    return csv_rows.rows(_decode(source), delimiter, headers)


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
    """The footer, at the end, is read first, so the file is spooled. Raises ValueError while it is read."""
    parquet = load_parquet()
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
        shutil.copyfileobj(source, spool)
        spool.seek(0)
        yield from parquet_items.rows(spool, parquet)


READERS: dict[InputType, Callable[[BinaryIO, Config], Iterator[JsonValue]]] = {
    "CSV": _read_csv,
    "JSON": _read_json,
    "JSONL": _read_jsonl,
    "PARQUET": read_parquet,
}
"""A reader for every input type: it yields the items of a binary stream. It raises ValueError, or an error of the
library that it uses."""
