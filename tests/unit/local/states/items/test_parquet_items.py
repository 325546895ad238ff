"""The values of Parquet files: of every Arrow type, they are items that JSON can express."""

import datetime as dt
import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from local.states.items import parquet_items
from tests.support.arrow import columns, file_of

COLUMNS = columns()


def read(content: bytes) -> list[Any]:
    items = list(parquet_items.rows(io.BytesIO(content), parquet))
    assert json.loads(json.dumps(items, allow_nan=False)) == items
    return items


@pytest.mark.parametrize("name", COLUMNS)
def test_a_value_of_every_type_is_json(name: str) -> None:
    column, values = COLUMNS[name]

    assert [item["own"] for item in read(file_of({"url": ["x", "y"], "own": column}))] == values


@pytest.mark.parametrize("name", COLUMNS)
def test_a_file_that_arrow_has_not_annotated_has_the_same_values(name: str) -> None:
    column, values = COLUMNS[name]

    assert [item["own"] for item in read(file_of({"own": column}, store_schema=False))] == values


@pytest.mark.parametrize("name", [name for name in COLUMNS if name.startswith("timestamp")])
def test_timestamps_of_96_bits_have_no_zone(name: str) -> None:
    content = file_of({"own": COLUMNS[name][0]}, use_deprecated_int96_timestamps=True)

    assert [item["own"] for item in read(content)] == ["2026-01-31T09:05:07", None]


def test_timestamps_of_96_bits_may_be_of_any_year() -> None:
    moments = [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)]
    content = file_of({"own": pa.array(moments)}, use_deprecated_int96_timestamps=True)

    assert [item["own"] for item in read(content)] == ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"]


def test_many_rows_have_their_own_values() -> None:
    count = 2 * parquet_items.BATCH_ROWS + 1
    lists = [[number, None] if number % 3 else None for number in range(count)]
    structs = [{"n": number} if number % 2 else None for number in range(count)]
    content = file_of({"list": pa.array(lists), "struct": pa.array(structs)}, row_group_size=700)

    assert read(content) == [{"list": lists[n], "struct": structs[n]} for n in range(count)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1",
        b"PAR1" + bytes(100) + b"PAR1",
        file_of({"url": ["x"]})[:-20],
        b"".join(bytes([byte ^ (0x55 if 4 < at < 60 else 0)]) for at, byte in enumerate(file_of({"url": ["x"] * 100}))),
    ],
)
def test_a_file_that_cannot_be_read_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="the Parquet file cannot be read after row 0: "):
        read(content)


def test_an_error_in_the_middle_says_after_which_row() -> None:
    rows = [str(number) for number in range(2 * parquet_items.BATCH_ROWS)]
    content = file_of({"url": rows}, row_group_size=parquet_items.BATCH_ROWS, use_dictionary=False)
    second = parquet.read_metadata(io.BytesIO(content)).row_group(1).column(0).data_page_offset

    with pytest.raises(ValueError, match="the Parquet file cannot be read after row 1000: "):
        read(content[:second] + bytes(20) + content[second + 20 :])


def types(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.lists(st.tuples(st.text(max_size=3), inner), min_size=1, max_size=3)
    return (
        inner.map(pa.list_)
        | inner.map(pa.large_list)
        | st.tuples(inner, st.integers(1, 3)).map(lambda pair: pa.list_(*pair))
        | fields.map(lambda pairs: pa.struct([pa.field(*pair) for pair in pairs]))
        | st.tuples(st.sampled_from([pa.string(), pa.int64(), pa.date32()]), inner).map(lambda pair: pa.map_(*pair))
    )


LEAVES = st.sampled_from(
    [
        *(pa.int8(), pa.uint64(), pa.bool_(), pa.float16(), pa.float64(), pa.string(), pa.binary(), pa.binary(3)),
        *(pa.date32(), pa.time32("s"), pa.time64("ns"), pa.duration("us"), pa.timestamp("ns"), pa.null()),
        *(pa.timestamp("ms", "UTC"), pa.timestamp("s", "Europe/Berlin"), pa.decimal128(38, 10), pa.decimal256(76, 1)),
        *(pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())),
    ]
)


@settings(max_examples=60, deadline=None)
@given(schema=st.lists(st.recursive(LEAVES, types, max_leaves=4), min_size=1, max_size=3), seed=st.integers(0, 2**32))
def test_any_schema_is_read(schema: list[Any], seed: int) -> None:
    arrays = list(random_arrays(schema, seed))

    assert len(read(file_of((f"c{number}", array) for number, array in enumerate(arrays)))) == len(arrays[0])


def random_arrays(schema: list[Any], seed: int) -> Iterator[Any]:
    """Columns of two nulls and a value."""
    return (pa.concat_arrays([pa.nulls(2, type_), array_of(type_, seed)]) for type_ in schema)


def array_of(type_: Any, seed: int) -> Any:
    """One value of the type, which is null where pyarrow cannot make it of a number."""
    if pa.types.is_struct(type_):
        return pa.StructArray.from_arrays([array_of(field.type, seed) for field in type_], fields=list(type_))
    if pa.types.is_map(type_):
        key = pa.array([seed % 100]).cast(pa.int32()).cast(type_.key_type)
        return pa.MapArray.from_arrays([0, 1], key, array_of(type_.item_type, seed))
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        kind = pa.ListArray if pa.types.is_list(type_) else pa.LargeListArray
        return kind.from_arrays([0, 1], array_of(type_.value_type, seed), type=type_)
    try:
        return pa.array([seed % 100], pa.int64()).cast(type_)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(1, type_)
