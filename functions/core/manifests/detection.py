"""Which format a manifest has: by its name, and among the delimited ones by its first line."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from functions.core.manifests.csv_rows import HEADERLESS_COLUMNS, URL_LIST_HEADER
from functions.core.manifests.formats import FORMATS, PARQUET, Format
from functions.core.manifests.gunzip import decompress_gzip
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import classify_columns

HEAD_BYTES = 64 * 1024
"""Of a manifest, to find its first line in."""

_URL = re.compile(r"\ufeff?\s*(https?:)?//\S", re.IGNORECASE)
_REST_OF_URL = re.compile(r"(?!https?://)\S*[/=]\S*")


@dataclass(frozen=True, slots=True)
class Extension:
    """What an extension says. `delimiters` are looked for in this order; with none of them it is `otherwise`."""

    extension: str
    otherwise: str
    delimiters: str = ""
    packs: bool = True


EXTENSIONS = (
    Extension(".csv", "csv", ",;|\t"),
    Extension(".tsv", "tsv", "\t,;|"),
    Extension(".txt", "txt", "\t"),
    Extension(".json", "json", packs=False),
    Extension(".jsonl", "jsonl"),
    Extension(".ndjson", "jsonl"),
    Extension(".parquet", PARQUET, packs=False),
)
_BY_DELIMITER = {
    ",": ("csv", "csv-bare"),
    ";": ("csv-semicolon", "csv-semicolon-bare"),
    "|": ("csv-pipe", "csv-pipe-bare"),
    "\t": ("tsv", "tsv-bare"),
}
_BY_NAME = {form.name: form for form in FORMATS}


def format_from_name(key: str) -> tuple[Extension, bool]:
    """What the name's end says, whatever its case, and whether it is gzipped.

    Raises InvalidManifest, which lists what is known.
    """
    name = key.rpartition("/")[2].lower()
    packed = name.endswith(".gz")
    for found in EXTENSIONS:
        if name.removesuffix(".gz").endswith(found.extension) and (found.packs or not packed):
            return found, packed
    known = ", ".join(found.extension for found in EXTENSIONS)
    gzipped = ", ".join(f"{found.extension}.gz" for found in EXTENSIONS if found.packs)
    raise InvalidManifest(
        f"The format of the manifest cannot be told from its name, '{key}'. Name it with one of: {known}, {gzipped}."
    )


def decompressed(key: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpacked where the name says that it is packed."""
    return decompress_gzip(chunks) if format_from_name(key)[1] else iter(chunks)


def detect_format(found: Extension, chunks: Iterator[bytes]) -> tuple[Format, Iterator[bytes]]:
    """The format, and the chunks with those that were read for it. Raises InvalidManifest."""
    first: list[bytes] = []
    while found.delimiters and sum(map(len, first)) < HEAD_BYTES:
        chunk = next(chunks, None)
        if chunk is None:
            break
        first.append(chunk)
    head = b"".join(first)[:HEAD_BYTES].decode("utf-8-sig", "replace")
    return _BY_NAME[_delimited(found, head)], chain(first, chunks)


def _delimited(found: Extension, head: str) -> str:
    first = {delimiter: _first_record(head, delimiter) for delimiter in found.delimiters}
    if any(cells[:1] == [URL_LIST_HEADER] for cells in first.values()):
        return "tsv-list"
    for delimiter, cells in first.items():
        if classify_columns(tuple(cells)).urls:
            return _BY_DELIMITER[delimiter][0]
    for delimiter, cells in first.items():
        if len(cells) > 1 and _URL.match(cells[0]):
            return _without_header(delimiter, cells)
    alone = found.otherwise in ("csv", "tsv") and any(cells and _URL.match(cells[0]) for cells in first.values())
    return f"{found.otherwise}-bare" if alone else found.otherwise


def _without_header(delimiter: str, cells: list[str]) -> str:
    """Raises InvalidManifest where what follows the URL may be a part of it."""
    mend = "Put a line before it that names the columns, such as url,title"
    if _REST_OF_URL.fullmatch(cells[1].strip()):
        raise InvalidManifest(
            "The first line of the manifest is no header, and it cannot be told whether its URL ends "
            f"at the first '{delimiter}'. {mend}, or put quotes around the URL."
        )
    if len(cells) > len(HEADERLESS_COLUMNS):
        raise InvalidManifest(
            f"The manifest has no header, and {len(cells)} columns; without a header it may have {len(BARE)}. {mend}."
        )
    return _BY_DELIMITER[delimiter][1]


def _first_record(head: str, delimiter: str) -> list[str]:
    try:
        return next((cells for cells in csv.reader(io.StringIO(head, newline="\n"), delimiter=delimiter) if cells), [])
    except csv.Error:
        return []
