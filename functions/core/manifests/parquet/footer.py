"""The footer of a Parquet file: number of rows, columns, and what Step Functions could not read.

The footer is a Thrift struct in the compact protocol. The fields that are needed come first
(github.com/apache/parquet-format, parquet.thrift: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData). The limits are
those of Step Functions (docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html, Parquet).
"""

from collections import Counter

from functions.core.manifests.columns.url_columns import UrlSample, resolve
from functions.core.manifests.contents import ManifestContents, notes
from functions.core.manifests.parquet.columns import check_types, top_level_columns
from functions.core.manifests.parquet.thrift import CompactProtocol, Struct
from functions.core.manifests.ranges.tally import MAX_COLUMNS
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import DEFAULT_RULES, RowRules, classify_columns, invalid_header_columns

MAGIC = b"PAR1"
ENCRYPTED_MAGIC = b"PARE"
TAIL_BYTES = 8
"""Size of the end of the file in bytes: length of the footer in four bytes, little-endian, and MAGIC."""

MAX_FOOTER_BYTES = 5 * 1024 * 1024
MAX_ROW_GROUP_BYTES = 256 * 1024 * 1024

MAX_SCHEMA_BYTES = 512 * 1024
"""Number of bytes at the beginning of the footer that have to contain the schema and the number of rows. The input of a
child execution has at most 256 KiB, and each item in it names all columns."""

MAX_ROWS = 100_000_000
"""Maximum number of rows: that of MaxItems in Step Functions. A few bytes can stand for any number."""

MAX_SHOWN_CHARACTERS = 100
"""Length to which the names of columns are cut in messages."""

_SCHEMA, _NUM_ROWS, _ROW_GROUPS = 2, 3, 4
"""Field IDs in FileMetaData."""

_COLUMNS, _GROUP_ROWS = 1, 3
"""Field IDs in RowGroup."""

_METADATA, _ENCRYPTION = 3, 8
"""Field IDs in ColumnChunk."""

_CODEC, _COMPRESSED_BYTES = 4, 7
"""Field IDs in ColumnMetaData."""

_CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW")
"""Names of the enum CompressionCodec."""

_SUPPORTED_CODECS = {"UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"}

_FOOTER_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)
"""What reading a footer that is not one can raise."""


def footer_length(tail: bytes, file_bytes: int) -> int:
    """Length of the footer, which ends before the tail, in bytes. Raises InvalidManifest."""
    if tail[4:] == ENCRYPTED_MAGIC:
        raise InvalidManifest("The Parquet file is encrypted. Write it without encryption.")
    length = int.from_bytes(tail[:4], "little")
    fits = 0 < length <= file_bytes - TAIL_BYTES - len(MAGIC)
    if len(tail) != TAIL_BYTES or tail[4:] != MAGIC or not fits:
        raise InvalidManifest(
            "The name of the manifest ends with .parquet, but it is not a Parquet file, or it is truncated. Write it "
            "again, and upload it as it is."
        )
    if length > MAX_FOOTER_BYTES:
        raise InvalidManifest(
            f"The footer of the Parquet file has {length:,} bytes, of which Step Functions reads {MAX_FOOTER_BYTES:,}. "
            "Write the file with fewer columns or larger row groups."
        )
    return length


def read_footer(footer: bytes, *, truncated: bool = False, rules: RowRules = DEFAULT_RULES) -> ManifestContents:
    """The contents, from a footer or, if it is `truncated`, from its beginning. Raises InvalidManifest."""
    try:
        metadata = _metadata(footer, truncated=truncated)
        rows = int(metadata[_NUM_ROWS])
        columns = top_level_columns(metadata[_SCHEMA])
        _check_rows(rows)
        _check_row_groups(metadata.get(_ROW_GROUPS), rows)
    except _FOOTER_ERRORS as error:
        if truncated and isinstance(error, IndexError):
            raise InvalidManifest("The schema of the Parquet file is larger than 512 KB. Remove columns.") from error
        raise InvalidManifest("The footer of the Parquet file is corrupt. Write it again.") from error
    names = [column.name for column in columns]
    _check_names(names)
    found = resolve(names, rules, UrlSample(), "its columns are")
    classified = classify_columns(tuple(names), found)
    check_types(columns, classified)
    if (invalid := invalid_header_columns(classified)) is not None:
        raise InvalidManifest(invalid)
    return ManifestContents(rows, classified.user_columns[:MAX_COLUMNS], notes(rules, found, ()), found)


def _metadata(footer: bytes, *, truncated: bool) -> Struct:
    """The fields up to the row groups; without these where they are not in the beginning of a footer."""
    try:
        return CompactProtocol(footer).struct(last_field=_ROW_GROUPS)
    except IndexError:
        if not truncated:
            raise
        return CompactProtocol(footer).struct(last_field=_NUM_ROWS)


def _check_rows(rows: int) -> None:
    if not 0 <= rows <= MAX_ROWS:
        raise InvalidManifest(f"The Parquet file has {rows} rows, of which {MAX_ROWS:,} are possible. Split it.")


def _check_names(names: list[str]) -> None:
    repeated = next((name for name, count in Counter(names).items() if count > 1), None)
    if repeated is not None:
        raise InvalidManifest(
            f"Two columns of the manifest are named '{repeated[:MAX_SHOWN_CHARACTERS]}'. Give each column its own name."
        )


def _check_row_groups(groups: list[Struct] | None, rows: int) -> None:
    """Raises InvalidManifest, or ValueError if the row groups do not have the rows of the file."""
    if groups is None:
        return
    if sum(group[_GROUP_ROWS] for group in groups) != rows:
        raise ValueError("the numbers of rows differ")
    for group in groups:
        chunks = [_column_metadata(chunk) for chunk in group[_COLUMNS]]
        codec = next((name for chunk in chunks if (name := _CODECS[chunk[_CODEC]]) not in _SUPPORTED_CODECS), None)
        if codec is not None:
            raise InvalidManifest(
                f"The Parquet file is compressed with {codec}, which Step Functions does not read. Write it with "
                "Snappy, gzip, Zstandard or no compression."
            )
        if (size := sum(chunk[_COMPRESSED_BYTES] for chunk in chunks)) > MAX_ROW_GROUP_BYTES:
            raise InvalidManifest(
                f"A row group of the Parquet file has {size:,} bytes, of which Step Functions reads "
                f"{MAX_ROW_GROUP_BYTES:,}. Write it with smaller row groups."
            )


def _column_metadata(chunk: Struct) -> Struct:
    if _ENCRYPTION in chunk or _METADATA not in chunk:
        raise InvalidManifest("A column of the Parquet file is encrypted. Write it without encryption.")
    metadata: Struct = chunk[_METADATA]
    return metadata
