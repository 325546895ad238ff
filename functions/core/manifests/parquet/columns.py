"""The columns of a Parquet file: what its schema says of each.

The schema is a tree of SchemaElement, listed depth first (github.com/apache/parquet-format, parquet.thrift).
"""

from dataclasses import dataclass

from functions.core.manifests.contents import MAX_NESTING
from functions.core.manifests.parquet.thrift import Struct
from functions.core.model.errors import InvalidManifest
from functions.core.model.keys.row_numbers import ROW_COLUMN
from functions.core.model.rows import Columns

_TYPE, _REPETITION, _NAME, _NUM_CHILDREN, _CONVERTED_TYPE, _LOGICAL_TYPE = 1, 3, 4, 5, 6, 10
"""Field IDs in SchemaElement."""

_REPEATED = 2
"""FieldRepetitionType.REPEATED: the value of such a column is a list."""

_TYPES = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
"""Names of the enum Type."""

_CONVERTED_TYPES = (
    *("STRING", "MAP", "MAP", "LIST", "ENUM", "DECIMAL", "DATE", "TIME", "TIME", "TIMESTAMP", "TIMESTAMP"),
    *(("INTEGER",) * 8),
    *("JSON", "BSON", "INTERVAL"),
)
"""The logical types that correspond to the enum ConvertedType."""

_LOGICAL_TYPES = {
    **dict(enumerate(("STRING", "MAP", "LIST", "ENUM", "DECIMAL", "DATE", "TIME", "TIMESTAMP"), start=1)),
    **dict(enumerate(("INTEGER", "UNKNOWN", "JSON", "BSON", "UUID", "FLOAT16"), start=10)),
    **dict(enumerate(("VARIANT", "GEOMETRY", "GEOGRAPHY"), start=16)),
}
"""Names of the union LogicalType by field ID. UNKNOWN is that of a column without any value."""

TEXT = "BYTE_ARRAY (STRING)"
_TEXTS = {TEXT, "INT32 (UNKNOWN)"}
_NUMBERS = {"INT32", "INT64", "INT32 (INTEGER)", "INT64 (INTEGER)", "FLOAT", "DOUBLE"} | {
    f"{kind} (DECIMAL)" for kind in ("INT32", "INT64", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
}

OPTIONAL_COLUMNS = {
    "key": (_TEXTS, "strings"),
    "sha256": (_TEXTS, "strings in hex or base64"),
    "md5": (_TEXTS, "strings in hex or base64"),
    "size": (_TEXTS | _NUMBERS, "whole numbers or strings"),
    ROW_COLUMN: (_TEXTS | _NUMBERS, "whole numbers or strings"),
    "headers": ({"group", "INT32 (UNKNOWN)"}, "groups (struct) of strings"),
}
"""The types that each reserved column may have, and how a message calls them. It is not documented how Step Functions
writes a map."""


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is such as 'INT64 (TIMESTAMP)', or 'group (LIST)'. `depth` is 1 for a column without others in it."""

    name: str
    type: str
    depth: int


def top_level_columns(schema: list[Struct]) -> list[Column]:
    """The columns directly under the root. Raises ValueError, KeyError or TypeError for what is not a schema."""
    columns: list[Struct] = []
    depths: list[int] = []
    missing = [int(schema[0].get(_NUM_CHILDREN, 0))]
    """How many elements each group from the root to the current one still lacks."""
    for element in schema[1:]:
        while missing and missing[-1] <= 0:
            missing.pop()
        if not missing:
            raise ValueError("the schema has elements outside of its root")
        missing[-1] -= 1
        if len(missing) == 1:
            columns.append(element)
            depths.append(1)
        depths[-1] = max(depths[-1], len(missing))
        missing.append(int(element.get(_NUM_CHILDREN, 0)))
    if any(count > 0 for count in missing):
        raise ValueError("the schema has fewer elements than its groups")
    return [
        Column(str(element[_NAME], "utf-8"), _type_name(element), depth)
        for element, depth in zip(columns, depths, strict=True)
    ]


def _type_name(element: Struct) -> str:
    """Raises IndexError, TypeError or AttributeError for a type that cannot be."""
    kind = _TYPES[element[_TYPE]] if _TYPE in element else "group"
    logical = next((_LOGICAL_TYPES.get(field, "UNKNOWN TYPE") for field in element.get(_LOGICAL_TYPE, {})), None)
    if logical is None and _CONVERTED_TYPE in element:
        logical = _CONVERTED_TYPES[element[_CONVERTED_TYPE]]
    name = f"{kind} ({logical})" if logical else kind
    return f"repeated {name}" if element.get(_REPETITION) == _REPEATED else name


def check_types(columns: list[Column], classified: Columns) -> None:
    """Raises InvalidManifest for a column that a run needs and cannot read, and for one that is nested too deeply."""
    types = {column.name: column.type for column in columns}
    url = classified.urls[0]
    if types[url] != TEXT:
        raise InvalidManifest(
            f"The column {url} of the Parquet file is not of type STRING (UTF8), but {types[url]}. Write the URLs as a "
            "column of strings."
        )
    for name, name_in_file in classified.reserved.items():
        allowed, words = OPTIONAL_COLUMNS[name]
        if types[name_in_file] not in allowed:
            raise InvalidManifest(
                f"The column {name_in_file} of the Parquet file is of type {types[name_in_file]}. Write it as {words} "
                f"(docs/manifests.md), or give it another name if it is not the {name} of the image."
            )
    for column in columns:
        if column.depth > MAX_NESTING:
            raise InvalidManifest(
                f"The column {column.name} of the Parquet file is nested {column.depth} levels deep; {MAX_NESTING} are "
                "supported. Remove the column, or write it as a column of strings."
            )
