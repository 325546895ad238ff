"""One row of a manifest, as the item reader hands it over: a string, or an object with a URL and more."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.core.faults import RowFault
from functions.core.keys import wanted_key
from functions.core.reasons import Reason
from functions.core.urls import absolute, redact

URL_COLUMNS = ("url", "image_url", "URL", "Url", "TsvHttpData-1.0")
_OUR_COLUMNS = {*URL_COLUMNS, "key", "sha256", "md5", "size", "headers"}
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
    own: Mapping[str, Any] = field(default_factory=dict)


def parse_row(number: int, item: object, base_url: str = "") -> Row:
    """Raises RowFault(INVALID_ROW | INVALID_URL), saying which column is wrong."""
    if isinstance(item, str):
        return Row(number, absolute(item, base_url))
    if not isinstance(item, Mapping):
        raise _invalid(f"The row is {_kind(item)}, not a URL or an object with one.")
    return Row(
        number=number,
        url=absolute(url_text(item), base_url),
        key=wanted_key(item["key"]) if item.get("key") else None,
        sha256=_digest("sha256", item.get("sha256")),
        md5=_digest("md5", item.get("md5")),
        size=_size(item.get("size")),
        headers=_headers(item.get("headers")),
        own=own_columns(item),
    )


def url_text(item: object) -> str:
    """The URL as the row has it. Raises RowFault where there is none."""
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping):
        for column in URL_COLUMNS:
            if isinstance(item.get(column), str):
                return str(item[column])
    raise _invalid("The row has no url.")


def shown_url(item: object, base_url: str = "") -> str:
    """The row's URL as people may read it, absolute where it can be made so, empty where there is none."""
    try:
        text = url_text(item)
    except RowFault:
        return ""
    try:
        return redact(absolute(text, base_url))
    except RowFault:
        return redact(text)


def with_absolute_url(item: Any, base_url: str) -> Any:
    """The item as a run without `base_url` needs it, all else untouched."""
    try:
        url = absolute(url_text(item), base_url)
    except RowFault:
        return item
    if isinstance(item, str):
        return url
    column = next(name for name in URL_COLUMNS if isinstance(item.get(name), str))
    return {**item, column: url}


def own_columns(item: object) -> Mapping[str, Any]:
    """What the row says beside what we know: the user's own."""
    if not isinstance(item, Mapping):
        return {}
    return {name: value for name, value in item.items() if name not in _OUR_COLUMNS}


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


def _invalid(message: str) -> RowFault:
    return RowFault(Reason.INVALID_ROW, message)
