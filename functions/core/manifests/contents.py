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

MIN_CHECKED_CHARACTERS = 16 * 1024
"""Lines with at most this many characters are not checked for MAX_ITEM_BYTES: they cannot reach it."""


@dataclass(frozen=True, slots=True)
class ManifestContents:
    """Number of rows, and the user's columns in the order of appearance. `note` is shown in the summary."""

    rows: int
    columns: tuple[str, ...] = ()
    note: str = ""


def inspect_items(items: Iterable[object]) -> ManifestContents:
    """Inspects every item of a JSON manifest. Raises InvalidManifest if none of them has a URL."""
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
    if rows and not has_url:
        raise InvalidManifest(
            "No item of the manifest is a URL or has one. An item is a URL in quotes, or an object with a url."
        )
    return ManifestContents(rows, tuple(columns)[:MAX_COLUMNS])


def is_too_large(item: object) -> bool:
    """True if the item as JSON is larger than MAX_ITEM_BYTES."""
    return len(json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_ITEM_BYTES
