"""Conditions and ranges of GET and HEAD (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from local.aws.store.errors import NotModifiedError, S3Error
from local.aws.store.index import StoredObject

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def check_read(stored: StoredObject, headers: Mapping[str, str]) -> None:
    """Raises S3Error(PreconditionFailed), NotModifiedError."""
    if (tags := headers.get("if-match")) is not None:
        if not _matches(tags, stored.etag):
            raise S3Error("PreconditionFailed", Condition="If-Match")
    elif (since := _moment(headers.get("if-unmodified-since"))) is not None and int(stored.modified) > since:
        raise S3Error("PreconditionFailed", Condition="If-Unmodified-Since")
    if (tags := headers.get("if-none-match")) is not None:
        if _matches(tags, stored.etag):
            raise NotModifiedError(stored.etag)
    elif (since := _moment(headers.get("if-modified-since"))) is not None and int(stored.modified) <= since:
        raise NotModifiedError(stored.etag)


def byte_range(text: str | None, size: int) -> tuple[int, int] | None:
    """First byte and length; None for all of it, also where the header is not one range of bytes.

    Raises S3Error(InvalidRange).
    """
    match = _RANGE.fullmatch(text.strip()) if text else None
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        start, end = size - length, size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    if start >= size or end < start:
        raise S3Error("InvalidRange", RangeRequested=str(text), ActualObjectSize=str(size))
    return start, end - start + 1


def _matches(tags: str, etag: str) -> bool:
    return any(tag.strip().removeprefix("W/").strip('"') in ("*", etag) for tag in tags.split(","))


def _moment(text: str | None) -> int | None:
    """A date that cannot be read is ignored."""
    if text is None:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except ValueError:
        return None
