"""Detection of a manifest's format: by its file name, and for delimited formats by its first line."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from functions.core.manifests.csv_rows import HEADERLESS_COLUMNS, URL_LIST_HEADER
from functions.core.manifests.formats import FORMATS, PARQUET, Format
from functions.core.manifests.streams import decompress_gzip
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import classify_columns

HEAD_BYTES = 64 * 1024
"""Number of bytes from the beginning of a manifest in which its first line is looked for."""

_URL = re.compile(r"\ufeff?\s*(https?:)?//\S", re.IGNORECASE)
_REST_OF_URL = re.compile(r"(?!https?://)\S*[/=]\S*")


@dataclass(frozen=True, slots=True)
class Extension:
    """A file name extension. `delimiters` are tried in this order; `default_format` is the format if none of them is
    found."""

    suffix: str
    default_format: str
    delimiters: str = ""
    gzip_allowed: bool = True


EXTENSIONS = (
    Extension(".csv", "csv", ",;|\t"),
    Extension(".tsv", "tsv", "\t,;|"),
    Extension(".txt", "txt", "\t"),
    Extension(".json", "json"),
    Extension(".jsonl", "jsonl"),
    Extension(".ndjson", "jsonl"),
    Extension(".parquet", PARQUET, gzip_allowed=False),
)
_FORMATS_BY_DELIMITER = {
    ",": ("csv", "csv-bare"),
    ";": ("csv-semicolon", "csv-semicolon-bare"),
    "|": ("csv-pipe", "csv-pipe-bare"),
    "\t": ("tsv", "tsv-bare"),
}
"""Names of the formats with and without a header."""

_FORMATS_BY_NAME = {form.name: form for form in FORMATS}


def format_from_name(key: str) -> tuple[Extension, bool]:
    """The extension of a file name in any case, and whether the file is gzipped.

    Raises InvalidManifest, which lists the supported extensions.
    """
    name = key.rpartition("/")[2].lower()
    gzipped = name.endswith(".gz")
    for extension in EXTENSIONS:
        if name.removesuffix(".gz").endswith(extension.suffix) and (extension.gzip_allowed or not gzipped):
            return extension, gzipped
    supported = [extension.suffix for extension in EXTENSIONS]
    supported += [f"{extension.suffix}.gz" for extension in EXTENSIONS if extension.gzip_allowed]
    raise InvalidManifest(
        f"The name of the manifest, '{key}', has no supported extension. Supported are: {', '.join(supported)}."
    )


def decompressed(key: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, decompressed if the name ends with .gz."""
    return decompress_gzip(chunks) if format_from_name(key)[1] else iter(chunks)


def detect_format(extension: Extension, chunks: Iterator[bytes]) -> tuple[Format, Iterator[bytes]]:
    """The format, and all chunks including those that were read to detect it. Raises InvalidManifest."""
    head_chunks: list[bytes] = []
    while extension.delimiters and sum(map(len, head_chunks)) < HEAD_BYTES:
        chunk = next(chunks, None)
        if chunk is None:
            break
        head_chunks.append(chunk)
    head = b"".join(head_chunks)[:HEAD_BYTES].decode("utf-8-sig", "replace")
    return _FORMATS_BY_NAME[_format_name(extension, head)], chain(head_chunks, chunks)


def _format_name(extension: Extension, head: str) -> str:
    first_records = {delimiter: _first_record(head, delimiter) for delimiter in extension.delimiters}
    if any(fields[:1] == [URL_LIST_HEADER] for fields in first_records.values()):
        return "tsv-list"
    for delimiter, fields in first_records.items():
        if classify_columns(tuple(fields)).urls:
            return _FORMATS_BY_DELIMITER[delimiter][0]
    for delimiter, fields in first_records.items():
        if len(fields) > 1 and _URL.match(fields[0]):
            return _headerless_format(delimiter, fields)
    default = extension.default_format
    starts_with_url = any(fields and _URL.match(fields[0]) for fields in first_records.values())
    return f"{default}-bare" if default in ("csv", "tsv") and starts_with_url else default


def _headerless_format(delimiter: str, fields: list[str]) -> str:
    """Raises InvalidManifest if the fields after the first may be a part of its URL."""
    fix = "Add a header line with the names of the columns, such as url,title"
    if _REST_OF_URL.fullmatch(fields[1].strip()):
        raise InvalidManifest(
            f"The first line of the manifest is not a header, and it is ambiguous whether its URL ends at the first "
            f"'{delimiter}'. {fix}, or put quotes around the URL."
        )
    if len(fields) > len(HEADERLESS_COLUMNS):
        raise InvalidManifest(
            f"The manifest has no header and {len(fields)} columns; "
            f"without a header, at most {len(HEADERLESS_COLUMNS)} are supported. {fix}."
        )
    return _FORMATS_BY_DELIMITER[delimiter][1]


def _first_record(head: str, delimiter: str) -> list[str]:
    records = csv.reader(io.StringIO(head, newline="\n"), delimiter=delimiter)
    try:
        return next((fields for fields in records if fields), [])
    except csv.Error:
        return []
