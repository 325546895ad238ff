"""The layout of a delimited manifest, by its first lines: its delimiter, its header, and what is above the header."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from functions.core.manifests.columns.url_columns import is_url, may_be_header
from functions.core.manifests.csv_rows import (
    HEADERLESS_COLUMNS,
    URL_LIST_HEADER,
    Dialect,
    columns_by_name,
    named_columns,
)
from functions.core.manifests.formats import Format, copied_format, known_format
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import RowRules, classify_columns

MAX_RECORDS = 20
"""Number of records in which the header is looked for: exports have a title and blank lines above it."""

_SEPARATOR_LINE = re.compile(r"""\s*"?sep=(\\t|[^\r\n])"?[,;|\t ]*(?:\r?\n|\Z)""", re.I)
"""The first line that Excel writes and reads to name the delimiter."""

_URL = re.compile(r"\ufeff?\s*(https?:)?//\S", re.IGNORECASE)
_REST_OF_URL = re.compile(r"(?!https?://)\S*[/=]\S*")
_REPEATED = "columns of its header have the same name, or none"
_URL_ELSEWHERE = "it has no header, and its URLs are not in the first column"
_ADD_HEADER = "Add a header line with the names of the columns, such as url,title"

_FORMATS_BY_DELIMITER = {
    ",": ("csv", "csv-bare"),
    ";": ("csv-semicolon", "csv-semicolon-bare"),
    "|": ("csv-pipe", "csv-pipe-bare"),
    "\t": ("tsv", "tsv-bare"),
}
"""Names of the formats with and without a header."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The first records for each possible delimiter, and how many were removed above them: rows without text, and a
    line that has `declared` the delimiter.

    `quoted` is true if a byte order mark is followed by a quotation mark.
    """

    records: Mapping[str, list[list[str]]]
    above: Mapping[str, int]
    declared: bool
    quoted: bool

    @classmethod
    def read(cls, head: str, delimiters: str) -> "_Head":
        """Raises InvalidManifest if another delimiter is declared than those that are supported."""
        text = head.removeprefix("\ufeff")
        separator = _SEPARATOR_LINE.match(text)
        records, above = {}, {}
        for delimiter in [_declared(separator[1])] if separator else delimiters:
            found = _records(text, delimiter)
            removed = 1 if separator else 0
            while removed < len(found) and not any(map(str.strip, found[removed])):
                removed += 1
            records[delimiter], above[delimiter] = found[removed:], removed
        return cls(records, above, separator is not None, head.startswith('\ufeff"'))

    def firsts(self) -> Iterator[tuple[str, list[str]]]:
        """The delimiters, each with the first record."""
        return ((delimiter, records[0]) for delimiter, records in self.records.items() if records)


def delimited_format(head: str, delimiters: str, default: str, rules: RowRules) -> Format:
    """The format of a manifest that begins with `head`; `default` is its name if nothing tells. Raises InvalidManifest.

    Each way to find it returns None if it does not apply.
    """
    if "\0" in head:  # UTF-16, which the validation rejects
        return known_format(default)
    found = _Head.read(head, delimiters)
    for find in (_url_list, _with_header, _with_url_first, _with_lower_header, _with_url_elsewhere):
        form = find(found, rules)
        if form is not None:
            return form
    return _default(found, default)


def _declared(separator: str) -> str:
    delimiter = "\t" if separator == "\\t" else separator
    if delimiter not in _FORMATS_BY_DELIMITER:
        raise InvalidManifest(
            f"The first line of the manifest says that '{separator}' separates the values. Supported are commas, "
            "semicolons, pipes and tabs."
        )
    return delimiter


def _records(head: str, delimiter: str) -> list[list[str]]:
    """The first records that are not blank lines."""
    records: list[list[str]] = []
    try:
        for fields in csv.reader(io.StringIO(head, newline="\n"), delimiter=delimiter):
            if fields:
                records.append(fields)
            if len(records) > MAX_RECORDS:
                break
    except csv.Error:
        pass
    return records


def _url_list(head: _Head, rules: RowRules) -> Format | None:
    is_list = any(fields[0] == URL_LIST_HEADER for _, fields in head.firsts())
    return known_format("tsv-list") if is_list else None


def _with_header(head: _Head, rules: RowRules) -> Format | None:
    """The first record has the name of the URL column."""
    for delimiter, fields in head.firsts():
        if classify_columns(tuple(fields), rules).urls:
            return _below_header(head, delimiter, fields, 0)
    return None


def _with_lower_header(head: _Head, rules: RowRules) -> Format | None:
    """One of the first records has a known name of the URL column, and no record above it has a URL.

    In a list of one URL per line (.txt), a line is no header.
    """
    is_list = len(head.records) == 1 and not head.declared
    for index in range(MAX_RECORDS):
        for delimiter, records in head.records.items():
            without_urls = list(takewhile(lambda fields: not any(map(is_url, fields)), records[: index + 1]))
            names = without_urls[index] if index < len(without_urls) else []
            below = records[index + 1] if index + 1 < len(records) else []
            is_last = len(below) < 2 or not may_be_header(below, rules)  # Amazon has titles above the names
            if len(names) > is_list and may_be_header(names, rules) and is_last:
                return _below_header(head, delimiter, names, index)
    return None


def _below_header(head: _Head, delimiter: str, header: list[str], index: int) -> Format:
    """The format of the records below the header, which is the record `index`."""
    skipped = head.above[delimiter] + index + 1
    dialect = Dialect(delimiter, named_columns(header), skipped_records=skipped)
    has_repeated_names = len(columns_by_name(header)) < len(header)
    return _copied_if_needed(head, dialect, 0, _REPEATED if has_repeated_names else "")


def _copied_if_needed(head: _Head, dialect: Dialect, format_index: int, reason: str) -> Format:
    """The known format, or a copied one for a `reason` or because of what is above the header or the first row."""
    delimiter = dialect.delimiter
    reasons = {
        "its first line names the delimiter": head.declared,
        "there are lines above its header": dialect.skipped_records > 1 - format_index,
        "it begins with a byte order mark and a quotation mark": head.quoted and format_index == 0,
        reason: reason != "",
    }
    form = known_format(_FORMATS_BY_DELIMITER[delimiter][0])
    for why, applies in reasons.items():
        if applies:
            return copied_format(form, dialect, why)
    return known_format(_FORMATS_BY_DELIMITER[delimiter][format_index])


def _with_url_first(head: _Head, rules: RowRules) -> Format | None:
    """There is no header, and the first of several columns has the URL."""
    for delimiter, fields in head.firsts():
        if len(fields) > 1 and _URL.match(fields[0]) and not rules.url_column:
            if not head.declared:
                _check_headerless(delimiter, fields)
            return _without_header(head, delimiter, ("url", *_column_names(fields)[1:]))
    return None


def _check_headerless(delimiter: str, fields: list[str]) -> None:
    """Raises InvalidManifest if the fields after the first may be a part of its URL."""
    if _REST_OF_URL.fullmatch(fields[1].strip()):
        raise InvalidManifest(
            f"The first line of the manifest is not a header, and it is ambiguous whether its URL ends at the first "
            f"'{delimiter}'. {_ADD_HEADER}, or put quotes around the URL."
        )
    if len(fields) > len(HEADERLESS_COLUMNS):
        raise InvalidManifest(
            f"The manifest has no header and {len(fields)} columns; "
            f"without a header, at most {len(HEADERLESS_COLUMNS)} are supported. {_ADD_HEADER}."
        )


def _with_url_elsewhere(head: _Head, rules: RowRules) -> Format | None:
    """There is no header, and another column than the first has the URL. Raises InvalidManifest if several have."""
    for delimiter, fields in head.firsts():
        names, with_urls = _column_names(fields), [index for index, field in enumerate(fields) if is_url(field)]
        if len(fields) == 1 or not with_urls:
            continue
        if rules.url_column in names:
            return _without_header(head, delimiter, names, _URL_ELSEWHERE)
        if rules.url_column or len(with_urls) > 1:
            choices = " or ".join(f"url_column={names[index]}" for index in with_urls)
            raise InvalidManifest(
                f"The manifest has no header, and its first line has {len(with_urls)} URLs. {_ADD_HEADER}, or give the "
                f"option {choices}."
            )
        names = (*names[: with_urls[0]], "url", *names[with_urls[0] + 1 :])
        return _without_header(head, delimiter, names, _URL_ELSEWHERE)
    return None


def _without_header(head: _Head, delimiter: str, names: tuple[str, ...], reason: str = "") -> Format:
    dialect = Dialect(delimiter, names, skipped_records=head.above[delimiter], fixed_columns="url" in names)
    return _copied_if_needed(head, dialect, 1, reason)


def _column_names(fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"column_{number}" for number in range(1, len(fields) + 1))


def _default(head: _Head, default: str) -> Format:
    """One column of URLs without a header, or a header without a URL column: that of the most columns."""
    firsts = dict(head.firsts())
    is_table = head.declared or any(len(fields) > 1 for fields in firsts.values())
    if default not in ("csv", "tsv") and not is_table:
        return known_format(default)
    for delimiter, fields in firsts.items():
        if _URL.match(fields[0]):
            return _without_header(head, delimiter, ("url",))
    if not firsts:
        return known_format("csv" if head.declared else default)
    delimiter = max(firsts, key=lambda each: len(firsts[each]))
    return _below_header(head, delimiter, firsts[delimiter], 0)
