"""Columns that have the name of a check, such as `size`: whether their values are checks, or the user's own."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from functions.core.model.options import CHECKED_COLUMNS
from functions.core.model.types import JsonValue

MIN_SIZE = 100
"""Size in bytes below which a number is no size of an image: a PNG of one pixel has 67, a JPEG more than 100."""

_NUMBER = re.compile(r"\s*[0-9]{1,15}\s*")
_DIGEST = re.compile(r"[0-9A-Za-z+/=_:-]{16,}")
"""Also a digest of another kind, or one that was cut: then the row fails."""


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value.strip()) is not None


def _is_size(value: object) -> bool:
    return not isinstance(value, bool) and _NUMBER.fullmatch(str(value)) is not None and int(str(value)) >= MIN_SIZE


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and _NUMBER.fullmatch(str(value)) is not None


_IS_CHECK: Mapping[str, Callable[[object], bool]] = {
    "sha256": _is_digest,
    "md5": _is_digest,
    "size": _is_size,
    "headers": lambda value: isinstance(value, Mapping),
}
_VALUES = {
    "sha256": "SHA-256 digests",
    "md5": "MD5 digests",
    "size": "sizes of images in bytes",
    "headers": "objects of header names and values",
}


@dataclass(slots=True)
class CheckColumns:
    """Counts the values of the reserved columns, and those that may be meant as checks."""

    _filled: Counter[str] = field(default_factory=Counter)
    _checks: Counter[str] = field(default_factory=Counter)
    _numbers: int = 0

    def add(self, values: Mapping[str, object]) -> None:
        """Adds a row: its value for each reserved name."""
        for name, value in values.items():
            if name in _IS_CHECK and value not in ("", None):
                self._filled[name] += 1
                self._checks[name] += _IS_CHECK[name](value)
                if name == "size":
                    self._numbers += _is_number(value)

    def merge(self, others: "CheckColumns") -> None:
        """Adds the values of other rows."""
        self._filled.update(others._filled)
        self._checks.update(others._checks)
        self._numbers += others._numbers

    def as_json(self) -> JsonValue:
        return [dict(self._filled), dict(self._checks), self._numbers]

    @classmethod
    def from_json(cls, value: Any) -> Self:  # Any: what `as_json` has written
        filled, checks, numbers = value
        return cls(Counter(filled), Counter(checks), numbers)

    def own_columns(self) -> tuple[str, ...]:
        """The columns of which most values are no checks. A number beside a digest is a size, however small."""
        has_digests = self._checks["sha256"] or self._checks["md5"]
        checks = self._checks | Counter(size=self._numbers if has_digests else 0)
        return tuple(name for name in CHECKED_COLUMNS if 2 * checks[name] < self._filled[name])


def note_on_own(name: str) -> str:
    """The sentence for the summary about a column that was taken as the user's own."""
    return f"Most values of the column {name} are no {_VALUES[name]}, so it is your own column and nothing is checked."
