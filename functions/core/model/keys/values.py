"""Values of the fields of a key template, made safe for a key."""

import hashlib
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from functions.core.model.urls import host_of

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028\u2029\ud800-\udfff]")
_EXTENSION = re.compile(r"(?<=[^./])\.[A-Za-z0-9]{1,8}$")
_EMPTY_PATH = "index"
_DIGITS_OF_DIGEST = 12


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


def shortened(text: str, max_bytes: int) -> str:
    """At most `max_bytes` in UTF-8. A text that is longer ends with digits of its digest, so that it differs from
    others with the same beginning."""
    content = text.encode()
    if len(content) <= max_bytes:
        return text
    end = f"-{hashlib.sha256(content).hexdigest()[:_DIGITS_OF_DIGEST]}"
    return content[: max_bytes - len(end)].decode(errors="ignore").rstrip(" /") + end
