"""The manifest formats: how each is validated, read and written. `detection` finds the format of a manifest.

The name of a format is that of its reader in `cdk/workflow/readers.py`, and is stored in run records. Parquet is not in
this table: only its footer is read (`parquet`), and its retry manifest is written as JSON Lines.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from functions.core.manifests import csv_rows, csv_validation, json_rows, json_validation
from functions.core.manifests.contents import ManifestContents
from functions.core.manifests.csv_rows import COMMA, PIPE, SEMICOLON, TAB, URL_LINES, URL_LIST, Dialect, headerless
from functions.core.model.types import JsonValue

Chunks = Iterable[bytes]
Truncated = Callable[[], bool]
Writer = Callable[[Iterable[Any]], Iterator[str]]  # Any: items that the same format has read


@dataclass(frozen=True, slots=True)
class Format:
    """`numbered_items` yields each item with its line number, or with its number in an array. `write` yields the text
    of a manifest with the extension `extension`. All of them stream. `validate` and `numbered_items` raise
    InvalidManifest."""

    name: str
    extension: str
    validate: Callable[[Chunks, Truncated], ManifestContents]
    numbered_items: Callable[[Chunks], Iterator[tuple[int, JsonValue]]]
    write: Writer

    def read(self, chunks: Chunks) -> Iterator[JsonValue]:
        return (item for _, item in self.numbered_items(chunks))


def _delimited(name: str, extension: str, dialect: Dialect, write: Writer | None = None) -> Format:
    return Format(
        name,
        extension,
        partial(_validate_delimited, dialect),
        partial(csv_rows.numbered_rows, dialect=dialect),
        write or partial(csv_rows.write_rows, delimiter=dialect.delimiter),
    )


def _validate_delimited(dialect: Dialect, chunks: Chunks, truncated: Truncated) -> ManifestContents:
    return csv_validation.validate_csv(chunks, dialect, truncated)


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
    Format("json", ".json", json_validation.validate_array, json_rows.numbered_array, json_rows.write_array),
    Format("jsonl", ".jsonl", json_validation.validate_lines, json_rows.numbered_lines, json_rows.write_lines),
)

PARQUET = "parquet"


def format_by_name(name: object) -> Format | None:
    """The format, or None for Parquet and for unknown names."""
    return next((form for form in FORMATS if form.name == name), None)
