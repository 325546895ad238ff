"""Contents of a manifest, as far as a run needs them before its rows are read."""

import json
from collections.abc import Iterable, KeysView, Mapping
from dataclasses import dataclass

from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import classify_columns, user_columns

MAX_COLUMNS = 200
"""Maximum number of user columns in failures.csv."""

MAX_ITEM_BYTES = 180 * 1024
"""Maximum size of an item as JSON, in bytes. Together with the options of the run it must fit into the input of a
child execution (`BATCH_BYTES` of the stack)."""

MAX_NESTING = 100
"""Maximum depth of arrays and objects in an item. Python's own limit, about 1,000, includes the functions that call its
JSON parser and encoder, so that it is not the same for PrepareRun as for the batches."""

MAX_ITEMS_WITHOUT_URL = 100_000
"""Number of items at the beginning of a JSON manifest of which at least one has to have a URL."""

MIN_CHECKED_CHARACTERS = 16 * 1024
"""Lines with at most this many characters are not checked for MAX_ITEM_BYTES: they cannot reach it."""


@dataclass(frozen=True, slots=True)
class ManifestContents:
    """Number of rows, and the user's columns in the order of appearance. `note` is shown in the summary."""

    rows: int
    columns: tuple[str, ...] = ()
    note: str = ""


def inspect_items(items: Iterable[object]) -> ManifestContents:
    """Inspects every item of a JSON manifest. Raises InvalidManifest if none of the first items has a URL."""
    rows = 0
    columns: dict[str, None] = {}
    previous_keys: KeysView[str] | None = None
    has_url = False
    for item in items:
        rows += 1
        if not isinstance(item, Mapping):
            has_url = has_url or isinstance(item, str)
        elif previous_keys is None or item.keys() != previous_keys:
            previous_keys = item.keys()
            has_url = has_url or bool(classify_columns(tuple(item)).urls)
            if len(columns) < MAX_COLUMNS:
                columns |= dict.fromkeys(user_columns(item))
        if rows == MAX_ITEMS_WITHOUT_URL and not has_url:
            break
    if rows and not has_url:
        which = f"None of the first {rows} items" if rows == MAX_ITEMS_WITHOUT_URL else "No item"
        raise InvalidManifest(
            f"{which} of the manifest is a URL or has one. An item is a URL in quotes, or an object with a url."
        )
    return ManifestContents(rows, tuple(columns)[:MAX_COLUMNS])


def is_too_deep(item: object) -> bool:
    """True if the item is nested deeper than MAX_NESTING. Costs more than parsing: see `may_be_too_deep`."""
    level = [item]
    for _ in range(MAX_NESTING):
        containers = [each for each in level if isinstance(each, dict | list)]
        level = [child for each in containers for child in (each.values() if isinstance(each, dict) else each)]
    return any(isinstance(each, dict | list) for each in level)


def may_be_too_deep(text: str, start: int = 0, end: int | None = None) -> bool:
    """False if the JSON text has too few brackets to be nested deeper than MAX_NESTING."""
    return text.count("[", start, end) + text.count("{", start, end) > MAX_NESTING


def is_too_large(item: object) -> bool:
    """True if the item as JSON is larger than MAX_ITEM_BYTES."""
    return len(json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_ITEM_BYTES
