"""The columns of the results: those of every run, then the user's own."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from functions.core.model.types import JsonValue, ResultLine
from functions.core.model.urls import display_host

OWN_PREFIX = "your_"
"""Prefix of an own column with the name of another column."""


class Kind(StrEnum):
    """Types of columns. TIME is in UTC with milliseconds, LISTS is a map of lists of text, JSON is JSON as text."""

    INTEGER = "integer"
    FLAG = "flag"
    TEXT = "text"
    TIME = "time"
    LISTS = "lists"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """`value` is that of a result line; by default the field with the name of the column."""

    name: str
    kind: Kind
    meaning: str
    value: Callable[[ResultLine], object] | None = None

    def of(self, line: ResultLine) -> object:
        return self.value(line) if self.value else line.get(self.name)


def _host(line: ResultLine) -> str:
    return display_host(line["url"])


def _signals(line: ResultLine) -> Mapping[str, list[str]] | None:
    signals = line.get("signals")
    return {name: list(values) for name, values in signals.items()} if signals else None


def _own_columns(line: ResultLine) -> str | None:
    own = line.get("columns")
    return json.dumps(own, ensure_ascii=False) if own else None


COLUMNS = (
    Column("row", Kind.INTEGER, "number of the row in the manifest, from 1"),
    Column("url", Kind.TEXT, "URL of the row, absolute and redacted"),
    Column("outcome", Kind.TEXT, "`stored`, `unchanged`, `skipped`, `duplicate` or `failed`"),
    Column("reason", Kind.TEXT, "reason of a failure"),
    Column("retryable", Kind.FLAG, "true for a failure that is in the retry manifest"),
    Column("message", Kind.TEXT, "message of a failure"),
    Column("status", Kind.INTEGER, "HTTP status of a failure", lambda line: line.get("http_status")),
    Column("host", Kind.TEXT, "host of `url`, with its port if the URL has one", _host),
    Column("object_key", Kind.TEXT, "key of the image in the images bucket, also of duplicate and skipped rows"),
    Column("bytes", Kind.INTEGER, "size of the image"),
    Column("sha256", Kind.TEXT, "SHA-256 of the image in hex"),
    Column("content_type", Kind.TEXT, "type of the image, from its bytes"),
    Column("width", Kind.INTEGER, "width in pixels"),
    Column("height", Kind.INTEGER, "height in pixels"),
    Column("truncated", Kind.FLAG, "true if the end of the image is missing"),
    Column("former_key", Kind.TEXT, "key of the former image of the URL if the new one has another key"),
    Column("final_url", Kind.TEXT, "URL after redirects, redacted; empty without redirects"),
    Column("downloaded_at", Kind.TIME, "time at which the image was stored"),
    Column("ms", Kind.INTEGER, "time of the download in milliseconds"),
    Column(
        "signals", Kind.LISTS, "what the owner says about the use of the image, by the name of the signal", _signals
    ),
    Column("columns", Kind.JSON, "the user's own columns as a JSON object", _own_columns),
)

_NAMES = frozenset(column.name for column in COLUMNS)
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE | re.ASCII)


def own_names(user_columns: Iterable[str]) -> dict[str, str]:
    """The name of the column of each of the user's columns.

    Programs that read Parquet compare names without case: a name that another column has gets a prefix, then a number.
    A column without a name has no column of its own; it is in `columns`.
    """
    taken = set(_NAMES)
    names: dict[str, str] = {}
    for user_column in filter(None, user_columns):
        text = _printable(user_column)
        name = OWN_PREFIX + text if text.casefold() in taken else text
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{OWN_PREFIX}{text}_{number}"
        taken.add(name.casefold())
        names[user_column] = name
    return names


def own_text(value: JsonValue) -> str | None:
    """The value of an own column: text as it is, anything else as JSON; None where there is no value."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def is_plain(name: str) -> bool:
    """True for a name that needs no quotes in SQL."""
    return _PLAIN_NAME.fullmatch(name) is not None


def _printable(text: str) -> str:
    """A lone surrogate, which JSON allows and UTF-8 does not, as its JSON escape sequence."""
    return text.encode("utf-8", "backslashreplace").decode()
