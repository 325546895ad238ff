"""Keys of images: of their objects in the images bucket, and of their rows in the images table."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping

from functions.core.model.errors import RowError
from functions.core.model.limits import MAX_KEY_BYTES, MAX_TABLE_KEY_BYTES
from functions.core.model.reasons import Reason

DEFAULT_PREFIX = "images/"
"""Prefix of all keys in the images bucket, unless the setting `images_prefix` of the stack is another one."""

MAX_PREFIX_BYTES = 256
"""Maximum length of the prefix in bytes. Default keys have 72 more, and S3 allows 1,024."""

_DEFAULT_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}\.[^/]*")
"""Form of `default_key` without the prefix. A row cannot request such a key: it could be the default key of another
URL, which could then not be stored."""


FULL_URL = "full_url"
"""Attribute of a row of the images table that has the URL if it is too long for the key."""

_MAX_BYTES_PER_CHARACTER = 4


def table_key(url: str) -> str:
    """The value of `url`, the partition key of the images table: the URL, or `sha256:` and the hex digest of a URL of
    more than 2,048 bytes. A URL begins with http, so that the two cannot be confused."""
    if len(url) * _MAX_BYTES_PER_CHARACTER <= MAX_TABLE_KEY_BYTES:
        return url
    content = url.encode()
    return url if len(content) <= MAX_TABLE_KEY_BYTES else f"sha256:{hashlib.sha256(content).hexdigest()}"


def to_table_row(record: Mapping[str, object]) -> Mapping[str, object]:
    """A record with its `url` as a row of the images table."""
    url = str(record["url"])
    key = table_key(url)
    return record if key == url else {**record, "url": key, FULL_URL: url}


def from_table_row(row: Mapping[str, object]) -> Mapping[str, object]:
    """The record of a row of the images table: its `url` is the whole URL."""
    if FULL_URL not in row:
        return row
    return {name: value for name, value in row.items() if name != FULL_URL} | {"url": row[FULL_URL]}


def default_key(url: str, extension: str, prefix: str = DEFAULT_PREFIX) -> str:
    """`<prefix><2 hex>/<sha256 of the URL>.<extension>`. The 256 folders let S3 partition the bucket."""
    digest = hashlib.sha256(url.encode()).hexdigest()
    return f"{prefix}{digest[:2]}/{digest}.{extension}"


def shard_name(pass_number: int, first_row: int, round_number: int) -> str:
    """The name of the shards of a round, which only the attempts of this round use."""
    return f"{pass_number:04d}-{first_row:010d}-{round_number:02d}"


def shard_key(prefix: str, run_id: str, name: str, number: int) -> str:
    """The key of a shard. `name` is that of the round of a batch, `number` counts its shards from 0."""
    return f"{prefix}shards/{run_id}/{name}{f'-{number}' if number else ''}.tar"


def requested_key(text: object, prefix: str = DEFAULT_PREFIX) -> str:
    """The key that a row requests, under the prefix and with its extension unchanged.

    Raises RowError(INVALID_ROW) if it is unsafe.
    """
    if not isinstance(text, str):
        raise _invalid_key("is not text")
    name = unicodedata.normalize("NFC", text.strip()).removeprefix("/").removeprefix(prefix)
    if len((prefix + name).encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise _invalid_key(f"is longer than {MAX_KEY_BYTES} bytes, the limit of S3")
    check_name(name)
    return prefix + name


def check_name(name: str) -> None:
    """Raises RowError(INVALID_ROW) for a key without its prefix that is unsafe."""
    if re.search(r"[\x00-\x1f\x7f\\]", name):
        raise _invalid_key("contains a control character or a backslash")
    if _DEFAULT_NAME.fullmatch(name):
        raise _invalid_key("has the form of a default key (2 hex digits, a slash, 64 hex digits)")
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise _invalid_key("has a path segment that is empty, . or ..")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise _invalid_key("is not valid Unicode") from error


def _invalid_key(problem: str) -> RowError:
    return RowError(Reason.INVALID_ROW, f"key {problem}.")
