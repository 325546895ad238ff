"""The manifest formats: how each is checked, read and written. `naming` tells them.

A format is named as the row of the stack's table of readers that reads it. Parquet is not here: its footer alone is
read (`parquet`), and what is to be run again of it is written as JSON lines.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from functions.core.manifests import csv_rows, json_rows
from functions.core.manifests import csv_validation as csv_check
from functions.core.manifests import json_validation as json_check
from functions.core.manifests.contents import ManifestContents
from functions.core.manifests.csv_rows import COMMA, PIPE, SEMICOLON, TAB, URL_LINES, URL_LIST, Dialect, headerless

Chunks = Iterable[bytes]
Cut = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Format:
    """`numbered` gives each item with its line (of an array: its number), and `write` is the text of a manifest that
    holds the given ones, named by `extension`. All stream; `check` and `numbered` raise InvalidManifest."""

    name: str
    extension: str
    check: Callable[[Chunks, Cut], ManifestContents]
    numbered: Callable[[Chunks], Iterator[tuple[int, Any]]]
    write: Callable[[Iterable[Any]], Iterator[str]]

    def read(self, chunks: Chunks) -> Iterator[Any]:
        return (item for _, item in self.numbered(chunks))


def _delimited(
    name: str,
    extension: str,
    dialect: Dialect,
    write: Callable[[Iterable[Any]], Iterator[str]] | None = None,
) -> Format:
    return Format(
        name,
        extension,
        partial(_check_delimited, dialect),
        partial(csv_rows.numbered_rows, dialect=dialect),
        write or partial(csv_rows.write_rows, delimiter=dialect.delimiter),
    )


def _check_delimited(dialect: Dialect, chunks: Chunks, cut: Cut) -> ManifestContents:
    return csv_check.validate_csv(chunks, dialect, cut)


FORMATS = (
    _delimited("csv", ".csv", COMMA),
    _delimited("csv-semicolon", ".csv", SEMICOLON),
    _delimited("csv-pipe", ".csv", PIPE),
    _delimited("tsv", ".tsv", TAB),
    _delimited("csv-bare", ".csv", headerless(COMMA)),
    _delimited("csv-semicolon-bare", ".csv", headerless(SEMICOLON)),
    _delimited("csv-pipe-bare", ".csv", headerless(PIPE)),
    _delimited("tsv-bare", ".tsv", headerless(TAB)),
    _delimited("tsv-list", ".tsv", URL_LIST, csv_rows.write_url_list),
    _delimited("txt", ".txt", URL_LINES, csv_rows.write_url_lines),
    Format("json", ".json", json_check.validate_array, json_rows.numbered_array, json_rows.write_array),
    Format("jsonl", ".jsonl", json_check.validate_lines, json_rows.numbered_lines, json_rows.write_lines),
)

PARQUET = "parquet"


def format_by_name(name: object) -> Format | None:
    """None for Parquet, and where there is no such format."""
    return next((form for form in FORMATS if form.name == name), None)
