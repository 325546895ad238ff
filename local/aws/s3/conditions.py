"""Conditions and ranges of GET and HEAD (RFC 9110, sections 13 and 14), and the conditions of writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from local.aws.store.conditions import NO_CONDITION, Condition
from local.aws.store.errors import NotModifiedError, S3Error
from local.aws.store.index import StoredObject

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def write_condition(headers: Mapping[str, str]) -> Condition:
    """Raises S3Error(NotImplemented)."""
    none_match, match = headers.get("if-none-match"), headers.get("if-match")
    if none_match is None and match is None:
        return NO_CONDITION
    if none_match not in (None, "*"):
        raise S3Error("NotImplemented", "The If-None-Match of a write must be *.")
    return Condition(none_match == "*", (match or "").strip().strip('"'))


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


def range_condition_holds(stored: StoredObject, headers: Mapping[str, str]) -> bool:
    """Whether `If-Range`, an ETag or a date, is that of the object."""
    text = headers.get("if-range")
    if text is None:
        return True
    return _moment(text) == int(stored.modified) if text[:1].isalpha() else text.strip().strip('"') == stored.etag


def byte_range(text: str | None, size: int) -> tuple[int, int] | None:
    """First byte and length; None for the whole object, also if the header is not one range of bytes.

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
    except (ValueError, OverflowError):
        return None
