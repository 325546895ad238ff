"""Parsing of the option `key_template`. The syntax is that of `str.format`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from functions.core.model.errors import RowError
from functions.core.model.keys import MAX_PREFIX_BYTES, check_name
from functions.core.model.keys.fields import DATE, FIELDS, FIRST, SPECS, ZEROS, Field
from functions.core.model.keys.templates import KeyTemplate, escaped, length_in_key
from functions.core.model.limits import MAX_KEY_BYTES

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
            yield token["text"].replace("{{", "{").replace("}}", "}")
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
            "has no field that tells rows apart, so that all of them had the same key. Add {row}, {sha256}, {host}, "
            "{path}, {name} or a column of the manifest."
        )
    try:
        check_name("".join(piece if isinstance(piece, str) else "x" for piece in pieces).strip())
    except RowError as error:
        raise KeyTemplateError(error.message.removeprefix("key ")) from error
    least = sum(MIN_VALUE_BYTES if (size := length_in_key(piece)) is None else size for piece in pieces)
    if least > MAX_KEY_BYTES - MAX_PREFIX_BYTES:
        raise KeyTemplateError(f"makes keys that are longer than {MAX_KEY_BYTES} bytes, the limit of S3. Shorten it.")
    if sum(map(_source_length, pieces)) > MAX_TEMPLATE_CHARACTERS:
        raise KeyTemplateError(
            f"has more than {MAX_TEMPLATE_CHARACTERS} characters with the ID and the date of a run. Shorten it."
        )


def _source_length(piece: str | Field) -> int:
    if isinstance(piece, str):
        return len(escaped(piece))
    return piece.max_bytes or 0 if piece.is_constant else len(piece.source)
