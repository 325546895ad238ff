"""JSON arrays and JSON Lines, parsed one value at a time."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from functions.core.manifests.contents import MAX_NESTING, is_too_deep, may_be_too_deep
from functions.core.manifests.line_errors import TOO_LARGE
from functions.core.manifests.streams import MAX_LINE_BYTES, open_lines, open_text
from functions.core.model.errors import InvalidManifest
from functions.core.model.types import JsonValue

CHARACTERS = 64 * 1024
"""Number of characters that are read at a time."""

MAX_ITEM_CHARACTERS = MAX_LINE_BYTES
"""Maximum length of an item of an array, in characters: that of an item on a line."""

_MAX_DIGITS = 300
_WHITE_SPACE = " \t\r\n"
_NOT_WHITE_SPACE = re.compile(f"[^{_WHITE_SPACE}]")
_LOOKAHEAD = len("e+")
"""Number of characters after a number that are needed to know that it does not continue."""


def numbered_array(
    chunks: Iterable[bytes],
) -> Iterator[tuple[int, Any]]:  # Any: an edge, the caller knows the form of the JSON
    """Each item of a JSON array with its number, which counts from 1. Raises InvalidManifest with the number."""
    return ((number, item) for number, item, _ in measured_array(chunks))


def measured_array(chunks: Iterable[bytes]) -> Iterator[tuple[int, JsonValue, int]]:
    """The same with the length of each item in characters."""
    with open_text(chunks) as file:
        window = _Window(file)
        first = window.peek()
        if first == "":
            return
        if first != "[":
            raise InvalidManifest(
                "A JSON manifest is an array of URLs or of objects with a url. Start it with '[', or name it .jsonl if "
                "each line is a JSON value."
            )
        window.skip()
        yield from _items(window)
        if window.peek():
            raise InvalidManifest("There is data after the end of the JSON array. Remove it.")


def _items(window: "_Window") -> Iterator[tuple[int, JsonValue, int]]:
    number = 0
    while True:
        character = window.peek()
        if character == "]" and number == 0:
            break
        number += 1
        yield number, window.value(number), window.length
        character = window.peek()
        if character not in ("]", ","):
            raise InvalidManifest(
                f"There is no comma after item {number} of the manifest, or the array is not closed with ']'.",
                at_end=not character,
            )
        if character == "]":
            break
        window.skip()
    window.skip()


class _Window:
    """The part of the text that is needed to parse one value."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._position = 0
        self.length = 0
        """Number of characters of the last value."""

    def peek(self) -> str:
        """The next character that is not white space, or '' at the end."""
        while True:
            if self._position < len(self._text):
                character = self._text[self._position]
                if character not in _WHITE_SPACE:
                    return character
                found = _NOT_WHITE_SPACE.search(self._text, self._position)
                self._position = found.start() if found else len(self._text)
            elif not self._read_more():
                return ""

    def skip(self) -> None:
        """Skips the character that `peek` has returned."""
        self._position += 1

    def value(self, number: int) -> JsonValue:
        """The value at the character that `peek` has returned, which is item `number`. Raises InvalidManifest."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._position)
                if end + _LOOKAHEAD < len(self._text) or not self._read_more():
                    if may_be_too_deep(self._text, self._position, end) and is_too_deep(value):
                        raise RecursionError
                    self.length = end - self._position
                    self._position = end
                    item: JsonValue = value
                    return item
            except (ValueError, RecursionError) as error:
                too_long = len(self._text) - self._position > MAX_ITEM_CHARACTERS
                if too_long:
                    raise InvalidManifest(f"Item {number} of the manifest {TOO_LARGE.one}. {TOO_LARGE.fix}") from error
                if isinstance(error, RecursionError) or not self._read_more():
                    raise InvalidManifest(
                        f"Item {number} of the manifest is not valid JSON: {error_text(error)}.",
                        at_end=not isinstance(error, RecursionError),
                    ) from error

    def _read_more(self) -> bool:
        """As much again as is left, because a long value is parsed from its beginning each time."""
        left = len(self._text) - self._position
        characters = self._file.read(max(CHARACTERS, min(left, MAX_ITEM_CHARACTERS + CHARACTERS - left)))
        if characters:
            self._text, self._position = self._text[self._position :] + characters, 0
        return bool(characters)


def _number(literal: str) -> int | float:
    """Raises ValueError for what Python accepts and JSON does not (NaN, Infinity), and for very long numbers."""
    if len(literal) > _MAX_DIGITS:
        raise ValueError(f"a number has {len(literal)} digits")
    if literal.lstrip("-").isdigit():
        return int(literal)
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(f"{literal} is not a number in JSON")
    return number


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_number)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
"""`json.loads` and `json.dumps` with options make a new one for each value, which takes longer than the value."""


def error_text(error: Exception) -> str:
    """The reason of a parse error."""
    too_deep = f"it is nested too deeply: at most {MAX_NESTING} arrays and objects may be in one another"
    return too_deep if isinstance(error, RecursionError) else str(error)


def write_items(items: Iterable[object]) -> Iterator[str]:
    """The JSON of each item, as it is in an array."""
    return map(_ENCODER.encode, items)


def numbered_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, JsonValue]]:
    """The value of each line that is not blank, with the line number. Raises InvalidManifest."""
    with open_lines(chunks) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    item = parse_json(line)
                except (ValueError, RecursionError) as error:
                    raise InvalidManifest(
                        f"Line {number} of the manifest is not valid JSON: {error_text(error)}."
                    ) from error
                yield number, item


def parse_json(line: str) -> JsonValue:
    """Raises ValueError, RecursionError."""
    value: JsonValue = _DECODER.decode(line)
    if len(line) > MAX_NESTING and may_be_too_deep(line) and is_too_deep(value):
        raise RecursionError
    return value


def write_lines(items: Iterable[object]) -> Iterator[str]:
    """One JSON value per line."""
    for item in items:
        yield _ENCODER.encode(item) + "\n"
