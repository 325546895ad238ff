"""Validation of CSV: every row is checked for what Step Functions would read differently. No row is kept in memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from functions.core.manifests.columns.url_columns import (
    MAX_SAMPLE_ROWS,
    UrlSample,
    possible_url_columns,
    reject_several_urls,
    resolve,
)
from functions.core.manifests.contents import (
    MIN_CHECKED_CHARACTERS,
    ManifestContents,
    is_too_large,
    notes,
)
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
    TOO_LARGE,
    too_many_fields,
)
from functions.core.manifests.ranges.csv_records import CsvLines, csv_records
from functions.core.manifests.ranges.tally import MAX_COLUMNS, Layout, Tally
from functions.core.manifests.streams import open_lines
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
    check = CsvCheck(dialect, rules)
    check.read(chunks, truncated)
    check.close()
    return check.contents()


class CsvCheck:
    """The validation of a delimited manifest: of all of it, or with a `layout` of the rows after the first ones."""

    def __init__(
        self, dialect: Dialect, rules: RowRules, layout: Layout | None = None, tally: Tally | None = None
    ) -> None:
        self.tally = tally or Tally()
        self._dialect = dialect
        self._rules = replace(rules, url_column="") if dialect.fixed_columns else rules
        self._table = self._new_table(list(layout.names), layout) if layout else None

    @property
    def delimiter(self) -> str:
        return self._dialect.delimiter

    @property
    def layout(self) -> Layout | None:
        """None until it is known."""
        return self._table.layout if self._table else None

    def read(self, chunks: Iterable[bytes], truncated: Callable[[], bool] = lambda: False, start: int = 0) -> None:
        """Reads lines, of which the first begins at the byte `start`. Raises InvalidManifest for what makes the rest
        useless; other errors are added to the tally."""
        errors = self.tally.errors
        with open_lines(chunks, start) as file:
            lines = CsvLines(file, errors, has_skipped_line=not start and self._dialect.skipped_records > 0)
            rows = csv_records(lines, self._dialect.delimiter, self.tally, truncated)
            if self._table is None:
                names, rows = split_header(rows, self._dialect)
                if names:
                    errors.raise_if_any()
                    validate_header(names)
                self._table = self._new_table(names)
            self._table.validate(rows, lines)

    def close(self) -> None:
        """Adds what was read to the tally. Raises InvalidManifest."""
        if self._table is not None:
            self._table.close()

    def contents(self) -> ManifestContents:
        """Raises InvalidManifest."""
        self.tally.errors.raise_if_any()
        assert self._table is not None, "The manifest was read."
        return self._table.contents(_note(self._dialect, self._table.names))

    def _new_table(self, names: list[str], layout: Layout | None = None) -> "_Table":
        return _Table(names, self._rules, self.tally, layout, fixed_columns=self._dialect.fixed_columns)


class _Table:
    """The rows below a header, validated one by one. With a `layout`, the first MAX_SAMPLE_ROWS were before them."""

    def __init__(
        self, names: list[str], rules: RowRules, tally: Tally, layout: Layout | None, *, fixed_columns: bool
    ) -> None:
        self.names = names
        self._requested = self._rules = rules
        self._tally = tally
        self._errors = tally.errors
        self._checks = tally.checks
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
        self._before = self._count = self._blank = 0
        if layout is not None:
            self._before = self._count = MAX_SAMPLE_ROWS
            self._set_rules(replace(rules, url_column=layout.url_column))

    @property
    def layout(self) -> Layout | None:
        """None until it is known."""
        return Layout(tuple(self.names), self._rules.url_column) if self._count >= MAX_SAMPLE_ROWS else None

    def validate(self, rows: Iterable[Record], lines: CsvLines) -> None:
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
            if characters > MIN_CHECKED_CHARACTERS and is_too_large(dict(zip(self.names, fields, strict=False))):
                self._errors.add(TOO_LARGE, line)
            lines.record_characters = 0

    def close(self) -> None:
        """Adds the number of rows and their hosts to the tally. Raises InvalidManifest."""
        if self._count < MAX_SAMPLE_ROWS:
            self._find_url_column()
        self._tally.rows += self._count - self._before
        self._tally.blank_rows += self._blank
        for counter, _ in self._hosts.values():
            self._tally.hosts = self._tally.hosts.plus(counter.counts())

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
        if self.names:
            self._set_rules(resolve(self.names[: self._width], self._rules, self._sample))
            try:
                reject_several_urls(self._columns, self._rules, self._sample)
            except InvalidManifest:  # errors of single lines take precedence
                self._errors.raise_if_any()
                raise

    def _set_rules(self, rules: RowRules) -> None:
        """With the URL column, whose hosts alone are counted from now on."""
        self._rules = rules
        column = possible_url_columns(self._columns, rules)[0]
        self._hosts = {column: self._hosts[column]}

    def contents(self, note: str) -> ManifestContents:
        if not self.names:
            return ManifestContents(0, note=note, rules=self._rules)
        own = self._checks.own_columns()
        rules = replace(self._rules, own_columns=(*self._rules.own_columns, *own))
        columns = dict.fromkeys(classify_columns(tuple(self.names[: self._width]), rules).user_columns)
        return ManifestContents(
            self._tally.rows,
            tuple(columns)[:MAX_COLUMNS],
            " ".join(filter(None, (note, notes(self._requested, self._rules, own)))),
            rules,
            self._tally.blank_rows,
            self._tally.hosts,
        )


def _values(columns: Mapping[str, list[int]], fields: list[str]) -> Mapping[str, object]:
    return {name: value_of(fields, indexes) for name, indexes in columns.items()}


def _without_trailing(fields: list[str]) -> list[str]:
    """Without the fields at the end that have no text."""
    return fields[: max((index for index, field in enumerate(fields, start=1) if field.strip()), default=0)]


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
