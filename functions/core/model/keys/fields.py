"""Fields of key templates: their names, their formats, and their values for a row, which are safe in a key."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote, urlsplit

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.types import JsonObject
from functions.core.model.urls import host_of

FIELDS: Mapping[str, str] = {
    "row": "number of the row in the manifest",
    "host": "host of the URL, as in the reports",
    "path": "path of the URL without its extension; `index` if it is empty",
    "name": "last segment of the path of the URL, without its extension",
    "sha256": "SHA-256 of the image in hex",
    "ext": "extension of the type that was found in the image",
    "run": "ID of the run",
    "date": "date on which the run started, in UTC",
}
"""The fields of a template besides the columns of the manifest."""

OPEN_FIELDS = frozenset({"sha256", "ext"})
"""Known after the download."""

ZEROS = re.compile(r"0(?P<width>[1-9]|[12][0-9])d?")
FIRST = re.compile(r"\.(?P<length>[1-9][0-9]{0,2})")
DATE = re.compile(r"(?:%[YmdHj]|[\w/.=-])+", re.ASCII)
SPECS: Mapping[str, tuple[re.Pattern[str], ...]] = {"row": (ZEROS,), "ext": (), "run": (), "date": (DATE,)}
"""The formats of these fields. Others may have their first characters, and columns zeros too."""

_NOT_PLAIN = re.compile(r"[\[\]:]")

_BYTES: Mapping[str, int] = {"row": 15, "sha256": 64, "ext": 8, "run": 64, "date": 10}
"""Maximum length in bytes of fields without a format. Values of other fields have any length, and are shortened."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028\u2029\ud800-\udfff]")
_EXTENSION = re.compile(r"(?<=[^./])\.[A-Za-z0-9]{1,8}$")
_EMPTY_PATH = "index"


def safe_segment(text: str) -> str:
    """One segment of a path: slashes, backslashes, control characters and lone surrogates become underscores."""
    return unicodedata.normalize("NFC", _UNSAFE.sub("_", text)).strip()


def column_text(value: object) -> str | None:
    """The value of a column as text, empty if it has none. None for a list or an object."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))  # a column of numbers with missing values often is of floats
    return str(value) if isinstance(value, str | int | float) else None


def _path(url: str) -> str:
    segments = (safe_segment(unquote(segment)) for segment in urlsplit(url).path.split("/"))
    return _EXTENSION.sub("", "/".join(filter(None, segments))) or _EMPTY_PATH


URL_VALUES: Mapping[str, Callable[[str], str]] = {
    "host": lambda url: safe_segment(host_of(url)),
    "path": _path,
    "name": lambda url: _path(url).rpartition("/")[2],
}
"""The fields that follow from the URL."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a template: one of FIELDS, or a column of the manifest."""

    name: str
    spec: str = ""
    is_column: bool = False

    @property
    def is_open(self) -> bool:
        return not self.is_column and self.name in OPEN_FIELDS

    @property
    def source(self) -> str:
        """The field as a template has it."""
        is_plain = not self.is_column or (self.name not in FIELDS and not _NOT_PLAIN.search(self.name))
        name = self.name if is_plain else f"column[{self.name}]"
        return f"{{{name}:{self.spec}}}" if self.spec else f"{{{name}}}"

    @property
    def max_bytes(self) -> int | None:
        """The length in bytes of its values; None if they are shortened."""
        if self.is_column or self.name not in _BYTES:
            return None
        if self.name == "date" and self.spec:
            return 2 * len(self.spec)  # %Y has four digits
        zeros = ZEROS.fullmatch(self.spec)
        return max(_BYTES[self.name], int(zeros["width"]) if zeros else 0)

    @property
    def is_constant(self) -> bool:
        """Whether it has the same value in all rows, and it is known when the run starts."""
        return not self.is_column and self.name in ("run", "date")

    def constant(self, run_id: str, started_at: datetime) -> str:
        """Its value for a run, or the field itself."""
        if not self.is_constant:
            return self.source
        return run_id if self.name == "run" else started_at.strftime(self.spec or "%Y-%m-%d")

    def formatted(self, text: str) -> str:
        if zeros := ZEROS.fullmatch(self.spec):
            return text.zfill(int(zeros["width"]))
        first = FIRST.fullmatch(self.spec)
        return text[: int(first["length"])].rstrip(" /") if first else text

    def value(self, row: int, url: str, columns: JsonObject) -> str:
        """Its value for a row, of any length, and empty if it is not known yet. Raises RowError(INVALID_ROW)."""
        if self.is_column:
            text = _column_value(self.name, columns)
        elif self.name in URL_VALUES:
            text = URL_VALUES[self.name](url)
        else:
            text = str(row) if self.name == "row" else ""
        return self.formatted(text)


def _column_value(name: str, columns: JsonObject) -> str:
    """Raises RowError(INVALID_ROW)."""
    found = name if name in columns else next((each for each in columns if each.strip() == name.strip()), name)
    text = column_text(columns.get(found))
    if text is None:
        raise RowError(
            Reason.INVALID_ROW, f"The value of the column '{name}' in key_template is a list or an object, not text."
        )
    value = safe_segment(text)
    if not value:
        raise RowError(
            Reason.INVALID_ROW,
            f"The column '{name}' in key_template has no value in this row: add one, or give the row a key.",
        )
    return value
