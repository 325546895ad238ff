"""Rows of a manifest. Step Functions delivers a row as an item: a URL, or an object with a URL and other columns."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from functions.core.model.errors import RowError
from functions.core.model.keys import DEFAULT_PREFIX, requested_key
from functions.core.model.reasons import Reason
from functions.core.model.types import JsonObject
from functions.core.model.urls import absolute_url, redact

URL_COLUMNS = ("url", "image_url", "imageurl")
"""Names of the URL column in order of precedence. Case is ignored, spaces and hyphens count as underscores."""

UNNAMED_COLUMNS = tuple(f"column_{number}" for number in range(2, 11))
"""Names of the columns after the URL in a headerless CSV. Step Functions gives every row all of them."""

_RESERVED_COLUMNS = {"key", "sha256", "md5", "size", "headers"}
_DIGEST_BYTES = {"sha256": 32, "md5": 16}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FORBIDDEN_HEADERS = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "upgrade",
    "te",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A valid row. `number` counts from 1, digests are lower-case hex, `user_columns` are the other columns."""

    number: int
    url: str
    key: str | None = None
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_columns: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columns:
    """Meaning of the names of an item. `urls` are the possible URL columns, the preferred one first; `conflicting` is
    another one of the same precedence. `reserved` has the name in the item for each reserved name."""

    urls: tuple[str, ...]
    reserved: Mapping[str, str]
    user_columns: tuple[str, ...]
    conflicting: str | None


MAX_CACHED_COLUMNS = 500
"""Number of names up to which their meaning is cached for the next row. A cache of thousands would fill the memory."""


def classify_columns(names: tuple[str, ...]) -> Columns:
    """Exactly `url` takes precedence, then `url` in any case, then the other names in the order of URL_COLUMNS."""
    return _cached_columns(names) if len(names) <= MAX_CACHED_COLUMNS else _columns(names)


def _columns(names: tuple[str, ...]) -> Columns:
    ranks = {name: _url_rank(name) for name in names}
    urls = sorted((name for name in names if ranks[name] is not None), key=lambda name: ranks[name] or 0)
    conflicting = urls[1] if len(urls) > 1 and ranks[urls[0]] == ranks[urls[1]] else None
    reserved = {name.strip(_PADDING): name for name in names if name.strip(_PADDING) in _RESERVED_COLUMNS}
    taken = {*urls[:1], *reserved.values()}
    return Columns(tuple(urls), reserved, tuple(name for name in names if name not in taken), conflicting)


_cached_columns = lru_cache(maxsize=256)(_columns)

_PADDING = "\ufeff \t\r\n"
"""Removed around a column name. It is not documented whether Step Functions removes a byte order mark or a carriage
return from the names of a header."""


def _url_rank(name: str) -> int | None:
    stripped = name.strip(_PADDING)
    if stripped == URL_COLUMNS[0]:
        return 0
    normalized = stripped.lower().replace("-", "_").replace(" ", "_")
    return 1 + URL_COLUMNS.index(normalized) if normalized in URL_COLUMNS else None


def parse_row(number: int, item: object, base_url: str = "", prefix: str = DEFAULT_PREFIX) -> Row:
    """The row of an item. `prefix` is that of all keys in the images bucket.

    Raises RowError(INVALID_ROW | INVALID_URL), which names the invalid column.
    """
    if isinstance(item, str):
        return Row(number, absolute_url(item, base_url))
    if not isinstance(item, Mapping):
        raise _invalid(f"The row is {_json_type(item)}, not a URL or an object with a url.")
    columns = classify_columns(tuple(item))
    reserved = {name: item[name_in_item] for name, name_in_item in columns.reserved.items()}
    return Row(
        number=number,
        url=absolute_url(url_text(item), base_url),
        key=requested_key(reserved["key"], prefix) if reserved.get("key") else None,
        sha256=_digest("sha256", reserved.get("sha256")),
        md5=_digest("md5", reserved.get("md5")),
        size=_size(reserved.get("size")),
        headers=_headers(reserved.get("headers")),
        user_columns=user_columns(item),
    )


def url_text(item: object) -> str:
    """The URL of an item, unchanged. Raises RowError if it has none."""
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping) and (column := _url_column(item)) is not None:
        return str(item[column])
    raise _invalid("The row has no url.")


def _url_column(item: JsonObject) -> str | None:
    columns = classify_columns(tuple(item))
    if columns.conflicting is not None:
        raise _invalid(f"Both '{columns.urls[0]}' and '{columns.conflicting}' could be the URL column.")
    return next((name for name in columns.urls if isinstance(item[name], str)), None)


def display_url(item: object, base_url: str = "") -> str:
    """The redacted URL of an item: absolute if possible, empty if there is none."""
    try:
        text = url_text(item)
    except RowError:
        return ""
    try:
        return redact(absolute_url(text, base_url))
    except RowError:
        return redact(text)


def with_absolute_url(item: object, base_url: str) -> object:
    """The item for a run without `base_url`: with an absolute URL, everything else unchanged."""
    try:
        url = absolute_url(url_text(item), base_url)
    except RowError:
        return item
    if isinstance(item, Mapping):
        return {**item, str(_url_column(item)): url}
    return url


def user_columns(item: object) -> JsonObject:
    """The columns of an item that are neither the URL nor reserved."""
    if not isinstance(item, Mapping):
        return {}
    columns = {name: item[name] for name in classify_columns(tuple(item)).user_columns}
    return {name: value for name, value in columns.items() if value != "" or name not in UNNAMED_COLUMNS}


def _digest(name: str, value: object) -> str | None:
    if value in (None, ""):
        return None
    if isinstance(value, str):
        size = _DIGEST_BYTES[name]
        text = value.strip()
        if len(text) == 2 * size and re.fullmatch(r"[0-9a-fA-F]+", text):
            return text.lower()
        try:
            digest = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            digest = b""
        if len(digest) == size:
            return digest.hex()
    raise _invalid(f"{name} is neither hex nor base64 of {_DIGEST_BYTES[name]} bytes.")


def _size(value: object) -> int | None:
    if value in (None, ""):
        return None
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,15}(\.0*)?", text):  # a column of numbers with missing values often is of floats
        raise _invalid("size is not a number of bytes.")
    return int(text.partition(".")[0])


def _headers(value: object) -> Mapping[str, str]:
    if value in (None, ""):
        return {}
    if not isinstance(value, Mapping):
        raise _invalid("headers is not an object of names and values.")
    return dict(_header(name, text) for name, text in value.items() if text is not None)


def _header(name: object, text: object) -> tuple[str, str]:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name) or name.lower() in _FORBIDDEN_HEADERS:
        raise _invalid("headers has a name that cannot be set.")
    if not isinstance(text, str) or not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", text):
        raise _invalid(f"headers has a value for {name} that is not valid in HTTP.")
    return name, text.strip()


def _json_type(item: object) -> str:
    return {type(None): "null", list: "a list", bool: "a boolean"}.get(type(item), "a number")


def _invalid(message: str) -> RowError:
    return RowError(Reason.INVALID_ROW, message)
