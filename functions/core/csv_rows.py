"""CSV, TSV and plain lists of URLs, by the rules of the state machine's own reader."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from functions.core.faults import InvalidManifest
from functions.core.rows import URL_COLUMNS
from functions.core.text import text

Row = dict[str, str]

csv.field_size_limit(256 * 1024)  # Step Functions hands no child more than that


def read(chunks: Iterable[bytes], delimiter: str) -> Iterator[Row]:
    """One dictionary a row, by the header. Raises InvalidManifest, with the line where there is one."""
    with text(chunks) as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            header = next((cells for cells in reader if cells), None)
            if header is None:
                return
            names = checked_header(header)
            for cells in reader:
                if cells:
                    yield _row(names, cells, reader.line_num)
        except csv.Error as error:
            raise InvalidManifest(f"Line {reader.line_num} of the manifest is not CSV: {error}.") from error


def checked_header(header: list[str]) -> list[str]:
    """Raises InvalidManifest where no column holds the URL, or two share a name."""
    if not any(name in URL_COLUMNS for name in header):
        found = ", ".join(header[:10])
        raise InvalidManifest(
            f"The manifest has no url column: its first line has {found}. Name the column of the URLs 'url'."
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InvalidManifest(f"Two columns of the manifest are named '{twice[0]}'. Give each its own name.")
    return header


def _row(names: list[str], cells: list[str], line: int) -> Row:
    """Step Functions would drop surplus fields in silence, and half of a URL with them; missing ones are empty."""
    if len(cells) > len(names):
        raise InvalidManifest(
            f"Line {line} of the manifest has {len(cells)} fields, its header {len(names)}. "
            "Put quotes around a value that holds the delimiter."
        )
    return dict(zip(names, cells + [""] * (len(names) - len(cells)), strict=True))


def write(rows: Iterable[Row], delimiter: str) -> Iterator[str]:
    """The header of the first row, then the rows."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    for number, row in enumerate(rows):
        if number == 0:
            writer.writerow(row)
        writer.writerow(row.values())
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def read_lines(chunks: Iterable[bytes]) -> Iterator[Row]:
    """One URL a line, as the reader gives it: the column is called url."""
    with text(chunks) as file:
        for line in file:
            if line.strip():
                yield {"url": line.rstrip("\r\n")}


def write_lines(rows: Iterable[Any]) -> Iterator[str]:
    """One URL a line."""
    for row in rows:
        yield f"{row['url']}\n"
