"""Keys by template: the option `key_template`, such as `by-host/{host}/{row:08}.{ext}`.

The syntax is that of `str.format`. The SHA-256 and the type of an image are known only after its download: until then,
a key that has them is an `OpenKey`.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.core.model.keys import check_name
from functions.core.model.keys.fields import Field
from functions.core.model.keys.values import shortened
from functions.core.model.limits import MAX_KEY_BYTES
from functions.core.model.types import JsonObject

_DOTS = re.compile(r"(?<![^/])\.{1,2}(?![^/])")


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key with the fields `sha256` and `ext`, for `str.format`."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def depends_on_bytes(self) -> bool:
        return "{sha256" in self.text

    def of(self, sha256: str, extension: str) -> str:
        return unicodedata.normalize("NFC", self.text.format(sha256=sha256, ext=extension))


@dataclass(frozen=True, slots=True)
class KeyTemplate:
    """A valid template: texts and fields in their order."""

    pieces: tuple[str | Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Field))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.is_column)

    @property
    def has_row_number(self) -> bool:
        return any(field.name == "row" and not field.is_column for field in self.fields)

    def key(self, row: int, url: str, columns: JsonObject, prefix: str) -> str | OpenKey:
        """The key of a row, whose own columns are `columns`. `prefix` is that of all keys in the images bucket.

        Raises RowError(INVALID_ROW) if a column has no value.
        """
        pieces = self.pieces
        if isinstance(pieces[0], str):
            pieces = (pieces[0].removeprefix(prefix), *pieces[1:])
        values = [piece if isinstance(piece, str) else piece.value(row, url, columns) for piece in pieces]
        fitted = _fitted(pieces, values, MAX_KEY_BYTES - len(prefix.encode()))
        parts = (
            piece.source if isinstance(piece, Field) and piece.is_open else escaped(value)
            for piece, value in zip(pieces, fitted, strict=True)
        )
        text = _DOTS.sub(lambda dots: "_" * len(dots[0]), unicodedata.normalize("NFC", "".join(parts)).strip())
        closed = text.format(sha256="~", ext="~")
        check_name(closed)
        return OpenKey(escaped(prefix) + text) if any(field.is_open for field in self.fields) else prefix + closed

    def with_constants(self, run_id: str, started_at: datetime) -> str:
        """The text of the template with the values of `run` and `date`, so that a retry has the same keys."""
        return "".join(
            escaped(piece) if isinstance(piece, str) else piece.constant(run_id, started_at) for piece in self.pieces
        )


def _fitted(pieces: Sequence[str | Field], values: Sequence[str], max_bytes: int) -> Sequence[str]:
    """The values, those of any length shortened if the key has more than `max_bytes`."""
    fixed = sum(length_in_key(piece) or 0 for piece in pieces)
    free = [value for piece, value in zip(pieces, values, strict=True) if length_in_key(piece) is None]
    if fixed + sum(len(value.encode()) for value in free) <= max_bytes:
        return values
    share = (max_bytes - fixed) // len(free)
    return [
        shortened(value, share) if length_in_key(piece) is None else value
        for piece, value in zip(pieces, values, strict=True)
    ]


def length_in_key(piece: str | Field) -> int | None:
    return len(piece.encode()) if isinstance(piece, str) else piece.max_bytes


def escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
