"""Writes a Parquet file with one column of strings, in several row groups, without a library of 165 MB.

The metadata are Thrift structs in the compact protocol (github.com/apache/parquet-format, parquet.thrift); the numbers
of the fields and of the enumerations are those of that file. Pages are not compressed, and have the encoding PLAIN.
"""

import struct
from collections.abc import Mapping, Sequence

Value = tuple[int, bytes]
"""A type of the compact protocol and the encoded value."""

MAGIC = b"PAR1"
BYTE_ARRAY, REQUIRED, UTF8, PLAIN, RLE, UNCOMPRESSED, DATA_PAGE = 6, 0, 0, 0, 3, 0, 0


def write_parquet(column: str, groups: Sequence[Sequence[str]]) -> bytes:
    """The file. Each group of values becomes a row group."""
    content, row_groups = MAGIC, []
    for values in groups:
        page = _page(values)
        row_groups.append(_row_group(column, len(values), len(page), len(content)))
        content += page
    metadata = {
        1: _i32(1),  # version
        2: _list([_struct({4: _text("schema"), 5: _i32(1)}), _column(column)]),
        3: _i64(sum(map(len, groups))),
        4: _list(row_groups),
        6: _text("image-mirror"),
    }
    footer = _struct(metadata)[1]
    return content + footer + struct.pack("<I", len(footer)) + MAGIC


def _column(name: str) -> Value:
    string = _struct({1: _struct({})})  # LogicalType.STRING
    return _struct(
        {1: _i32(BYTE_ARRAY), 3: _i32(REQUIRED), 4: _text(name), 6: _i32(UTF8), 10: string},
    )


def _page(values: Sequence[str]) -> bytes:
    """A data page with its header. A required column has no levels."""
    data = b"".join(struct.pack("<I", len(encoded)) + encoded for encoded in (value.encode() for value in values))
    header = {1: _i32(len(values)), 2: _i32(PLAIN), 3: _i32(RLE), 4: _i32(RLE)}
    sizes = {2: _i32(len(data)), 3: _i32(len(data))}
    return _struct({1: _i32(DATA_PAGE), **sizes, 5: _struct(header)})[1] + data


def _row_group(column: str, rows: int, size: int, offset: int) -> Value:
    metadata = {
        1: _i32(BYTE_ARRAY),
        2: _list([_i32(PLAIN), _i32(RLE)]),
        3: _list([_text(column)]),
        4: _i32(UNCOMPRESSED),
        5: _i64(rows),
        6: _i64(size),
        7: _i64(size),
        9: _i64(offset),
    }
    chunk = _struct({2: _i64(offset), 3: _struct(metadata)})
    return _struct({1: _list([chunk]), 2: _i64(size), 3: _i64(rows)})


def _i32(number: int) -> Value:
    return 5, _zigzag(number)


def _i64(number: int) -> Value:
    return 6, _zigzag(number)


def _text(text: str) -> Value:
    encoded = text.encode()
    return 8, _varint(len(encoded)) + encoded


def _list(values: Sequence[Value]) -> Value:
    """At most 14 values of one type: more have another header."""
    return 9, bytes([len(values) << 4 | values[0][0]]) + b"".join(encoded for _, encoded in values)


def _struct(fields: Mapping[int, Value]) -> Value:
    """By field ID, in ascending order. A field is preceded by the distance to the ID before, and its type."""
    content, previous = b"", 0
    for field_id, (kind, encoded) in fields.items():
        content += bytes([(field_id - previous) << 4 | kind]) + encoded
        previous = field_id
    return 12, content + b"\x00"


def _zigzag(number: int) -> bytes:
    return _varint(number << 1)  # of a number that is not negative


def _varint(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])
