"""JSON values, their compact text, and the quota for their size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeGuard, TypeVar

from local.states.base import quotas
from local.states.base.errors import DATA_LIMIT_EXCEEDED, StatesError

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]

T = TypeVar("T", bound=JsonValue)


def to_text(value: JsonValue) -> str:
    """Compact JSON: no spaces, non-ASCII characters unescaped."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def byte_length(text: str) -> int:
    """Length in UTF-8. A lone surrogate, which JSON can express and UTF-8 cannot, counts as three bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def size(value: JsonValue) -> int:
    """Size of the compact JSON text in bytes."""
    return byte_length(to_text(value))


def to_plain_text(value: JsonValue) -> str:
    """A text as it is, any other value as compact JSON."""
    return value if isinstance(value, str) else to_text(value)


def check_size(value: T, source: str) -> T:
    """Returns the value. Raises `States.DataLimitExceeded` if it is larger than a payload may be. `source` is the
    state or the service that it comes from."""
    if size(value) > quotas.MAX_PAYLOAD_BYTES:
        raise StatesError(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{source}' returned a result with a size exceeding the maximum number of bytes service"
            " limit.",
        )
    return value


def equal(left: JsonValue, right: JsonValue) -> bool:
    """Equality of JSON values: unlike in Python, true does not equal 1."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def is_integer(value: object) -> TypeGuard[int]:
    """Excludes true and false, which are integers in Python."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """Excludes true and false, which are integers in Python."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
