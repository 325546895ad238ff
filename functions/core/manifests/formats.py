"""The manifest formats: how each is validated, read and written. `detection` finds the format of a manifest.

The name of a format is that of its reader in `cdk/workflow/readers.py`, and is stored in run records. Parquet is not in
this table: only its footer is read (`parquet`), and its retry manifest is written as JSON Lines.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, Protocol

from functions.core.manifests import csv_rows, csv_validation, json_rows, json_validation
from functions.core.manifests.contents import ManifestContents
from functions.core.manifests.csv_rows import COMMA, PIPE, SEMICOLON, TAB, URL_LINES, URL_LIST, Dialect, headerless
from functions.core.manifests.ranges.tally import Layout, Tally
from functions.core.model.errors import RowError
from functions.core.model.rows import DEFAULT_RULES, RowRules, url_column_of
from functions.core.model.types import JsonValue
from functions.core.model.urls import urls_in

Chunks = Iterable[bytes]
Truncated = Callable[[], bool]
Validate = Callable[[Chunks, Truncated, RowRules], ManifestContents]
ItemsWriter = Callable[[Iterable[Any]], Iterator[str]]  # Any: items that the same format has read


class LinesCheck(Protocol):
    """A validation of lines, which can begin at any row once the first rows have decided the layout."""

    tally: Tally

    @property
    def delimiter(self) -> str | None:
        """None if each line is a row."""

    @property
    def layout(self) -> Layout | None:
        """What the first rows have decided. None if more of them are needed."""

    def read(self, chunks: Chunks, *, start: int = 0) -> None:
        """Reads rows, of which the first begins at the byte `start`. Raises InvalidManifest."""

    def close(self) -> None:
        """Adds what was read to the tally. Raises InvalidManifest."""

    def contents(self) -> ManifestContents:
        """The contents by the tally. Raises InvalidManifest."""


NewCheck = Callable[[RowRules, Layout | None, Tally | None], LinesCheck]
"""The check of a manifest, or of the rows after those that have decided the layout, which are added to a tally."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The text of a manifest around its items: before the first, between two, and after the last one."""

    start: str = ""
    separator: str = ""
    end: str = ""


FrameOf = Callable[[Any], Frame]
"""The frame of a manifest by its first item."""


def _no_frame(_: object) -> Frame:
    return Frame()


@dataclass(frozen=True, slots=True)
class Format:
    """`numbered_items` yields each item with its line number, or with its number in an array. `write_items` yields the
    text of each item in a manifest with the extension `extension`, of which `frame` is the rest. All of them stream.
    `validate` and `numbered_items` raise InvalidManifest.

    `check` is None if the format cannot be read from the middle. `copied` is empty, or says why Step Functions cannot
    read such a manifest: then PrepareRun copies its rows. With `has_header`, the first line has the names of the
    columns.
    """

    name: str
    extension: str
    validate: Validate
    numbered_items: Callable[[Chunks], Iterator[tuple[int, JsonValue]]]
    write_items: ItemsWriter
    frame: FrameOf = _no_frame
    copied: str = ""
    may_have_blank_rows: bool = False
    has_header: bool = False
    check: NewCheck | None = None

    def read(self, chunks: Chunks) -> Iterator[JsonValue]:
        return (item for _, item in self.numbered_items(chunks))

    def write(self, items: Iterable[Any]) -> Iterator[str]:
        """The text of a manifest of these items, without any of an empty manifest."""
        remaining = iter(items)
        for first in remaining:
            frame = self.frame(first)
            texts = self.write_items(chain((first,), remaining))
            yield frame.start + next(texts)
            yield from (frame.separator + text for text in texts)
            yield frame.end

    def numbered_rows(self, chunks: Chunks, rules: RowRules) -> Iterator[tuple[int, JsonValue]]:
        """The items of a copy: without rows that have no text and, with `split_urls`, one for each URL."""
        for number, item in self.numbered_items(chunks):
            if not (self.may_have_blank_rows and csv_rows.is_blank(item)):
                yield from ((number, row) for row in (split_item(item, rules) if rules.split_urls else (item,)))


def split_item(item: JsonValue, rules: RowRules) -> list[JsonValue]:
    """The item once for each of its URLs, and as it is if it has none."""
    if isinstance(item, str):
        return list(urls_in(item))
    if not isinstance(item, Mapping):
        return [item]
    try:
        column = url_column_of(item, rules)
    except RowError:
        return [item]
    value = item.get(column) if column is not None else None
    urls = urls_in(value) if isinstance(value, str) else value
    return [{**item, str(column): url} for url in urls] if isinstance(urls, list) and urls else [item]


def _delimited(name: str, extension: str, dialect: Dialect, frame: FrameOf | None = None) -> Format:
    """By default the first line of a retry manifest has the names of the columns."""
    return Format(
        name,
        extension,
        partial(_validate_delimited, dialect),
        partial(csv_rows.numbered_rows, dialect=dialect),
        partial(csv_rows.write_rows, delimiter=dialect.delimiter),
        frame or (lambda first: Frame(csv_rows.record(first, dialect.delimiter))),
        may_have_blank_rows=True,
        has_header=not dialect.column_names,
        check=partial(csv_validation.CsvCheck, dialect),
    )


def _validate_delimited(
    dialect: Dialect, chunks: Chunks, truncated: Truncated, rules: RowRules = DEFAULT_RULES
) -> ManifestContents:
    return csv_validation.validate_csv(chunks, dialect, truncated, rules)


def copied_format(form: Format, dialect: Dialect, reason: str) -> Format:
    """The format `form` with another dialect, which Step Functions cannot read for the `reason`."""
    validate, numbered_items = partial(_validate_delimited, dialect), partial(csv_rows.numbered_rows, dialect=dialect)
    return replace(form, validate=validate, numbered_items=numbered_items, copied=reason)


FORMATS = (
    _delimited("csv", ".csv", COMMA),
    _delimited("csv-semicolon", ".csv", SEMICOLON),
    _delimited("csv-pipe", ".csv", PIPE),
    _delimited("tsv", ".tsv", TAB),
    _delimited("csv-bare", ".csv", headerless(COMMA)),
    _delimited("csv-semicolon-bare", ".csv", headerless(SEMICOLON)),
    _delimited("csv-pipe-bare", ".csv", headerless(PIPE)),
    _delimited("tsv-bare", ".tsv", headerless(TAB)),
    _delimited("tsv-list", ".tsv", URL_LIST, lambda _: Frame(csv_rows.URL_LIST_HEADER + "\n")),
    _delimited("txt", ".txt", URL_LINES, _no_frame),
    Format(
        "json",
        ".json",
        json_validation.validate_array,
        json_rows.numbered_array,
        json_rows.write_items,
        lambda _: Frame("[\n", ",\n", "\n]\n"),
    ),
    Format(
        "jsonl",
        ".jsonl",
        json_validation.validate_lines,
        json_rows.numbered_lines,
        json_rows.write_lines,
        check=json_validation.LinesCheck,
    ),
)

WITH_COLUMNS = {"txt": "csv", "tsv-list": "tsv"}
"""The formats of retry and lock manifests that have columns of their own, where that of the manifest has only URLs."""

PARQUET = "parquet"
COPY_FORMAT = "jsonl"
"""The format of the copies that PrepareRun writes."""


_BY_NAME = {form.name: form for form in FORMATS}


def known_format(name: str) -> Format:
    """The format of this name. Raises KeyError."""
    return _BY_NAME[name]


def format_by_name(name: object) -> Format | None:
    """The format, or None for Parquet and for unknown names."""
    return _BY_NAME.get(str(name))


def lock_format(name: object) -> Format | None:
    """The format of the lock of a manifest in the format `name`: one with names of columns. None for Parquet."""
    with_header = str(name).removesuffix("-bare")
    return format_by_name(WITH_COLUMNS.get(with_header, with_header))
