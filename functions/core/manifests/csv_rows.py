"""Rows of CSV, TSV and URL lists, read by the rules of the CSV reader of Step Functions."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from functions.core.manifests.streams import open_lines
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import UNNAMED_COLUMNS

Row = Mapping[str, str]
Record = tuple[int, list[str]]
"""Line number and fields of a CSV record."""

URL_LIST_HEADER = "TsvHttpData-1.0"
"""First line of a URL list of Storage Transfer Service. URL, size and base64 MD5 follow on each line
(cloud.google.com/storage-transfer/docs/create-url-list)."""

csv.field_size_limit(256 * 1024)  # the maximum size of the input of an execution


@dataclass(frozen=True, slots=True)
class Dialect:
    """`column_names` are the names for the reader if the first record is not a header.

    With `first_row_sets_width`, only as many of them are used as the first row has fields. The first `skipped_records`
    are not rows. Of columns with the same name, one may have a value in each row. With `fixed_columns`, the meaning of
    the columns does not depend on the options.
    """

    delimiter: str
    column_names: tuple[str, ...] = ()
    first_row_sets_width: bool = False
    skipped_records: int = 0
    fixed_columns: bool = False


COMMA, SEMICOLON, PIPE, TAB = map(Dialect, ",;|\t")
HEADERLESS_COLUMNS = ("url", *UNNAMED_COLUMNS)
URL_LINES = Dialect("\t", ("url",), fixed_columns=True)  # a URL contains no tab, so that a line is one field
URL_LIST = Dialect("\t", ("url", "size", "md5"), skipped_records=1, fixed_columns=True)


def headerless(dialect: Dialect) -> Dialect:
    """The same dialect for files without a header."""
    return Dialect(dialect.delimiter, HEADERLESS_COLUMNS, first_row_sets_width=True, fixed_columns=True)


def numbered_rows(chunks: Iterable[bytes], dialect: Dialect) -> Iterator[tuple[int, Row]]:
    """Each row with its line number. Raises InvalidManifest.

    Rows that `csv_validation` would reject are read as Step Functions reads them: surplus fields are dropped, missing
    ones are empty.
    """
    with open_lines(chunks) as file:
        lines = (_without_last_backslash(line) if "\\" in line else line for line in file)
        reader = csv.reader(lines, delimiter=dialect.delimiter, escapechar="\\")
        records = ((reader.line_num, fields) for fields in reader if fields)
        try:
            names, rows = split_header(records, dialect)
            width = len(names)
            columns = columns_by_name(names)
            for line, fields in rows:
                fields += [""] * (width - len(fields))
                if len(columns) == width:
                    yield line, dict(zip(names, fields, strict=False))
                else:
                    yield line, {name: value_of(fields, indexes) for name, indexes in columns.items()}
        except csv.Error as error:
            raise InvalidManifest(f"Line {reader.line_num} of the manifest is not valid CSV: {error}.") from error


def _without_last_backslash(line: str) -> str:
    """Without a backslash that escapes the end of the line: Step Functions ignores it, and Python would join lines."""
    content = line.rstrip("\r\n")
    odd = (len(content) - len(content.rstrip("\\"))) % 2
    return content[: len(content) - odd] + line[len(content) :]


def split_header(records: Iterator[Record], dialect: Dialect) -> tuple[list[str], Iterator[Record]]:
    """The column names, and the records that are rows."""
    if not dialect.column_names:
        return next(records, (0, []))[1], records
    for _ in range(dialect.skipped_records):
        next(records, None)
    if not dialect.first_row_sets_width:
        return list(dialect.column_names), records
    first = next(records, None)
    if first is None:
        return [], records
    return list(dialect.column_names[: len(first[1])]), chain([first], records)


def named_columns(header: Sequence[str]) -> tuple[str, ...]:
    """The header without the empty names at its end, if there is more than one: a spreadsheet adds them."""
    names = tuple(header)
    while len(names) > 1 and not names[-1] and header.count("") > 1:
        names = names[:-1]
    return names


def columns_by_name(names: Iterable[str]) -> dict[str, list[int]]:
    """The columns of each name."""
    columns: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        columns.setdefault(name, []).append(index)
    return columns


def value_of(fields: Sequence[str], columns: Iterable[int]) -> str:
    """The first value that has text."""
    values = (fields[index] for index in columns if index < len(fields))
    return next((value for value in values if value.strip()), "")


def is_blank(item: object) -> bool:
    """True for a row of a spreadsheet without text."""
    return isinstance(item, dict) and all(isinstance(value, str) and not value.strip() for value in item.values())


def write_rows(rows: Iterable[Row], delimiter: str) -> Iterator[str]:
    """A line for each row."""
    return (record(row.values(), delimiter) for row in rows)


def record(fields: Iterable[str], delimiter: str) -> str:
    """A line of these fields."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerow(fields)
    return buffer.getvalue()
