"""A column of every Arrow type that pyarrow writes to Parquet, and what the items of a run have of it."""

import datetime as dt
import io
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import parquet

ZONES = (None, "UTC", "Europe/Berlin", "+05:30", "Nowhere/Unknown")
MOMENT = dt.datetime(2026, 1, 31, 9, 5, 7)
TEXT = "2026-01-31T09:05:07"
DEEP = 40


def integers(values: list[int | None], bits: int, type_: Any) -> Any:
    return pa.array(values, pa.int32() if bits == 32 else pa.int64()).cast(type_)


def extension(type_: Any, values: list[Any], storage: Any) -> Any:
    return pa.ExtensionArray.from_storage(type_, pa.array(values, storage))


def deep_list() -> tuple[Any, list[Any]]:
    value, type_ = "x", pa.string()
    for _ in range(DEEP):
        value, type_ = [value], pa.list_(type_)  # type: ignore[assignment]
    return pa.array([value, None], type_), [value, None]


def columns() -> Mapping[str, tuple[Any, list[Any]]]:
    """Each column, with two values, by a name; and the values of its items."""
    stamps = {
        f"timestamp {unit} {zone}": (
            pa.array([MOMENT, None]).cast(pa.timestamp(unit)).cast(pa.timestamp(unit, zone)),
            [TEXT + ("Z" if zone else ""), None],
        )
        for unit in ("s", "ms", "us", "ns")
        for zone in ZONES
    }
    durations = {
        f"duration {unit}": (integers([-5, None], 64, pa.duration(unit)), [-5, None])
        for unit in ("s", "ms", "us", "ns")
    }
    decimals = {
        f"decimal{bits}": (pa.array([Decimal("-1.50"), None], getattr(pa, f"decimal{bits}")(9, 2)), ["-1.50", None])
        for bits in (32, 64, 128, 256)
    }
    numbers = {
        str(kind): (pa.array([1, None], kind), [1, None])
        for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32())
    }
    texts = {str(kind): (pa.array(["\u00e9", None], kind), ["\u00e9", None]) for kind in _kinds("string")}
    binaries = {str(kind): (pa.array([b"\xff\x00", None], kind), ["/wA=", None]) for kind in _kinds("binary")}
    lists = {
        str(kind(pa.timestamp("us"))): (
            pa.array([[MOMENT, None], None], kind(pa.timestamp("us"))),
            [[TEXT, None], None],
        )
        for kind in (pa.list_, pa.large_list, pa.list_view, pa.large_list_view)
    }
    return {
        **stamps,
        **durations,
        **decimals,
        **numbers,
        **texts,
        **binaries,
        **lists,
        "null": (pa.nulls(2), [None, None]),
        "boolean": (pa.array([True, None]), [True, None]),
        "uint64": (pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None]),
        "half": (pa.array([1.5, float("nan")], pa.float16()), [1.5, None]),
        "float": (pa.array([float("inf"), float("nan")], pa.float32()), ["Infinity", None]),
        "double": (pa.array([float("-inf"), 0.5]), ["-Infinity", 0.5]),
        "nanoseconds": (integers([1, -1], 64, pa.timestamp("ns")), [*_nanoseconds()]),
        "far years": (integers([2**62, -(2**62)], 64, pa.timestamp("ms")), [str(2**62), str(-(2**62))]),
        "date32": (pa.array([dt.date(2026, 1, 31), None]), ["2026-01-31", None]),
        "date64": (pa.array([dt.date(2026, 1, 31), None], pa.date64()), ["2026-01-31", None]),
        "far date": (integers([2**31 - 1, -(2**31)], 32, pa.date32()), [str(2**31 - 1), str(-(2**31))]),
        "time s": (integers([32707, None], 32, pa.time32("s")), ["09:05:07", None]),
        "time ms": (integers([32707125, None], 32, pa.time32("ms")), ["09:05:07.125", None]),
        "time us": (integers([1, 86_399_999_999], 64, pa.time64("us")), ["00:00:00.000001", "23:59:59.999999"]),
        "time ns": (integers([1, None], 64, pa.time64("ns")), ["00:00:00.000000001", None]),
        "large decimal": (pa.array([Decimal(10) ** 70], pa.decimal256(76, 0)).take([0, 0]), [f"1{'0' * 70}"] * 2),
        "fixed binary": (pa.array([b"abcd", None], pa.binary(4)), ["YWJjZA==", None]),
        "text not in UTF-8": (_text(b"\xff"), ["\ufffd", "a"]),
        "dictionary": (pa.array(["x", None]).dictionary_encode(), ["x", None]),
        "dictionary of timestamps": (pa.array([MOMENT, None]).dictionary_encode(), [TEXT, None]),
        "dictionary of binaries": (pa.array([b"x", b"x"]).dictionary_encode(), ["eA==", "eA=="]),
        "fixed list": (pa.array([[1, None], None], pa.list_(pa.int32(), 2)), [[1, None], None]),
        "empty list": (pa.array([[], None], pa.list_(pa.binary())), [[], None]),
        "struct": (pa.array([{"at": MOMENT, "b": b"x"}, None]), [{"at": TEXT, "b": "eA=="}, None]),
        "struct of nulls": (pa.array([{"at": None}, {"at": MOMENT}]), [{"at": None}, {"at": TEXT}]),
        "repeated names": (_struct_with_repeated_names(), [{"a": 3}, {"a": 4}]),
        "map": (pa.array([[("a", MOMENT)], None], pa.map_(pa.string(), pa.timestamp("us"))), [{"a": TEXT}, None]),
        "map of numbers": (pa.array([[(1, b"x"), (2, None)], []], pa.map_(pa.int32(), pa.binary())), [_map(), {}]),
        "map of times": (pa.array([[(MOMENT, 1)], None], pa.map_(pa.timestamp("us"), pa.int8())), [{TEXT: 1}, None]),
        "list of structs of lists": (pa.array([[{"a": [Decimal("1.5")]}], None]), [[{"a": ["1.5"]}], None]),
        "deep list": deep_list(),
        "uuid": (extension(pa.uuid(), [bytes(range(16)), None], pa.binary(16)), [_uuid(), None]),
        "json": (extension(pa.json_(), ['{"a": 1}', None], pa.string()), ['{"a": 1}', None]),
        "bool8": (extension(pa.bool8(), [1, None], pa.int8()), [1, None]),
        "tensor": (_tensor(), [[1, 2], [3, 4]]),
        "opaque": (extension(pa.opaque(pa.binary(), "t", "v"), [b"x", None], pa.binary()), ["eA==", None]),
        "list of uuids": (_list_of(extension(pa.uuid(), [bytes(range(16))] * 2, pa.binary(16))), [[_uuid()]] * 2),
    }


def file_of(fields: Mapping[str, Any] | Iterable[tuple[str, Any]], **options: Any) -> bytes:
    """A Parquet file with these columns."""
    file = io.BytesIO()
    pairs = list(fields.items() if isinstance(fields, Mapping) else fields)
    table = pa.Table.from_arrays([pa.array(v) if isinstance(v, list) else v for _, v in pairs], [n for n, _ in pairs])
    parquet.write_table(table, file, **options)
    return file.getvalue()


def _kinds(name: str) -> list[Any]:
    return [getattr(pa, kind)() for kind in (name, f"large_{name}", f"{name}_view")]


def _nanoseconds() -> list[str]:
    return ["1970-01-01T00:00:00.000000001", "1969-12-31T23:59:59.999999999"]


def _text(value: bytes) -> Any:
    return pa.Array.from_buffers(pa.string(), 2, pa.array([value, b"a"]).buffers())


def _struct_with_repeated_names() -> Any:
    return pa.StructArray.from_arrays([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])


def _map() -> dict[str, Any]:
    return {"1": "eA==", "2": None}


def _uuid() -> str:
    return "00010203-0405-0607-0809-0a0b0c0d0e0f"


def _tensor() -> Any:
    return extension(pa.fixed_shape_tensor(pa.int32(), [2]), [[1, 2], [3, 4]], pa.list_(pa.int32(), 2))


def _list_of(values: Any) -> Any:
    return pa.ListArray.from_arrays([0, 1, 2], values)
