"""ListObjects, ListObjectsV2 and ListObjectVersions: pages, prefixes, delimiters, encoded keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from local.aws.store.documents import Node, iso
from local.aws.store.errors import S3Error
from local.aws.store.index import StoredObject
from local.aws.store.objects import ObjectStore

MAX_KEYS = 1000
OWNER = {"ID": "local", "DisplayName": "local"}


@dataclass(slots=True)
class _Page:
    """`objects` and `prefixes` together are at most as many as were asked for; `last` is the entry to go on after."""

    objects: list[StoredObject] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    truncated: bool = False
    last: StoredObject | None = None


def objects_v2(store: ObjectStore, bucket: str, query: Mapping[str, str]) -> dict[str, Node | None]:
    prefix, delimiter, count = query.get("prefix", ""), query.get("delimiter", ""), max_keys(query)
    token = query.get("continuation-token", "")
    after = _decoded_token(token) if token else query.get("start-after", "")
    page = _keys(store, bucket, prefix, delimiter, after, count)
    encode = _encoder(query)
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
        "NextContinuationToken": _token(_last_entry(page)) if page.truncated else None,
        "StartAfter": encode(query["start-after"]) if "start-after" in query else None,
        "Contents": [_contents(stored, encode, with_owner) for stored in page.objects],
        "CommonPrefixes": [{"Prefix": encode(found)} for found in page.prefixes],
    }


def objects_v1(store: ObjectStore, bucket: str, query: Mapping[str, str]) -> dict[str, Node | None]:
    prefix, delimiter, count = query.get("prefix", ""), query.get("delimiter", ""), max_keys(query)
    page = _keys(store, bucket, prefix, delimiter, query.get("marker", ""), count)
    encode = _encoder(query)
    return {
        "Name": bucket,
        "Prefix": encode(prefix),
        "Marker": encode(query.get("marker", "")),
        "NextMarker": encode(_last_entry(page)) if page.truncated and delimiter else None,
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

    def following(last: StoredObject | None, wanted: int) -> list[StoredObject]:
        if last is None:
            return store.list_versions(bucket, prefix, key, version, wanted)
        return store.list_versions(bucket, prefix, last.key, last.version, wanted)

    page = _page(following, prefix, delimiter, count, key)
    encode = _encoder(query)
    return {
        "Name": bucket,
        "Prefix": encode(prefix),
        "Delimiter": encode(delimiter) if delimiter else None,
        "KeyMarker": encode(key),
        "VersionIdMarker": version,
        "NextKeyMarker": encode(page.last.key) if page.truncated and page.last else None,
        "NextVersionIdMarker": page.last.version if page.truncated and page.last else None,
        "MaxKeys": count,
        "EncodingType": query.get("encoding-type"),
        "IsTruncated": page.truncated,
        "Version": [_version(stored, encode) for stored in page.objects if not stored.marker],
        "DeleteMarker": [_version(stored, encode) for stored in page.objects if stored.marker],
        "CommonPrefixes": [{"Prefix": encode(found)} for found in page.prefixes],
    }


def _keys(store: ObjectStore, bucket: str, prefix: str, delimiter: str, after: str, count: int) -> _Page:
    def following(last: StoredObject | None, wanted: int) -> list[StoredObject]:
        return store.list_keys(bucket, prefix, after if last is None else last.key, wanted)

    return _page(following, prefix, delimiter, count, after)


def _page(
    following: Callable[[StoredObject | None, int], list[StoredObject]],
    prefix: str,
    delimiter: str,
    count: int,
    after: str,
) -> _Page:
    """Entries in their order until there are enough; keys below a common prefix are passed over."""
    page = _Page()
    for stored in _all(following):
        common = _common_prefix(stored.key, prefix, delimiter)
        if common is not None and (common in page.prefixes[-1:] or after.startswith(common)):
            page.last = stored
            continue
        if len(page.objects) + len(page.prefixes) == count:
            page.truncated = count > 0
            return page
        page.last = stored
        if common is None:
            page.objects.append(stored)
        else:
            page.prefixes.append(common)
    return page


def _all(following: Callable[[StoredObject | None, int], list[StoredObject]]) -> Iterator[StoredObject]:
    last = None
    while found := following(last, MAX_KEYS + 1):
        yield from found
        last = found[-1]


def _common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    if not delimiter:
        return None
    head, found, _ = key[len(prefix) :].partition(delimiter)
    return prefix + head + found if found else None


def _last_entry(page: _Page) -> str:
    last_key = page.objects[-1].key if page.objects else ""
    return max(last_key, page.prefixes[-1] if page.prefixes else "")


def max_keys(query: Mapping[str, str]) -> int:
    """Raises S3Error(InvalidArgument)."""
    text = query.get("max-keys", str(MAX_KEYS))
    if not text.isdecimal():
        raise S3Error("InvalidArgument", "Provided max-keys not an integer or within integer range")
    return min(int(text), MAX_KEYS)


def _encoder(query: Mapping[str, str]) -> Callable[[str], str]:
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
