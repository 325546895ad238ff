"""ListObjects, ListObjectsV2 and ListObjectVersions: pages, prefixes, delimiters, encoded keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from local.aws.s3.documents import Node, iso, number
from local.aws.store.errors import S3Error
from local.aws.store.index import StoredObject, end_of
from local.aws.store.objects import ObjectStore

MAX_KEYS = 1000
OWNER = {"ID": "local", "DisplayName": "local"}


FIRST_ROWS = 8
"""Rows that are read first, and after a common prefix: often only one of them is used."""


@dataclass(frozen=True, slots=True)
class _Position:
    key: str
    version: str = ""


@dataclass(slots=True)
class _Page:
    """`objects` and `prefixes` together are at most as many as were asked for; `last` is the last entry."""

    objects: list[StoredObject] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    truncated: bool = False
    last: _Position = _Position("")


_Reader = Callable[[_Position, int], list[StoredObject]]
"""At most so many rows after a position."""


def objects_v2(store: ObjectStore, bucket: str, query: Mapping[str, str]) -> dict[str, Node | None]:
    prefix, delimiter, count = query.get("prefix", ""), query.get("delimiter", ""), max_keys(query)
    token = query.get("continuation-token", "")
    after = _decoded_token(token) if token else query.get("start-after", "")
    page = _keys(store, bucket, prefix, delimiter, after, count)
    encode = encoder(query)
    with_owner = query.get("fetch-owner") == "true"
    return {
        "Name": bucket,
        "Prefix": encode(prefix),
        "Delimiter": encode(delimiter) if delimiter else None,
        "MaxKeys": count,
        "KeyCount": len(page.objects) + len(page.prefixes),
        "IsTruncated": page.truncated,
        "EncodingType": query.get("encoding-type"),
        "ContinuationToken": token or None,
        "NextContinuationToken": _token(page.last.key) if page.truncated else None,
        "StartAfter": encode(query["start-after"]) if "start-after" in query else None,
        "Contents": [_contents(stored, encode, with_owner) for stored in page.objects],
        "CommonPrefixes": [{"Prefix": encode(found)} for found in page.prefixes],
    }


def objects_v1(store: ObjectStore, bucket: str, query: Mapping[str, str]) -> dict[str, Node | None]:
    prefix, delimiter, count = query.get("prefix", ""), query.get("delimiter", ""), max_keys(query)
    page = _keys(store, bucket, prefix, delimiter, query.get("marker", ""), count)
    encode = encoder(query)
    return {
        "Name": bucket,
        "Prefix": encode(prefix),
        "Marker": encode(query.get("marker", "")),
        "NextMarker": encode(page.last.key) if page.truncated and delimiter else None,
        "Delimiter": encode(delimiter) if delimiter else None,
        "MaxKeys": count,
        "EncodingType": query.get("encoding-type"),
        "IsTruncated": page.truncated,
        "Contents": [_contents(stored, encode, True) for stored in page.objects],
        "CommonPrefixes": [{"Prefix": encode(found)} for found in page.prefixes],
    }


def versions(store: ObjectStore, bucket: str, query: Mapping[str, str]) -> dict[str, Node | None]:
    prefix, delimiter, count = query.get("prefix", ""), query.get("delimiter", ""), max_keys(query)
    key, version = query.get("key-marker", ""), query.get("version-id-marker", "")

    page = _page(
        lambda after, rows: store.list_versions(bucket, prefix, after.key, after.version, rows),
        *(prefix, delimiter, count, _Position(key, version)),
    )
    encode = encoder(query)
    return {
        "Name": bucket,
        "Prefix": encode(prefix),
        "Delimiter": encode(delimiter) if delimiter else None,
        "KeyMarker": encode(key),
        "VersionIdMarker": version,
        "NextKeyMarker": encode(page.last.key) if page.truncated else None,
        "NextVersionIdMarker": page.last.version if page.truncated else None,
        "MaxKeys": count,
        "EncodingType": query.get("encoding-type"),
        "IsTruncated": page.truncated,
        "Version": [_version(stored, encode) for stored in page.objects if not stored.marker],
        "DeleteMarker": [_version(stored, encode) for stored in page.objects if stored.marker],
        "CommonPrefixes": [{"Prefix": encode(found)} for found in page.prefixes],
    }


def _keys(store: ObjectStore, bucket: str, prefix: str, delimiter: str, after: str, count: int) -> _Page:
    def read(position: _Position, rows: int) -> list[StoredObject]:
        return store.list_keys(bucket, prefix, position.key, rows)

    return _page(read, prefix, delimiter, count, _Position(after))


def _page(read: _Reader, prefix: str, delimiter: str, count: int, after: _Position) -> _Page:
    """Entries in their order until there are enough. `after` is the last entry of the page before, or empty."""
    page = _Page(last=after)
    rows = FIRST_ROWS
    is_prefix = after.key.startswith(prefix) and after.key == _common_prefix(after.key, prefix, delimiter)
    position = _Position(end_of(after.key)) if is_prefix and not after.version else after
    while found := read(position, rows):
        rows = min(rows * 4, MAX_KEYS + 1)
        for stored in found:
            if len(page.objects) + len(page.prefixes) == count:
                page.truncated = count > 0
                return page
            common = _common_prefix(stored.key, prefix, delimiter)
            if common is not None:  # the keys below it are not read
                page.prefixes.append(common)
                page.last, position, rows = _Position(common), _Position(end_of(common)), FIRST_ROWS
                break
            page.objects.append(stored)
            page.last = position = _Position(stored.key, stored.version)
    return page


def _common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    if not delimiter:
        return None
    head, found, _ = key[len(prefix) :].partition(delimiter)
    return prefix + head + found if found else None


def max_keys(query: Mapping[str, str]) -> int:
    """Raises S3Error(InvalidArgument)."""
    return min(number(query.get("max-keys", str(MAX_KEYS))), MAX_KEYS)


def encoder(query: Mapping[str, str]) -> Callable[[str], str]:
    kind = query.get("encoding-type", "")
    if kind not in ("", "url"):
        raise S3Error("InvalidArgument", "Invalid Encoding Method specified in Request")
    return (lambda text: quote(text, safe="/-_.~")) if kind else (lambda text: text)


def _token(entry: str) -> str:
    return base64.urlsafe_b64encode(entry.encode()).decode()


def _decoded_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect") from error


def _contents(stored: StoredObject, encode: Callable[[str], str], with_owner: bool) -> dict[str, Node]:
    owner: dict[str, Node] = {"Owner": OWNER} if with_owner else {}
    return {
        "Key": encode(stored.key),
        "LastModified": iso(stored.modified),
        "ETag": f'"{stored.etag}"',
        "Size": stored.size,
        "StorageClass": stored.headers.get("x-amz-storage-class", "STANDARD"),
        **owner,
    }


def _version(stored: StoredObject, encode: Callable[[str], str]) -> dict[str, Node]:
    common: dict[str, Node] = {
        "Key": encode(stored.key),
        "VersionId": stored.version,
        "IsLatest": stored.latest,
        "LastModified": iso(stored.modified),
        "Owner": OWNER,
    }
    if stored.marker:
        return common
    return common | {
        "ETag": f'"{stored.etag}"',
        "Size": stored.size,
        "StorageClass": stored.headers.get("x-amz-storage-class", "STANDARD"),
    }
