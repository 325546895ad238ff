"""CSV, TSV and plain lists of URLs, by the rules of the state machine's own reader."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from functions.core.manifests.streams import open_text
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import UNNAMED_COLUMNS

Row = dict[str, str]
Records = Iterator[tuple[int, list[str]]]

URL_LIST_HEADER = "TsvHttpData-1.0"
"""The first line of a URL list as Storage Transfer Service takes it; then URL, size and base64 MD5 on each line."""

csv.field_size_limit(256 * 1024)  # Step Functions hands no child more than that


@dataclass(frozen=True, slots=True)
class Dialect:
    """`given` are the columns where the reader names them, not the first row.

    `narrow`: only as many of them as the first row has fields. `magic`: the first line is no row.
    """

    delimiter: str
    given: tuple[str, ...] = ()
    narrow: bool = False
    magic: bool = False


COMMA, SEMICOLON, PIPE, TAB = map(Dialect, ",;|\t")
HEADERLESS_COLUMNS = ("url", *UNNAMED_COLUMNS)
URL_LINES = Dialect("\t", ("url",))  # no URL holds a tab, so a line is a field
URL_LIST = Dialect("\t", ("url", "size", "md5"), magic=True)


def headerless(dialect: Dialect) -> Dialect:
    """The same without a header."""
    return Dialect(dialect.delimiter, HEADERLESS_COLUMNS, narrow=True)


def numbered_rows(chunks: Iterable[bytes], dialect: Dialect) -> Iterator[tuple[int, Row]]:
    """Each row with its line. What the check refuses is read as Step Functions would: surplus fields are dropped,
    missing ones are empty, and so on. Raises InvalidManifest where that cannot be known."""
    with open_text(chunks) as file:
        lines = (_without_last_backslash(line) if "\\" in line else line for line in file)
        reader = csv.reader(lines, delimiter=dialect.delimiter, escapechar="\\")
        records: Records = ((reader.line_num, cells) for cells in reader if cells)
        try:
            names, records = split_header(records, dialect)
            width = len(names)
            for line, cells in records:
                yield line, dict(zip(names, cells + [""] * (width - len(cells)), strict=False))
        except csv.Error as error:
            raise InvalidManifest(f"Line {reader.line_num} of the manifest is not CSV: {error}.") from error


def _without_last_backslash(line: str) -> str:
    """At the end of a line it escapes nothing to Step Functions, and the line's end to Python."""
    headerless = line.rstrip("\r\n")
    odd = (len(headerless) - len(headerless.rstrip("\\"))) % 2
    return headerless[: len(headerless) - odd] + line[len(headerless) :]


def split_header(
    records: Iterator[tuple[int, list[str]]], dialect: Dialect
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names of the columns, and the records that are rows."""
    if not dialect.given or dialect.magic:
        first = next(records, (0, []))[1]
        return list(dialect.given) or first, records
    if not dialect.narrow:
        return list(dialect.given), records
    start = next(records, None)
    return list(dialect.given[: len(start[1])] if start else []), chain([start] if start else [], records)


def write_rows(rows: Iterable[Row], delimiter: str) -> Iterator[str]:
    """The header of the first row, then the rows."""
    for number, row in enumerate(rows):
        if number == 0:
            yield _record(row, delimiter)
        yield _record(row.values(), delimiter)


def write_url_lines(rows: Iterable[Row]) -> Iterator[str]:
    """One URL a line."""
    for row in rows:
        yield _record(row.values(), URL_LINES.delimiter)


def write_url_list(rows: Iterable[Row]) -> Iterator[str]:
    """A URL list with its first line."""
    yield URL_LIST_HEADER + "\n"
    yield from write_url_lines(rows)


def _record(cells: Iterable[str], delimiter: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
