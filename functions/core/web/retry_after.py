"""`Retry-After` in both its forms (RFC 9110, section 10.2.3), bounded."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_SECONDS = 60.0
"""Longer waits are cut to this: a child lives five minutes. A host that means an hour answers so again."""


def seconds_asked(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds from now, 0 to MAX_SECONDS, or None where the header is missing or means nothing."""
    if header is None:
        return None
    text = header.strip()
    if re.fullmatch(r"[0-9]+", text, re.ASCII):
        return min(MAX_SECONDS, float(text[:9]))
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    try:
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
    except OverflowError:
        return None
    return min(MAX_SECONDS, max(0.0, seconds))
