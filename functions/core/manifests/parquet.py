"""The footer of a Parquet file: how many rows it has, and what its columns are called. Nothing else of it is read.

The footer is a Thrift struct in the compact protocol; the three fields that are wanted come first
(https://github.com/apache/parquet-format, parquet.thrift: FileMetaData, SchemaElement).
"""

from collections.abc import Callable
from typing import Any

from functions.core.manifests.contents import MAX_COLUMNS, ManifestContents
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import classify_columns

MAGIC = b"PAR1"
TAIL_BYTES = 8
"""The footer's length in four bytes, little-endian, and the magic word."""

MAX_FOOTER_BYTES = 64 * 1024 * 1024
_BYTE_ARRAY, _UTF8, _STRING = 6, 0, 1


def footer_length(tail: bytes) -> int:
    """How many bytes before the tail the footer begins. Raises InvalidManifest."""
    length = int.from_bytes(tail[:4], "little")
    if len(tail) != TAIL_BYTES or tail[4:] != MAGIC or not 0 < length <= MAX_FOOTER_BYTES:
        raise InvalidManifest("The manifest's name ends with .parquet, but it is not Parquet, or it breaks off.")
    return length


def read_footer(footer: bytes) -> ManifestContents:
    """Raises InvalidManifest."""
    try:
        metadata = _Thrift(footer).struct(until=3)
        rows, schema = int(metadata[3]), metadata[2]
        found = {str(column[4], "utf-8"): column for column in _columns(schema)}
        texts = {name for name, column in found.items() if _is_text(column)}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidManifest("The footer of the Parquet file cannot be read.") from error
    columns = classify_columns(tuple(found))
    if not columns.urls or columns.rival:
        names = ", ".join(list(found)[:10])
        raise InvalidManifest(
            f"The manifest has no url column: its columns are {names}. Name the one of the URLs 'url'."
        )
    if columns.urls[0] not in texts:
        raise InvalidManifest(f"The column {columns.urls[0]} of the Parquet file is not one of text (UTF8).")
    return ManifestContents(rows, columns.user_columns[:MAX_COLUMNS])


def _columns(schema: list[dict[int, Any]]) -> list[dict[int, Any]]:
    """Those directly under the root; the schema lists a tree depth first."""
    found, at = [], 1
    for _ in range(schema[0].get(5, 0)):
        found.append(schema[at])
        at = _after(schema, at)
    return found


def _after(schema: list[dict[int, Any]], at: int) -> int:
    end = at + 1
    for _ in range(schema[at].get(5, 0)):
        end = _after(schema, end)
    return end


def _is_text(column: dict[int, Any]) -> bool:
    return column.get(1) == _BYTE_ARRAY and (column.get(6) == _UTF8 or _STRING in column.get(10, {}))


class _Thrift:
    """The compact protocol, as far as a footer needs it. Raises IndexError where it breaks off."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._read: dict[int, Callable[[], Any]] = {
            1: lambda: True,
            2: lambda: False,
            3: self._byte,
            **dict.fromkeys((4, 5, 6), self._integer),
            7: lambda: self._bytes(8),
            8: lambda: self._bytes(self._varint()),
            9: self._list,
            10: self._list,
            11: self._map,
            12: self.struct,
        }

    def struct(self, until: int | None = None) -> dict[int, Any]:
        """Its fields by number; with `until`, only as far as that one."""
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) and (until is None or number < until):
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = self._read[head & 15]()
        return fields

    def _list(self) -> list[Any]:
        head = self._byte()
        size, kind = head >> 4, head & 15
        size = self._varint() if size == 15 else size
        return [self._byte() == 1 if kind in (1, 2) else self._read[kind]() for _ in range(size)]

    def _map(self) -> list[Any]:
        size = self._varint()
        kinds = self._byte() if size else 0
        return [(self._read[kinds >> 4](), self._read[kinds & 15]()) for _ in range(size)]

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, count: int) -> bytes:
        self._at += count
        if self._at > len(self._data):
            raise IndexError
        return self._data[self._at - count : self._at]

    def _varint(self) -> int:
        value, shift = 0, 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
