"""Manifests whose content is not what their name says: what each is, and what to do."""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from posixpath import splitext

from functions.core.manifests.csv_rows import URL_LIST_HEADER
from functions.core.manifests.detection import EXTENSIONS, HEAD_BYTES, Extension, format_from_name
from functions.core.manifests.formats import PARQUET
from functions.core.manifests.signatures import ANY_TEXT, BINARY, JSON, MARKUP, OBJECT_ON_LINES, TEXT, Content, identify
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import classify_columns

SUFFIXES = tuple(extension.suffix for extension in EXTENSIONS)
_CSV, _TSV, _URL_LIST, _URLS = (
    Content(name, lambda _: True, extension)
    for name, extension in (("CSV", ".csv"), ("TSV", ".tsv"), ("a URL list", ".tsv"), ("a list of URLs", ".txt"))
)
_DELIMITERS = {",": _CSV, ";": _CSV, "|": _CSV, "\t": _TSV}
_JSON_FORMATS = ("json", "jsonl")
_URL = re.compile(r"\ufeff?\s*(https?:)?//\S", re.IGNORECASE)
_KNOWN_SUFFIX = re.compile("|".join(re.escape(suffix) for suffix in (*SUFFIXES, ".gz")), re.IGNORECASE)


def read_head(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first HEAD_BYTES, and all chunks."""
    head_chunks: list[bytes] = []
    while sum(map(len, head_chunks)) < HEAD_BYTES and (chunk := next(chunks, None)) is not None:
        head_chunks.append(chunk)
    return b"".join(head_chunks)[:HEAD_BYTES], itertools.chain(head_chunks, chunks)


def check_content(key: str, head: bytes, *, decompressed: bool = False) -> None:
    """Raises InvalidManifest if a file that begins with `head` is known to be no manifest of the format of its name.

    `decompressed` is true for the content of a gzip file.
    """
    extension, gzipped = format_from_name(key)
    content = _identify(head, extension)
    if content is None or _has_format(content, extension) or (gzipped and not decompressed and content.extension):
        return
    whose = "decompressed manifest" if decompressed else "manifest"
    raise InvalidManifest(
        f"The {whose} is {content.name}, but its name, '{key}', ends with {extension.suffix}{'.gz' * gzipped}. "
        f"{_fix(key, content, decompressed=decompressed)}"
    )


def describe_unsupported(key: str, head: bytes) -> str:
    """What a file is whose name has no supported extension, and what to do. Empty if it is not known."""
    content = _identify(head, None)
    return f" The manifest is {content.name}. {_fix(key, content, decompressed=False)}" if content else ""


def _identify(head: bytes, extension: Extension | None) -> Content | None:
    """The content, as far as it has to be known: a delimited text may be a list of any delimited format."""
    text = head.decode("utf-8-sig", "replace")
    listed = _list(text)
    if content := identify(head, BINARY):
        return content
    if extension is not None and extension.delimiters:
        if extension.default_format == "txt" and listed is _CSV and _has_columns(text):
            return _CSV
        may_be_list = listed is not None or text.lstrip().startswith('"')
        return None if may_be_list else identify(head, MARKUP) or identify(head, JSON)
    if content := identify(head, MARKUP) or identify(head, JSON):
        return content
    if extension is None or extension.default_format == PARQUET:
        return listed or _table(head, text) or identify(head, TEXT)
    if text.lstrip().startswith(('"', "{", "[")):  # JSON with an error, or a table with quotes
        return listed if listed is not _URLS else None
    return listed or _table(head, text)


def _list(text: str) -> Content | None:
    """The kind of a delimited text with a header that has a URL column, or with a URL at its beginning."""
    records = {delimiter: _first_record(text, delimiter) for delimiter in _DELIMITERS}
    if any(fields[:1] == [URL_LIST_HEADER] for fields in records.values()):
        return _URL_LIST
    if any(_URL.match(field) for fields in records.values() for field in fields[:1]):
        return _URLS
    with_url = next((delimiter for delimiter, fields in records.items() if classify_columns(tuple(fields)).urls), None)
    return None if with_url is None else _DELIMITERS[with_url]


def _has_columns(text: str) -> bool:
    """True if the header has more columns than that of the URLs: a list of URLs may have a header too."""
    return any(len(fields) > 1 for fields in (_first_record(text, delimiter) for delimiter in _DELIMITERS))


def _first_record(text: str, delimiter: str) -> list[str]:
    return next(iter(_records(text, delimiter, 1)), [])


def _records(text: str, delimiter: str, count: int) -> list[list[str]]:
    """The first records that are not blank. Empty if the text is not CSV."""
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter)
    try:
        return list(itertools.islice(filter(None, reader), count))
    except csv.Error:
        return []


def _table(head: bytes, text: str) -> Content | None:
    """The kind of a text whose first two lines have the same number of fields."""
    if identify(head, TEXT) is not ANY_TEXT:
        return None
    for delimiter, content in _DELIMITERS.items():
        widths = [len(fields) for fields in _records(text, delimiter, 2)]
        if len(widths) == 2 and widths[0] == widths[1] > 1:
            return content
    return None


def _has_format(content: Content, extension: Extension) -> bool:
    if not content.extension:  # the validation of the format has better sentences about JSON
        formats = _JSON_FORMATS[:1] if content is OBJECT_ON_LINES else _JSON_FORMATS
        return content in JSON and extension.default_format in formats
    return any(
        known.suffix == content.extension and known.default_format == extension.default_format for known in EXTENSIONS
    )


def _fix(key: str, content: Content, *, decompressed: bool) -> str:
    name = key.rpartition("/")[2]
    if content.extension == ".gz":
        if decompressed:
            return "Compress it once."
        if name.lower().endswith((f".{PARQUET}", f".{PARQUET}.gz")):
            return "Decompress it: the columns of Parquet are compressed in the file."
        return (
            f"Name it '{name}.gz'."
            if name.lower().endswith(SUFFIXES)
            else "Name it after the list in it, such as list.csv.gz."
        )
    if not content.extension:
        return content.fix
    stem = splitext(name)[0]
    while _KNOWN_SUFFIX.fullmatch(splitext(stem)[1]):
        stem = splitext(stem)[0]
    gz = ".gz" * (decompressed and content.extension != f".{PARQUET}")
    return f"Name it '{stem}{content.extension}{gz}'."
