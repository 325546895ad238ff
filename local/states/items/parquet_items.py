"""The rows of Parquet files as JSON values.

DG "ItemReader (Map)" does not say how a value of a type that JSON does not have becomes an item. Chosen here:

* times as ISO 8601: 2026-01-31T09:05:07.125, with Z if the column is in UTC; 2026-01-31; 09:05:07. A year that is not
  from 1 to 9999 leaves the number of the file as text. Durations are whole numbers, as in the file.
* decimals and UUIDs as text, other binary values as text in base64, bytes of a string that are not UTF-8 as U+FFFD
* NaN as null, infinite numbers as the text Infinity or -Infinity
* lists as arrays, structs and maps as objects; the last value of repeated names. The key of a map that is not a string
  is its JSON.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from importlib import import_module
from typing import IO, Any
from uuid import UUID

from local.states.base.payloads import JsonObject, JsonValue

BATCH_ROWS = 1_000

Array = Any
"""A `pyarrow.Array`. pyarrow has no type hints."""

_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
"""Digits of a fraction of a second by the unit."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400


def rows(source: IO[bytes], parquet: Any) -> Iterator[JsonObject]:
    """The rows of a file. `parquet` is the module `pyarrow.parquet`. Raises ValueError if the file cannot be read."""
    count = 0
    try:
        file = parquet.ParquetFile(source, coerce_int96_timestamp_unit="us")  # nanoseconds would end in the year 2262
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            for row in _objects(batch.schema.names, batch.columns):
                count += 1
                yield row
    except Exception as error:  # pyarrow has no type hints, and no list of what it raises
        raise ValueError(f"the Parquet file cannot be read after row {count}: {error}") from error


def _objects(names: list[str], columns: list[Array]) -> Iterator[JsonObject]:
    return (dict(zip(names, row, strict=True)) for row in zip(*map(_values, columns), strict=True))


def _values(array: Array) -> list[JsonValue]:
    """The JSON value of each element."""
    types = import_module("pyarrow.types")
    for kind, convert in _CONVERTERS.items():
        if getattr(types, f"is_{kind}")(array.type):
            return convert(array)
    return _extensions(array) if hasattr(array, "storage") else _texts(array, str)


def _as_they_are(array: Array) -> list[JsonValue]:
    values: list[JsonValue] = array.to_pylist()
    return values


def _texts(array: Array, text: Callable[[Any], str]) -> list[JsonValue]:
    return [None if value is None else text(value) for value in array.to_pylist()]


def _strings(array: Array) -> list[JsonValue]:
    try:
        return _as_they_are(array)
    except UnicodeDecodeError:
        return _texts(array.cast("binary"), partial(bytes.decode, encoding="utf-8", errors="replace"))


def _binaries(array: Array) -> list[JsonValue]:
    return _texts(array, lambda value: base64.b64encode(value).decode())


def _decimals(array: Array) -> list[JsonValue]:
    return _texts(array, lambda value: format(value, "f"))


def _floats(array: Array) -> list[JsonValue]:
    return [_number(value) for value in array.to_pylist()]


def _number(value: float | None) -> float | str | None:
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _integers(array: Array) -> list[int | None]:
    """The numbers by which the file represents dates, times and durations."""
    values: list[int | None] = array.view(f"int{array.type.bit_width}").to_pylist()
    return values


def _dates(array: Array) -> list[JsonValue]:
    return [None if days is None else _date(days) or str(days) for days in _integers(array)]


def _times(array: Array) -> list[JsonValue]:
    digits = _DIGITS[array.type.unit]
    return [None if ticks is None else _time(ticks, digits) for ticks in _integers(array)]


def _timestamps(array: Array) -> list[JsonValue]:
    digits, zone = _DIGITS[array.type.unit], "Z" if array.type.tz else ""
    return [None if ticks is None else _timestamp(ticks, digits, zone) for ticks in _integers(array)]


def _date(days: int) -> str:
    """Empty if Python has no such date."""
    try:
        return date.fromordinal(_EPOCH_DAY + days).isoformat()
    except (ValueError, OverflowError):
        return ""


def _time(ticks: int, digits: int) -> str:
    seconds, fraction = divmod(ticks, 10**digits)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:0{digits}}" if fraction else text


def _timestamp(ticks: int, digits: int, zone: str) -> str:
    days, rest = divmod(ticks, _DAY_SECONDS * 10**digits)
    day = _date(days)
    return f"{day}T{_time(rest, digits)}{zone}" if day else str(ticks)


def _lists(array: Array) -> list[JsonValue]:
    return [_values(element.values) if element.is_valid else None for element in array]


def _structs(array: Array) -> list[JsonValue]:
    values = _objects([field.name for field in array.type], array.flatten())
    return [value if valid else None for value, valid in zip(values, array.is_valid().to_pylist(), strict=True)]


def _maps(array: Array) -> list[JsonValue]:
    return [_map(element.values) if element.is_valid else None for element in array]


def _map(entries: Array) -> JsonObject:
    keys, values = (_values(column) for column in entries.flatten())
    return {key if isinstance(key, str) else json.dumps(key): value for key, value in zip(keys, values, strict=True)}


def _extensions(array: Array) -> list[JsonValue]:
    if array.type.extension_name == "arrow.uuid":
        return _texts(array.storage, lambda value: str(UUID(bytes=value)))
    return _values(array.storage)


_CONVERTERS: dict[str, Callable[[Array], list[JsonValue]]] = {
    **dict.fromkeys(("null", "boolean", "integer"), _as_they_are),
    "floating": _floats,
    **dict.fromkeys(("string", "large_string", "string_view"), _strings),
    **dict.fromkeys(("binary", "large_binary", "binary_view", "fixed_size_binary"), _binaries),
    "decimal": _decimals,
    "date32": _dates,
    "time": _times,
    "timestamp": _timestamps,
    "duration": lambda array: [*_integers(array)],
    "dictionary": lambda array: _values(array.dictionary_decode()),
    "map": _maps,
    **dict.fromkeys(("list", "large_list", "fixed_size_list", "list_view", "large_list_view"), _lists),
    "struct": _structs,
}
"""A converter for each kind of type, by the name of its test in `pyarrow.types`. The first match applies."""
