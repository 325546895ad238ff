"""One row of a manifest, as the item reader hands it over: a string, or an object with a URL and more."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from functions.core.model.errors import RowError
from functions.core.model.keys import requested_key
from functions.core.model.reasons import Reason
from functions.core.model.urls import absolute_url, redact

URL_COLUMNS = ("url", "image_url", "imageurl")
"""In the order in which they are looked for, whatever their case; spaces and hyphens count as underscores."""

UNNAMED_COLUMNS = tuple(f"column_{number}" for number in range(2, 11))
"""Of a CSV without a header, after the first, which has the URL. Step Functions gives every row all of them."""

_OUR_COLUMNS = {"key", "sha256", "md5", "size", "headers"}
_DIGEST_BYTES = {"sha256": 32, "md5": 16}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_UNTOUCHABLE = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "upgrade",
    "te",
}

Item = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """`number` counts from 1. Digests are lower-case hex, `own` the user's own columns."""

    number: int
    url: str
    key: str | None = None
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columns:
    """What an item's names mean. `urls` are those that may hold the URL, the best first; `rival` is as good as it."""

    urls: tuple[str, ...]
    ours: Mapping[str, str]
    user_columns: tuple[str, ...]
    rival: str | None


@lru_cache(maxsize=256)
def classify_columns(names: tuple[str, ...]) -> Columns:
    """`url` as it is written here is best, then `url` in any case, then its other names."""
    ranks = {name: _rank(name) for name in names}
    urls = sorted((name for name in names if ranks[name] is not None), key=lambda name: ranks[name] or 0)
    rival = urls[1] if len(urls) > 1 and ranks[urls[0]] == ranks[urls[1]] else None
    ours = {name.strip(_AROUND): name for name in names if name.strip(_AROUND) in _OUR_COLUMNS}
    taken = {*urls[:1], *ours.values()}
    return Columns(tuple(urls), ours, tuple(name for name in names if name not in taken), rival)


_AROUND = "\ufeff \t\r\n"
"""Step Functions may leave a byte order mark or a carriage return on a name; nobody has said so or denied it."""


def _rank(name: str) -> int | None:
    bare = name.strip(_AROUND)
    if bare == URL_COLUMNS[0]:
        return 0
    folded = bare.lower().replace("-", "_").replace(" ", "_")
    return 1 + URL_COLUMNS.index(folded) if folded in URL_COLUMNS else None


def parse_row(number: int, item: object, base_url: str = "") -> Row:
    """Raises RowError(INVALID_ROW | INVALID_URL), saying which column is wrong."""
    if isinstance(item, str):
        return Row(number, absolute_url(item, base_url))
    if not isinstance(item, Mapping):
        raise _invalid(f"The row is {_kind(item)}, not a URL or an object with one.")
    ours = {name: item[theirs] for name, theirs in classify_columns(tuple(item)).ours.items()}
    return Row(
        number=number,
        url=absolute_url(url_text(item), base_url),
        key=requested_key(ours["key"]) if ours.get("key") else None,
        sha256=_digest("sha256", ours.get("sha256")),
        md5=_digest("md5", ours.get("md5")),
        size=_size(ours.get("size")),
        headers=_headers(ours.get("headers")),
        user_columns=user_columns(item),
    )


def url_text(item: object) -> str:
    """The URL as the row has it. Raises RowError where there is none."""
    if isinstance(item, str):
        return item
    column = _url_column(item) if isinstance(item, Mapping) else None
    if column is None:
        raise _invalid("The row has no url.")
    return str(item[column])  # type: ignore[index]


def _url_column(item: Mapping[str, Any]) -> str | None:
    columns = classify_columns(tuple(item))
    if columns.rival is not None:
        raise _invalid(f"Both '{columns.urls[0]}' and '{columns.rival}' could hold the URL.")
    return next((name for name in columns.urls if isinstance(item[name], str)), None)


def display_url(item: object, base_url: str = "") -> str:
    """The row's URL as people may read it, absolute where it can be made so, empty where there is none."""
    try:
        text = url_text(item)
    except RowError:
        return ""
    try:
        return redact(absolute_url(text, base_url))
    except RowError:
        return redact(text)


def with_absolute_url(item: Any, base_url: str) -> Any:
    """The item as a run without `base_url` needs it, all else untouched."""
    try:
        url = absolute_url(url_text(item), base_url)
    except RowError:
        return item
    if isinstance(item, str):
        return url
    return {**item, str(_url_column(item)): url}


def user_columns(item: object) -> Mapping[str, Any]:
    """What the row says beside what we know: the user's own."""
    if not isinstance(item, Mapping):
        return {}
    own = {name: item[name] for name in classify_columns(tuple(item)).user_columns}
    return {name: value for name, value in own.items() if value != "" or name not in UNNAMED_COLUMNS}


def _digest(name: str, value: object) -> str | None:
    if value in (None, ""):
        return None
    if isinstance(value, str):
        wanted = _DIGEST_BYTES[name]
        text = value.strip()
        if len(text) == 2 * wanted and re.fullmatch(r"[0-9a-fA-F]+", text):
            return text.lower()
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) == wanted:
            return raw.hex()
    raise _invalid(f"{name} is neither hex nor base64 of {_DIGEST_BYTES[name]} bytes.")


def _size(value: object) -> int | None:
    if value in (None, ""):
        return None
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise _invalid("size is not a number of bytes.")
    return int(text)


def _headers(value: object) -> Mapping[str, str]:
    if value in (None, ""):
        return {}
    if not isinstance(value, Mapping):
        raise _invalid("headers is not an object of names and values.")
    return dict(_header(name, text) for name, text in value.items())


def _header(name: object, text: object) -> tuple[str, str]:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name) or name.lower() in _UNTOUCHABLE:
        raise _invalid("headers has a name that may not be set.")
    if not isinstance(text, str) or not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", text):
        raise _invalid(f"The value of the header {name} cannot be sent.")
    return name, text.strip()


def _kind(item: object) -> str:
    return {type(None): "null", list: "a list", bool: "true or false"}.get(type(item), "a number")


def _invalid(message: str) -> RowError:
    return RowError(Reason.INVALID_ROW, message)
