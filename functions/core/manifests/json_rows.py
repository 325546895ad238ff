"""JSON arrays and JSON Lines, parsed one value at a time."""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from functions.core.manifests.streams import open_text
from functions.core.model.errors import InvalidManifest
from functions.core.model.types import JsonValue

CHARACTERS = 64 * 1024
"""Number of characters that are read at a time."""

MAX_ITEM_CHARACTERS = 2 * 1024 * 1024
"""Maximum length of an item of an array, in characters. Step Functions accepts 256 KiB, which escapes can lengthen to
six times as many characters."""

_MAX_DIGITS = 300
_WHITE_SPACE = " \t\r\n"
_LOOKAHEAD = len("e+")
"""Number of characters after a number that are needed to know that it does not continue."""


def numbered_array(
    chunks: Iterable[bytes],
) -> Iterator[tuple[int, Any]]:  # Any: an edge, the caller knows the form of the JSON
    """Each item of a JSON array with its number, which counts from 1. Raises InvalidManifest with the number."""
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
        yield from enumerate(_items(window), start=1)
        if window.peek():
            raise InvalidManifest("There is data after the end of the JSON array. Remove it.")


def _items(window: "_Window") -> Iterator[JsonValue]:
    number = 0
    while True:
        character = window.peek()
        if character == "]" and number == 0:
            break
        number += 1
        yield window.value(number)
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
        self._decoder = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_number)

    def peek(self) -> str:
        """The next character that is not white space, or '' at the end."""
        while True:
            while self._position < len(self._text) and self._text[self._position] in _WHITE_SPACE:
                self._position += 1
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._read_more():
                return ""

    def skip(self) -> None:
        """Skips the character that `peek` has returned."""
        self._position += 1

    def value(self, number: int) -> JsonValue:
        """The value at the character that `peek` has returned, which is item `number`. Raises InvalidManifest."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._position)
                if end + _LOOKAHEAD < len(self._text) or not self._read_more():
                    self._position = end
                    item: JsonValue = value
                    return item
            except (ValueError, RecursionError) as error:
                too_long = len(self._text) - self._position > MAX_ITEM_CHARACTERS
                if isinstance(error, RecursionError) or too_long or not self._read_more():
                    raise InvalidManifest(
                        f"Item {number} of the manifest is not valid JSON: {error_text(error)}.",
                        at_end=not too_long and not isinstance(error, RecursionError),
                    ) from error

    def _read_more(self) -> bool:
        characters = self._file.read(CHARACTERS)
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


def error_text(error: Exception) -> str:
    """The reason of a parse error."""
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def write_array(items: Iterable[object]) -> Iterator[str]:
    """A JSON array with one item per line."""
    separator = "[\n"
    for item in items:
        yield separator + json.dumps(item, ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n" if separator != "[\n" else "[]\n"


def numbered_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, JsonValue]]:
    """The value of each line that is not blank, with the line number. Raises InvalidManifest."""
    with open_text(chunks) as file:
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
    value: JsonValue = json.loads(line, parse_int=_number, parse_float=_number, parse_constant=_number)
    return value


def write_lines(items: Iterable[object]) -> Iterator[str]:
    """One JSON value per line."""
    for item in items:
        yield json.dumps(item, ensure_ascii=False) + "\n"
