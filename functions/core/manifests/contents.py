"""What a manifest holds, as far as a run must know it before its rows are read."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import classify_columns, user_columns

MAX_COLUMNS = 200
"""Of the user's own, in failures.csv."""

MAX_ITEM_BYTES = 180 * 1024
"""Of an item as JSON: with the run's options it must fit into a child's input (`BATCH_BYTES` of the stack)."""


@dataclass(frozen=True, slots=True)
class ManifestContents:
    """Rows, and the names of the user's own columns in the order they come. `note` is for the summary."""

    rows: int
    columns: tuple[str, ...] = ()
    note: str = ""


def inspect_items(items: Iterable[Any]) -> ManifestContents:
    """Counts and looks at every item, keeping none. Raises InvalidManifest where none of them has a URL."""
    rows = 0
    columns: dict[str, None] = {}
    previous: Any = None
    located = False
    for item in items:
        rows += 1
        if not isinstance(item, Mapping):
            located = located or isinstance(item, str)
        elif previous is None or item.keys() != previous:
            previous = item.keys()
            located = located or bool(classify_columns(tuple(previous)).urls)
            if len(columns) < MAX_COLUMNS:
                columns |= dict.fromkeys(user_columns(item))
    if rows and not located:
        raise InvalidManifest(
            "No item of the manifest is a URL or has one: an item is a URL in quotes, or an object with a url."
        )
    return ManifestContents(rows, tuple(columns)[:MAX_COLUMNS])


def is_too_large(item: Any) -> bool:
    return len(json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_ITEM_BYTES
