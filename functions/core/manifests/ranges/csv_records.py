"""The records of a delimited manifest, read strictly: what Step Functions would read differently is an error."""

import csv
from collections.abc import Callable, Iterable, Iterator

from functions.core.manifests.csv_rows import Record
from functions.core.manifests.line_errors import (
    BACKSLASH,
    CARRIAGE_RETURN,
    OPEN_QUOTE,
    TOO_LARGE,
    LineErrors,
    check_blank_lines,
)
from functions.core.manifests.ranges.tally import Tally
from functions.core.manifests.streams import MAX_LINE_BYTES


class _RecordTooLongError(Exception):
    """A record has more characters than a line may have bytes."""


class CsvLines:
    """Lines for a CSV reader. `record_characters` is the length of the current record, set to 0 by its reader.

    Raises _RecordTooLongError: a reader keeps all fields of a record, and with quotes it can have any number of lines.
    """

    def __init__(self, file: Iterable[str], errors: LineErrors, *, has_skipped_line: bool = False) -> None:
        self._file = file
        self._errors = errors
        self._first_row_line = 2 if has_skipped_line else 1
        self.record_characters = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._file, start=1):
            if "\\" in line and number >= self._first_row_line:
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


def csv_records(lines: CsvLines, delimiter: str, tally: Tally, truncated: Callable[[], bool]) -> Iterator[Record]:
    """Each record that is not blank, with the number of its first line. Continues after an error."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    errors, previous_line = tally.errors, 0
    errors.lines_before = tally.lines
    while True:
        try:
            for fields in reader:
                if fields:
                    yield previous_line + 1, fields
                else:
                    tally.blank_lines += 1
                    lines.record_characters = 0
                    if not tally.partial:
                        check_blank_lines(tally.blank_lines, tally.lines + reader.line_num - tally.blank_lines)
                previous_line = reader.line_num
            tally.lines += reader.line_num
            return
        except _RecordTooLongError:
            errors.add(TOO_LARGE, previous_line + 1)
            errors.raise_if_any()
        except csv.Error as error:
            message, first_line = str(error), previous_line + 1
            if "end of data" not in message or not truncated():
                one_line = first_line == reader.line_num
                errors.add(TOO_LARGE if "field larger" in message and one_line else OPEN_QUOTE, first_line)
            previous_line, lines.record_characters = reader.line_num, 0
