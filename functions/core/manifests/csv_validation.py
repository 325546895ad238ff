"""Validation of CSV: every row is checked for what Step Functions would read differently. No row is kept in memory."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from functions.core.manifests.columns.check_columns import CheckColumns
from functions.core.manifests.columns.url_columns import (
    MAX_SAMPLE_ROWS,
    UrlSample,
    possible_url_columns,
    reject_several_urls,
    resolve,
)
from functions.core.manifests.contents import MAX_COLUMNS, MIN_CHECKED_CHARACTERS, ManifestContents, is_too_large, notes
from functions.core.manifests.csv_rows import (
    Dialect,
    Record,
    columns_by_name,
    named_columns,
    split_header,
    value_of,
)
from functions.core.manifests.hosts import HostCounter
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
from functions.core.model.rows import DEFAULT_RULES, RowRules, classify_columns, invalid_header_columns

MAX_HEADER_BYTES = 10 * 1024
"""Maximum size of a CSV header in Step Functions, in bytes
(docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html)."""


def validate_csv(
    chunks: Iterable[bytes],
    dialect: Dialect,
    truncated: Callable[[], bool] = lambda: False,
    rules: RowRules = DEFAULT_RULES,
) -> ManifestContents:
    """The contents. Raises InvalidManifest.

    `truncated` is called after the chunks were read, and returns True if they are only the beginning of the manifest.
    """
    errors = LineErrors()
    with open_lines(chunks) as file:
        lines = _Lines(file, errors, has_skipped_line=dialect.skipped_records > 0)
        names, rows = split_header(_records(lines, dialect.delimiter, errors, truncated), dialect)
        if names:
            errors.raise_if_any()
            validate_header(names)
        table = _Table(names, rules, errors, fixed_columns=dialect.fixed_columns)
        table.validate(rows, lines)
    errors.raise_if_any()
    return table.contents(_note(dialect, names))


class _Table:
    """The rows below a header, validated one by one."""

    def __init__(self, names: list[str], rules: RowRules, errors: LineErrors, *, fixed_columns: bool) -> None:
        self._names = names
        self._requested = self._rules = replace(rules, url_column="") if fixed_columns else rules
        self._errors = errors
        self._width = len(named_columns(names))
        self._columns = columns_by_name(names[: self._width])
        self._repeated = {name: indexes for name, indexes in self._columns.items() if len(indexes) > 1}
        reserved = {} if fixed_columns else classify_columns(tuple(self._columns), rules).reserved
        self._checked = {name: self._columns[column] for name, column in reserved.items()}
        self._hosts = {
            name: (HostCounter(self._rules), self._columns[name])
            for name in possible_url_columns(self._columns, self._rules)
        }
        self._sample = UrlSample()
        self._checks = CheckColumns()
        self._count = self._blank = 0

    def validate(self, rows: Iterable[Record], lines: "_Lines") -> None:
        """Raises InvalidManifest for what makes the rest useless; other errors are added to `errors`."""
        surplus = too_many_fields(self._width)
        for line, fields in rows:
            self._count += 1
            if len(fields) > self._width and any(map(str.strip, fields[self._width :])):
                self._errors.add(surplus, line, len(_without_trailing(fields)))
            if not fields[0].strip() and not any(map(str.strip, fields)):
                self._blank += 1
            elif self._repeated:
                self._check_repeated(fields)
            if self._count <= MAX_SAMPLE_ROWS or self._checked:
                self._inspect(fields)
            self._count_host(fields)
            characters = lines.record_characters
            if characters > MIN_CHECKED_CHARACTERS and is_too_large(dict(zip(self._names, fields, strict=False))):
                self._errors.add(TOO_LARGE, line)
            lines.record_characters = 0
        if self._count < MAX_SAMPLE_ROWS:
            self._find_url_column()

    def _count_host(self, fields: list[str]) -> None:
        for counter, indexes in self._hosts.values():
            if len(indexes) == 1 and len(fields) == self._width:
                counter.add(fields[indexes[0]])
            else:
                counter.add(value_of(fields, indexes))

    def _inspect(self, fields: list[str]) -> None:
        if self._count <= MAX_SAMPLE_ROWS:
            self._sample.add(_values(self._columns, fields))
        if self._count == MAX_SAMPLE_ROWS:
            self._find_url_column()
        self._checks.add(_values(self._checked, fields))

    def _check_repeated(self, fields: list[str]) -> None:
        for name, indexes in self._repeated.items():
            if sum(index < len(fields) and fields[index].strip() != "" for index in indexes) > 1:
                raise InvalidManifest(_two_columns(name))

    def _find_url_column(self) -> None:
        if self._names:
            self._rules = resolve(self._names[: self._width], self._rules, self._sample)
            column = possible_url_columns(self._columns, self._rules)[0]
            self._hosts = {column: self._hosts[column]}

    def contents(self, note: str) -> ManifestContents:
        if not self._names:
            return ManifestContents(0, note=note, rules=self._rules)
        reject_several_urls(self._columns, self._rules, self._sample)
        own = self._checks.own_columns()
        rules = replace(self._rules, own_columns=(*self._rules.own_columns, *own))
        columns = dict.fromkeys(classify_columns(tuple(self._names[: self._width]), rules).user_columns)
        return ManifestContents(
            self._count,
            tuple(columns)[:MAX_COLUMNS],
            " ".join(filter(None, (note, notes(self._requested, self._rules, own)))),
            rules,
            self._blank,
            next(counter.counts() for counter, _ in self._hosts.values()),
        )


def _values(columns: Mapping[str, list[int]], fields: list[str]) -> Mapping[str, object]:
    return {name: value_of(fields, indexes) for name, indexes in columns.items()}


def _without_trailing(fields: list[str]) -> list[str]:
    """Without the fields at the end that have no text."""
    return fields[: max((index for index, field in enumerate(fields, start=1) if field.strip()), default=0)]


class _RecordTooLongError(Exception):
    """A record has more characters than a line may have bytes."""


class _Lines:
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
    """Raises InvalidManifest if it is too long, or has a column with a meaning twice."""
    if len(",".join(header).encode()) > MAX_HEADER_BYTES:
        raise InvalidManifest(
            "The header of the manifest is longer than 10 KB, the limit of Step Functions. Remove columns, or shorten "
            "their names."
        )
    columns = classify_columns(tuple(header))
    ours = {*columns.urls, *columns.reserved.values()}
    repeated = sorted(name for name, count in Counter(header).items() if count > 1 and name in ours)
    if repeated:
        raise InvalidManifest(_two_columns(repeated[0]))
    if (invalid := invalid_header_columns(columns)) is not None:
        raise InvalidManifest(invalid)


def _two_columns(name: str) -> str:
    problem = f"are named '{name}'" if name else "have no name"
    return f"Two columns of the manifest {problem}. Give each column its own name."


def _note(dialect: Dialect, names: list[str]) -> str:
    if not dialect.first_row_sets_width or not names:
        return ""
    others = f", the others as {names[1]} to {names[-1]}" if len(names) > 1 else ""
    return f"The manifest has no header: its first column was taken as url{others}."
