"""JSON as it travels between states: compact, UTF-8, at most 256 KiB."""

from __future__ import annotations

import json
from typing import Any

from local.states.base.errors import StatesError

LIMIT = 256 * 1024


def text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def size(value: Any) -> int:
    """Bytes. A lone surrogate, which JSON can spell and UTF-8 cannot, counts as three."""
    return len(text(value).encode("utf-8", "surrogatepass"))


def within_limit(value: Any, what: str) -> Any:
    """Raises `States.DataLimitExceeded`."""
    if size(value) > LIMIT:
        raise StatesError("States.DataLimitExceeded", f"{what} is larger than {LIMIT} bytes")
    return value
