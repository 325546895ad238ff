"""Numbers of rows in keys: a retry manifest has those that its rows had in the manifest of the run."""

import re
from collections.abc import Mapping

from functions.core.model.errors import RowError
from functions.core.model.keys.fields import column_text
from functions.core.model.reasons import Reason

ROW_COLUMN = "image_mirror_row"
"""Column of a retry manifest with the number that its rows had in the manifest of the run."""


def original_row(value: object, number: int) -> int:
    """The number that a row has in key_template: that of ROW_COLUMN in a retry manifest, or else its own.

    Raises RowError(INVALID_ROW).
    """
    text = column_text(value)
    if text == "":
        return number
    if text is None or not re.fullmatch(r"[1-9][0-9]{0,14}", text.strip()):
        raise RowError(Reason.INVALID_ROW, f"{ROW_COLUMN} is not the number of a row.")
    return int(text)


def with_row_number(row: int, item: object, url_column: str = "") -> object:
    """The item for a retry manifest, in which it has another number. An item that is a URL becomes an object."""
    fields = item if isinstance(item, Mapping) else {url_column or "url": item}
    return {**fields, ROW_COLUMN: fields.get(ROW_COLUMN) or str(row)}
