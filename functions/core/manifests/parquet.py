"""The footer of a Parquet file: number of rows and names of columns. Nothing else of the file is read.

The footer is a Thrift struct in the compact protocol. The three fields that are needed come first
(github.com/apache/parquet-format, parquet.thrift: FileMetaData, SchemaElement).
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from functions.core.manifests.contents import MAX_COLUMNS, ManifestContents, notes
from functions.core.manifests.url_columns import UrlSample, resolve
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import DEFAULT_RULES, RowRules, classify_columns, invalid_header_columns

Struct: TypeAlias = dict[int, Any]  # field ID to value; Any, since the file determines the type of each value

MAGIC = b"PAR1"
TAIL_BYTES = 8
"""Size of the end of the file in bytes: length of the footer in four bytes, little-endian, and MAGIC."""

MAX_SCHEMA_BYTES = 512 * 1024
"""Number of bytes at the beginning of the footer that have to contain the schema and the number of rows. The input of a
child execution has at most 256 KiB, and each item in it names all columns."""

MAX_ROWS = 100_000_000
"""Maximum number of rows: that of MaxItems in Step Functions
(docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html). A few bytes can stand for any number."""

_MAX_VARINT_BITS = 64
_BYTE_ARRAY, _UTF8, _STRING = 6, 0, 1
"""Type.BYTE_ARRAY, ConvertedType.UTF8 and the field ID of LogicalType.STRING."""

_NUM_ROWS, _SCHEMA = 3, 2
"""Field IDs in FileMetaData."""

_TYPE, _NAME, _NUM_CHILDREN, _CONVERTED_TYPE, _LOGICAL_TYPE = 1, 4, 5, 6, 10
"""Field IDs in SchemaElement."""


def footer_length(tail: bytes, file_bytes: int) -> int:
    """Length of the footer, which ends before the tail, in bytes. Raises InvalidManifest."""
    length = int.from_bytes(tail[:4], "little")
    fits = 0 < length <= file_bytes - TAIL_BYTES - len(MAGIC)
    if len(tail) != TAIL_BYTES or tail[4:] != MAGIC or not fits:
        raise InvalidManifest(
            "The name of the manifest ends with .parquet, but it is not a Parquet file, or it is truncated."
        )
    return length


def read_footer(footer: bytes, *, truncated: bool = False, rules: RowRules = DEFAULT_RULES) -> ManifestContents:
    """The contents, from a footer or, if it is `truncated`, from its beginning. Raises InvalidManifest."""
    try:
        metadata = _CompactProtocol(footer).struct(last_field=_NUM_ROWS)
        count = int(metadata[_NUM_ROWS])
        columns = {str(column[_NAME], "utf-8"): column for column in _top_level_columns(metadata[_SCHEMA])}
        text_columns = {name for name, column in columns.items() if _is_text(column)}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        if truncated and isinstance(error, IndexError):
            raise InvalidManifest("The schema of the Parquet file is larger than 512 KB. Remove columns.") from error
        raise InvalidManifest("The footer of the Parquet file is corrupt.") from error
    if not 0 <= count <= MAX_ROWS:
        raise InvalidManifest(f"The Parquet file has {count} rows, of which {MAX_ROWS:,} are possible. Split it.")
    found = resolve(columns, rules, UrlSample(), "its columns are")
    classified = classify_columns(tuple(columns), found)
    if classified.urls[0] not in text_columns:
        raise InvalidManifest(f"The column {classified.urls[0]} of the Parquet file is not of type STRING (UTF8).")
    if (invalid := invalid_header_columns(classified)) is not None:
        raise InvalidManifest(invalid)
    return ManifestContents(count, classified.user_columns[:MAX_COLUMNS], notes(rules, found, ()), found)


def _top_level_columns(schema: list[Struct]) -> list[Struct]:
    """The columns directly under the root. The schema is a tree, listed depth first."""
    columns, index = [], 1
    for _ in range(schema[0].get(_NUM_CHILDREN, 0)):
        columns.append(schema[index])
        index = _next_sibling(schema, index)
    return columns


def _next_sibling(schema: list[Struct], index: int) -> int:
    sibling = index + 1
    for _ in range(schema[index].get(_NUM_CHILDREN, 0)):
        sibling = _next_sibling(schema, sibling)
    return sibling


def _is_text(column: Struct) -> bool:
    is_string = column.get(_CONVERTED_TYPE) == _UTF8 or _STRING in column.get(_LOGICAL_TYPE, {})
    return column.get(_TYPE) == _BYTE_ARRAY and is_string


class _CompactProtocol:
    """Decoder of the Thrift compact protocol, as far as a footer needs it. Raises IndexError at the end of the data."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._readers: dict[int, Callable[[], Any]] = {
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

    def struct(self, last_field: int | None = None) -> Struct:
        """The fields of a struct by ID, up to `last_field` if it is given."""
        fields: Struct = {}
        field_id = 0
        while (head := self._byte()) and (last_field is None or field_id < last_field):
            field_id = field_id + (head >> 4) if head >> 4 else self._integer()
            fields[field_id] = self._readers[head & 15]()
        return fields

    def _list(self) -> list[Any]:
        head = self._byte()
        size, kind = head >> 4, head & 15
        size = self._varint() if size == 15 else size
        return [self._element(kind) for _ in range(size)]

    def _map(self) -> list[Any]:
        size = self._varint()
        kinds = self._byte() if size else 0
        return [(self._element(kinds >> 4), self._element(kinds & 15)) for _ in range(size)]

    def _element(self, kind: int) -> Any:
        """An element of a list or a map. A boolean is a byte there; in a struct it is part of the field's head."""
        return self._byte() == 1 if kind in (1, 2) else self._readers[kind]()

    def _byte(self) -> int:
        self._position += 1
        return self._data[self._position - 1]

    def _bytes(self, count: int) -> bytes:
        self._position += count
        if self._position > len(self._data):
            raise IndexError
        return self._data[self._position - count : self._position]

    def _varint(self) -> int:
        value, shift = 0, 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > _MAX_VARINT_BITS:
                raise ValueError("the integer has more than 64 bits")
        return value | byte << shift

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
