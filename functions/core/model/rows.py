"""Rows of a manifest. Step Functions delivers a row as an item: a URL, or an object with a URL and other columns."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from functions.core.model.errors import RowError
from functions.core.model.headers import COLUMN_PREFIX, HeaderError, check_headers, parse_headers
from functions.core.model.keys import DEFAULT_PREFIX, requested_key
from functions.core.model.keys.row_numbers import ROW_COLUMN, original_row
from functions.core.model.keys.templates import KeyTemplate, OpenKey, parse_template
from functions.core.model.options import CHECKED_COLUMNS, Options
from functions.core.model.reasons import Reason
from functions.core.model.types import JsonObject
from functions.core.model.urls import absolute_url, has_several_urls, redact

URL_COLUMNS = ("url", "image_url", "imageurl")
"""Names of the URL column in order of precedence. Case is ignored, spaces and hyphens count as underscores."""

UNNAMED_COLUMNS = tuple(f"column_{number}" for number in range(2, 11))
"""Names of the columns after the URL in a headerless CSV. Step Functions gives every row all of them."""

_RESERVED_COLUMNS = {"key", ROW_COLUMN, *CHECKED_COLUMNS}
_NOT_IF_EMPTY = {"", *UNNAMED_COLUMNS}
"""Columns without a name in the manifest are the user's own only where they have a value."""

_DIGEST_BYTES = {"sha256": 32, "md5": 16}


@dataclass(frozen=True, slots=True)
class Row:
    """A valid row. `number` counts from 1, digests are lower-case hex, `user_columns` are the other columns. `key` is
    the one that the row names, or that the template of the run gives it."""

    number: int
    url: str
    key: str | OpenKey | None = None
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_columns: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowRules:
    """How the items of a run are read: by the options of the run.

    `url_column` is the name of the URL column, or empty: then it is found by URL_COLUMNS. `own_columns` are reserved
    names that have no meaning in this run. With `split_urls`, each URL of a value is a row of its own. Without
    `has_keys`, a row must not name a key. `key_template` is for rows that name no key.
    """

    base_url: str = ""
    url_column: str = ""
    own_columns: tuple[str, ...] = ()
    split_urls: bool = False
    has_keys: bool = True
    key_template: KeyTemplate | None = None

    @classmethod
    def of(cls, options: Options) -> "RowRules":
        has_keys = options.output == "objects"
        template = parse_template(options.key_template) if options.key_template else None
        return cls(options.base_url, options.url_column, options.own_columns, options.split_urls, has_keys, template)

    @property
    def has_row_numbers(self) -> bool:
        """Whether keys have the number of the row, which a retry must not change."""
        return self.key_template is not None and self.key_template.has_row_number


DEFAULT_RULES = RowRules()


@dataclass(frozen=True, slots=True)
class Columns:
    """Meaning of the names of an item. `urls` are the possible URL columns, the preferred one first; `conflicting` is
    another one of the same precedence. `reserved` has the name in the item for each reserved name, `headers` the name
    of the header for each column of one."""

    urls: tuple[str, ...]
    reserved: Mapping[str, str]
    headers: Mapping[str, str]
    user_columns: tuple[str, ...]
    conflicting: str | None


MAX_CACHED_COLUMNS = 500
"""Number of names up to which their meaning is cached for the next row. A cache of thousands would fill the memory."""


def classify_columns(names: tuple[str, ...], rules: RowRules = DEFAULT_RULES) -> Columns:
    """Exactly `url` takes precedence, then `url` in any case, then the other names in the order of URL_COLUMNS.

    With `url_column`, only this name is possible: exactly, or compared by `comparable`.
    """
    classify = _cached_columns if len(names) <= MAX_CACHED_COLUMNS else _columns
    return classify(names, rules.url_column, rules.own_columns)


def _columns(names: tuple[str, ...], url_column: str, own_columns: tuple[str, ...]) -> Columns:
    ranks = {name: _rank(name, url_column) if url_column else _url_rank(name) for name in names}
    urls = sorted((name for name in names if ranks[name] is not None), key=lambda name: ranks[name] or 0)
    conflicting = urls[1] if len(urls) > 1 and ranks[urls[0]] == ranks[urls[1]] else None
    possible = _RESERVED_COLUMNS.difference(own_columns)
    reserved = {name.strip(_PADDING): name for name in names if name.strip(_PADDING) in possible and name not in urls}
    headers = {name: header for name in names if (header := _header_name(name)) is not None}
    taken = {*urls[:1], *reserved.values(), *headers}
    return Columns(tuple(urls), reserved, headers, tuple(name for name in names if name not in taken), conflicting)


_cached_columns = lru_cache(maxsize=256)(_columns)

_PADDING = "\ufeff\u200b\xa0\u2007\u202f \t\r\n"
"""Removed around a column name: spaces of every kind. It is not documented whether Step Functions removes a byte order
mark or a carriage return from the names of a header."""

_SEPARATORS = re.compile(rf"[{_PADDING}_-]+")


def comparable(name: str) -> str:
    """The name of a column without case, spaces, underscores and hyphens."""
    return _SEPARATORS.sub("", name).casefold()


def _rank(name: str, url_column: str) -> int | None:
    if name.strip(_PADDING) == url_column.strip(_PADDING):
        return 0
    return 1 if comparable(name) == comparable(url_column) else None


def _header_name(column: str) -> str | None:
    stripped = column.strip(_PADDING)
    is_header = stripped[: len(COLUMN_PREFIX)].lower() == COLUMN_PREFIX
    return stripped[len(COLUMN_PREFIX) :].strip() if is_header else None


def invalid_header_columns(columns: Columns) -> str | None:
    """A sentence about the columns for headers, if no row could use them."""
    try:
        check_headers((name, "") for name in columns.headers.values())
    except HeaderError as error:
        return f"A column of the manifest is for a header ({COLUMN_PREFIX}): {error} Rename or remove the column."
    return None


def _url_rank(name: str) -> int | None:
    stripped = name.strip(_PADDING)
    if stripped == URL_COLUMNS[0]:
        return 0
    normalized = stripped.lower().replace("-", "_").replace(" ", "_")
    return 1 + URL_COLUMNS.index(normalized) if normalized in URL_COLUMNS else None


def parse_row(number: int, item: object, rules: RowRules = DEFAULT_RULES, prefix: str = DEFAULT_PREFIX) -> Row:
    """The row of an item. `prefix` is that of all keys in the images bucket.

    Raises RowError(INVALID_ROW | INVALID_URL), which names the invalid column.
    """
    url = _single_url(url_text(item, rules), rules.base_url)
    if not isinstance(item, Mapping):
        return Row(number, url, rules.key_template.key(number, url, {}, prefix) if rules.key_template else None)
    columns = classify_columns(tuple(item), rules)
    reserved = {name: item[name_in_item] for name, name_in_item in columns.reserved.items()}
    own = user_columns(item, rules)
    key: str | OpenKey | None = _key(reserved["key"], rules, prefix) if reserved.get("key") else None
    if key is None and rules.key_template is not None:
        key = rules.key_template.key(original_row(reserved.get(ROW_COLUMN), number), url, own, prefix)
    return Row(
        number=number,
        url=url,
        key=key,
        sha256=_digest("sha256", reserved.get("sha256")),
        md5=_digest("md5", reserved.get("md5")),
        size=_size(reserved.get("size")),
        headers=_headers(item, columns),
        user_columns=own,
    )


def _single_url(text: str, base_url: str) -> str:
    if has_several_urls(text):
        raise RowError(Reason.INVALID_URL, f"The URL is several URLs in one value. {SPLIT}")
    return absolute_url(text, base_url)


SPLIT = "The option split_urls=true makes a row of each."


def url_text(item: object, rules: RowRules = DEFAULT_RULES) -> str:
    """The URL of an item, unchanged. Raises RowError if it has none."""
    if isinstance(item, str):
        return item
    if not isinstance(item, Mapping):
        raise _invalid(f"The row is {_json_type(item)}, not a URL or an object with a url.")
    column = url_column_of(item, rules)
    if column is not None and isinstance(item[column], str):
        return str(item[column])
    if column is not None and isinstance(item[column], list):
        raise _invalid(f"The value of {column} is a list. {SPLIT}")
    raise _invalid(f"The row has no {rules.url_column or 'url'}.")


def url_column_of(item: JsonObject, rules: RowRules = DEFAULT_RULES) -> str | None:
    """The column that has the URL, or a list of URLs. Raises RowError if two columns could be it."""
    columns = classify_columns(tuple(item), rules)
    if columns.conflicting is not None:
        raise _invalid(f"Both '{columns.urls[0]}' and '{columns.conflicting}' could be the URL column.")
    for kind in (str, list):
        for name in columns.urls:
            if isinstance(item[name], kind):
                return name
    return None


def display_url(item: object, rules: RowRules = DEFAULT_RULES) -> str:
    """The redacted URL of an item: absolute if possible, empty if there is none."""
    try:
        text = url_text(item, rules)
    except RowError:
        return ""
    try:
        return redact(absolute_url(text, rules.base_url))
    except RowError:
        return redact(text)


def with_absolute_url(item: object, rules: RowRules) -> object:
    """The item for a run without `base_url`: with an absolute URL, everything else unchanged."""
    try:
        url = _single_url(url_text(item, rules), rules.base_url)
    except RowError:
        return item
    if isinstance(item, Mapping):
        return {**item, str(url_column_of(item, rules)): url}
    return url


def user_columns(item: object, rules: RowRules = DEFAULT_RULES) -> JsonObject:
    """The columns of an item that are neither the URL nor reserved."""
    if not isinstance(item, Mapping):
        return {}
    columns = {name: item[name] for name in classify_columns(tuple(item), rules).user_columns}
    return {name: value for name, value in columns.items() if value != "" or name not in _NOT_IF_EMPTY}


def _key(value: object, rules: RowRules, prefix: str) -> str:
    if not rules.has_keys:
        raise _invalid("key: with output=shards, images have no keys of their own. Rename the column.")
    return requested_key(value, prefix)


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


def _headers(item: JsonObject, columns: Columns) -> Mapping[str, str]:
    value = item[columns.reserved["headers"]] if "headers" in columns.reserved else None
    if not columns.headers and value in (None, ""):
        return {}
    try:
        pairs = [*parse_headers(value).items(), *((name, item[column]) for column, name in columns.headers.items())]
        return check_headers(pairs)
    except HeaderError as error:
        raise _invalid(str(error)) from error


def _json_type(item: object) -> str:
    return {type(None): "null", list: "a list", bool: "a boolean"}.get(type(item), "a number")


def _invalid(message: str) -> RowError:
    return RowError(Reason.INVALID_ROW, message)
