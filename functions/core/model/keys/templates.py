"""Keys by template: the option `key_template`, such as `by-host/{host}/{row:08}.{ext}`.

The syntax is that of `str.format`. The SHA-256 and the type of an image are known only after its download: until then,
a key that has them is an `OpenKey`.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from functions.core.model.errors import RowError
from functions.core.model.keys import MAX_PREFIX_BYTES, check_name
from functions.core.model.keys.fields import DATE, FIELDS, FIRST, SPECS, ZEROS, Field
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


_DIGITS_OF_DIGEST = 12


def shortened(text: str, max_bytes: int) -> str:
    """At most `max_bytes` in UTF-8. A text that is longer ends with digits of its digest, so that it differs from
    others with the same beginning."""
    content = text.encode()
    if len(content) <= max_bytes:
        return text
    end = f"-{hashlib.sha256(content).hexdigest()[:_DIGITS_OF_DIGEST]}"
    return content[: max_bytes - len(end)].decode(errors="ignore").rstrip(" /") + end


_CONSTANT_FIELDS = frozenset({"ext", "run", "date"})
"""They do not tell rows apart."""

_TOKEN = re.compile(
    r"(?P<text>(?:[^{}]|\{\{|\}\})+)|\{(?:column\[(?P<column>[^{}]+)\]|(?P<field>[^{}:]*))(?::(?P<spec>[^{}]*))?\}"
)

MIN_VALUE_BYTES = 24
"""Length in bytes that is left to each value that is shortened, at least."""

MAX_TEMPLATE_CHARACTERS = 256
"""Maximum length of a template: it is in the input of every batch, and in the metadata of the retry manifest."""


class KeyTemplateError(ValueError):
    """The template cannot be used. The message says what is wrong, and what is possible."""


@lru_cache(maxsize=16)
def parse_template(text: str) -> KeyTemplate:
    """The template of the option `key_template`. Raises KeyTemplateError."""
    pieces = tuple(_pieces(text.strip().removeprefix("/")))
    _check(pieces)
    return KeyTemplate(pieces)


def _pieces(text: str) -> Iterator[str | Field]:
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise KeyTemplateError(
                f"has a brace without its counterpart at {text[position:][:20]!r}. A brace in a key is written twice."
            )
        if token["text"]:
            yield unicodedata.normalize("NFC", token["text"].replace("{{", "{").replace("}}", "}"))
        else:
            yield _field(token)
        position = token.end()


def _field(token: re.Match[str]) -> Field:
    name, spec = token["column"] or token["field"].strip(), token["spec"] or ""
    if not name:
        raise KeyTemplateError(f"has {{}} without a name. {known_fields()}")
    field = Field(name, spec, is_column=name not in FIELDS or bool(token["column"]))
    specs = (ZEROS, FIRST) if field.is_column else SPECS.get(name, (FIRST,))
    if token["spec"] is not None and not any(each.fullmatch(spec) for each in specs):
        possible = " or ".join(_EXAMPLES[each].format(name) for each in specs) or f"{{{name}}} has none"
        raise KeyTemplateError(f"has the format {spec!r} for {{{name}}}, which is not possible. Possible: {possible}.")
    return field


_EXAMPLES = {
    ZEROS: "{{{0}:08}} for eight digits",
    FIRST: "{{{0}:.2}} for the first two characters",
    DATE: "{{{0}:%Y/%m}}, of %Y, %m, %d, %H and %j",
}


def known_fields(columns: Iterable[str] = ()) -> str:
    """A sentence with the fields, and the columns of the manifest."""
    of_manifest = ", ".join(f"{{{name}}}" if name not in FIELDS else f"{{column[{name}]}}" for name in columns)
    fields = ", ".join(f"{{{name}}}" for name in FIELDS)
    return f"The fields are {fields}; the columns of the manifest are {of_manifest or 'fields, too'}."


def _check(pieces: Sequence[str | Field]) -> None:
    """Raises KeyTemplateError."""
    fields = [piece for piece in pieces if isinstance(piece, Field)]
    if all(field.name in _CONSTANT_FIELDS and not field.is_column for field in fields):
        raise KeyTemplateError(
            "has no field that tells rows apart, so all of them would have the same key. Add {row}, {sha256}, {host}, "
            "{path}, {name} or a column of the manifest."
        )
    try:
        check_name("".join(_example(piece) for piece in pieces).strip())
    except RowError as error:
        raise KeyTemplateError(error.message.removeprefix("key ")) from error
    least = sum(MIN_VALUE_BYTES if (size := length_in_key(piece)) is None else size for piece in pieces)
    if least > MAX_KEY_BYTES - MAX_PREFIX_BYTES:
        raise KeyTemplateError(f"makes keys that are longer than {MAX_KEY_BYTES} bytes, the limit of S3. Shorten it.")
    if sum(map(_source_length, pieces)) > MAX_TEMPLATE_CHARACTERS:
        raise KeyTemplateError(
            f"has more than {MAX_TEMPLATE_CHARACTERS} characters with the ID and the date of a run. Shorten it."
        )


def _example(piece: str | Field) -> str:
    """The piece in a key of any row."""
    if isinstance(piece, str):
        return piece
    return piece.constant("x", datetime.min) if piece.is_constant else "x"


def _source_length(piece: str | Field) -> int:
    if isinstance(piece, str):
        return len(escaped(piece))
    return piece.max_bytes or 0 if piece.is_constant else len(piece.source)
