"""The manifest formats: how a name tells them, which of the state machine's readers reads them, how we do."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from functions.core import csv_rows, json_rows
from functions.core.faults import InvalidManifest

Chunks = Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """`reader` names a row of the stack's table of readers. `read` yields items, `write` yields the text of a manifest
    that holds the given ones; both stream. `read` raises InvalidManifest."""

    name: str
    extensions: tuple[str, ...]
    reader: str
    read: Callable[[Chunks], Iterator[Any]]
    write: Callable[[Iterable[Any]], Iterator[str]]

    @property
    def extension(self) -> str:
        return self.extensions[0]


FORMATS = (
    Format("csv", (".csv",), "csv", partial(csv_rows.read, delimiter=","), partial(csv_rows.write, delimiter=",")),
    Format(
        "tsv",
        (".tsv",),
        "tsv",
        partial(csv_rows.read, delimiter="\t"),
        partial(csv_rows.write, delimiter="\t"),
    ),
    Format("txt", (".txt",), "txt", csv_rows.read_lines, csv_rows.write_lines),
    Format("json", (".json",), "json", json_rows.read_array, json_rows.write_array),
    Format("jsonl", (".jsonl", ".ndjson"), "jsonl", json_rows.read_lines, json_rows.write_lines),
)


def format_of(key: str) -> Format:
    """By the name's extension, whatever its case. Raises InvalidManifest, which lists the known ones."""
    name = key.rpartition("/")[2].lower()
    for form in FORMATS:
        if name.endswith(form.extensions):
            return form
    known = ", ".join(extension for form in FORMATS for extension in form.extensions)
    raise InvalidManifest(
        f"The format of the manifest cannot be told from its name, '{key}'. Name it with one of: {known}."
    )
