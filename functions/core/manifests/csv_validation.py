"""Validation of CSV: every row is checked for what Step Functions would read differently. No row is kept in memory."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from functions.core.manifests.contents import MAX_COLUMNS, MIN_CHECKED_CHARACTERS, ManifestContents, is_too_large
from functions.core.manifests.csv_rows import Dialect, Record, split_header
from functions.core.manifests.line_errors import (
    BACKSLASH,
    CARRIAGE_RETURN,
    OPEN_QUOTE,
    TOO_LARGE,
    LineErrors,
    check_blank_lines,
    too_many_fields,
)
from functions.core.manifests.streams import MAX_LINE_BYTES, open_lines
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import classify_columns, invalid_header_columns

MAX_HEADER_BYTES = 10 * 1024
"""Maximum size of a CSV header in Step Functions, in bytes
(docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html)."""


def validate_csv(
    chunks: Iterable[bytes], dialect: Dialect, truncated: Callable[[], bool] = lambda: False
) -> ManifestContents:
    """The contents. Raises InvalidManifest.

    `truncated` is called after the chunks were read, and returns True if they are only the beginning of the manifest.
    """
    errors = LineErrors()
    with open_lines(chunks) as file:
        lines = _Lines(file, errors)
        names, rows = split_header(_records(lines, dialect.delimiter, errors, truncated), dialect)
        if not dialect.column_names and names:
            errors.raise_if_any()
            validate_header(names)
        count = _validate_rows(rows, names, lines, errors)
    errors.raise_if_any()
    columns = classify_columns(tuple(names)).user_columns[:MAX_COLUMNS]
    return ManifestContents(count, columns, _note(dialect, names))


def _validate_rows(rows: Iterator[Record], names: list[str], lines: "_Lines", errors: LineErrors) -> int:
    """The number of rows."""
    width, count, surplus = len(names), 0, too_many_fields(len(names))
    for line, fields in rows:
        count += 1
        if len(fields) > width:
            errors.add(surplus, line, len(fields))
        if lines.record_characters > MIN_CHECKED_CHARACTERS and is_too_large(dict(zip(names, fields, strict=False))):
            errors.add(TOO_LARGE, line)
        lines.record_characters = 0
    return count


class _RecordTooLongError(Exception):
    """A record has more characters than a line may have bytes."""


class _Lines:
    """Lines for a CSV reader. `record_characters` is the length of the current record, set to 0 by its reader.

    Raises _RecordTooLongError: a reader keeps all fields of a record, and with quotes it can have any number of lines.
    """

    def __init__(self, file: Iterable[str], errors: LineErrors) -> None:
        self._file = file
        self._errors = errors
        self.record_characters = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._file, start=1):
            if "\\" in line:
                self._errors.add(BACKSLASH, number)
            if "\r" in line and "\r" in line.removesuffix("\n").removesuffix("\r"):
                self._errors.add(CARRIAGE_RETURN, number)
                line = line.replace("\r", " ").rstrip("\n") + "\n"  # csv.reader rejects a carriage return in a line
            self.record_characters += len(line)
            if self.record_characters > MAX_LINE_BYTES:
                raise _RecordTooLongError
            yield _without_trailing_spaces(line) if '" ' in line else line


def _without_trailing_spaces(line: str) -> str:
    """Without spaces after a quotation mark at the end: a strict csv.reader rejects them."""
    content = line.rstrip(" \r\n")
    return content + "\n" if content.endswith('"') else line


def _records(lines: _Lines, delimiter: str, errors: LineErrors, truncated: Callable[[], bool]) -> Iterator[Record]:
    """Each record that is not blank, with the number of its first line. Continues after an error."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    previous_line = blank = 0
    while True:
        try:
            for fields in reader:
                if fields:
                    yield previous_line + 1, fields
                else:
                    blank += 1
                    lines.record_characters = 0
                    check_blank_lines(blank, reader.line_num - blank)
                previous_line = reader.line_num
            return
        except _RecordTooLongError:
            errors.add(TOO_LARGE, previous_line + 1)
            errors.raise_if_any()
        except csv.Error as error:
            message, first_line = str(error), previous_line + 1
            if "end of data" not in message or not truncated():
                one_line = first_line == reader.line_num
                errors.add(TOO_LARGE if "field larger" in message and one_line else OPEN_QUOTE, first_line)
            previous_line = reader.line_num


def validate_header(header: list[str]) -> None:
    """Raises InvalidManifest if it is too long, has no URL column, or two columns with the same name."""
    if len(",".join(header).encode()) > MAX_HEADER_BYTES:
        raise InvalidManifest(
            "The header of the manifest is longer than 10 KB, the limit of Step Functions. Remove columns, or shorten "
            "their names."
        )
    columns = classify_columns(tuple(header))
    if not columns.urls:
        names = ", ".join(header[:10])
        raise InvalidManifest(
            f"The manifest has no url column: its first line has {names}. Name the column of the URLs 'url'."
        )
    repeated = sorted(name for name, count in Counter(header).items() if count > 1)
    if repeated:
        problem = f"are named '{repeated[0]}'" if repeated[0] else "have no name"
        raise InvalidManifest(f"Two columns of the manifest {problem}. Give each column its own name.")
    if columns.conflicting is not None:
        raise InvalidManifest(
            f"Both '{columns.urls[0]}' and '{columns.conflicting}' could be the URL column. Name one of them 'url'."
        )
    if (invalid := invalid_header_columns(columns)) is not None:
        raise InvalidManifest(invalid)


def _note(dialect: Dialect, names: list[str]) -> str:
    if not dialect.first_row_sets_width or not names:
        return ""
    others = f", the others as {names[1]} to {names[-1]}" if len(names) > 1 else ""
    return f"The manifest has no header: its first column was taken as url{others}."
