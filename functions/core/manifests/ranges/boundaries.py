"""Where a row of a manifest may begin, found without reading what is before it.

A quoted value of CSV may have line feeds in it, so a line need not be the beginning of a row. At the end of a line, the
reader is between two rows or in a quoted value. Both are followed through the next lines, until no quoted value can be
open any more: soon after the next quotation mark, because the reader is strict, or after as many characters as a value
may have.
"""

import csv
from collections.abc import Iterable, Iterator

from functions.core.manifests.line_errors import LineErrors
from functions.core.manifests.ranges.csv_records import CsvLines
from functions.core.manifests.streams import MAX_LINE_BYTES

MAX_SEARCH_BYTES = 8 * 1024 * 1024
"""Number of bytes in which a boundary is looked for. A row has at most 1.1 MB."""


def find_boundary(chunks: Iterable[bytes], delimiter: str | None) -> int | None:
    """The number of bytes up to the end of a line after which a row begins. None if there is none in the chunks.

    `delimiter` is None if each line is a row. What is found does not depend on what is before the chunks, and is not
    before what is found in more of them.
    """
    open_characters: int | None = 0
    for number, (line, end) in enumerate(_lines(chunks)):
        if number and open_characters is not None and delimiter is not None:
            open_characters = _open_after(line, open_characters, delimiter)
        if open_characters is None or delimiter is None:
            return end
        if end > MAX_SEARCH_BYTES:
            return None
    return None


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """The lines that end with a line feed, each with the number of bytes up to its end."""
    end, pieces = 0, list[bytes]()
    for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            whole = b"".join((*pieces, line, b"\n"))
            pieces.clear()
            end += len(whole)
            yield whole, end
        pieces.append(rest)
        if end + sum(map(len, pieces)) > MAX_SEARCH_BYTES:
            return


def _open_after(line: bytes, open_characters: int, delimiter: str) -> int | None:
    """How many characters a quoted value has at least that is open after the line, or None if no value can be open.

    Before the line, there may be none, or one of at least `open_characters`.
    """
    text = line.decode("utf-8", "replace")
    if '"' not in text:
        return _if_allowed(open_characters + len(text))
    if len(text) > MAX_LINE_BYTES:  # the validation ends here
        return None
    [read] = CsvLines([text], LineErrors())
    lengths = (_open_value(read, None, delimiter), _open_value(f'"{read}', open_characters, delimiter))
    return min((length for length in lengths if length is not None), default=None)


def _open_value(text: str, open_characters: int | None, delimiter: str) -> int | None:
    """The number of characters of the value that is open after the text, which begins with the rest of an open one
    unless `open_characters` is None. None if no value is open, also after an error: then the next line is a new row."""
    try:
        for _ in csv.reader([text], delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        if "end of data" in str(error):
            [values] = csv.reader([text], delimiter=delimiter)
            before = open_characters or 0 if len(values) == 1 else 0
            return _if_allowed(before + len(values[-1]))
    return None


def _if_allowed(characters: int) -> int | None:
    """None for more characters than the reader allows, which is an error."""
    return characters if characters <= csv.field_size_limit() else None
