"""JSON arrays and JSON lines, one value at a time."""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from functions.core.manifests.streams import open_text
from functions.core.model.errors import InvalidManifest

CHARACTERS = 64 * 1024
MAX_ITEM_CHARACTERS = 2 * 1024 * 1024
"""Far more than Step Functions hands to a child, also where all of it is escaped."""

_SPACE = " \t\r\n"
_UNDECIDED = len("e+")
"""So much may stand behind what looks like a whole number, and it goes on."""


def numbered_array(chunks: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    """The values of the array that the file is. Raises InvalidManifest with the item's number."""
    with open_text(chunks) as file:
        window = _Window(file)
        first = window.peek()
        if first != "[":
            if first == "":
                return
            raise InvalidManifest("A JSON manifest is an array of URLs or of objects with a url: begin it with '['.")
        window.skip()
        yield from enumerate(_values(window), start=1)
        if window.peek():
            raise InvalidManifest("There is more in the manifest after the end of its JSON array.")


def _values(window: "_Window") -> Iterator[Any]:
    number = 0
    while True:
        mark = window.peek()
        if mark == "]" and number == 0:
            break
        number += 1
        yield window.value(number)
        mark = window.peek()
        if mark not in ("]", ","):
            error_text = f"There is no comma after item {number} of the manifest, or its array does not end."
            raise InvalidManifest(error_text, at_end=not mark)
        if mark == "]":
            break
        window.skip()
    window.skip()


class _Window:
    """As much of the text as one value needs."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._decoder = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_number)

    def peek(self) -> str:
        """The next character that is no white space, or '' at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self) -> None:
        self._at += 1

    def value(self, number: int) -> Any:
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                if end + _UNDECIDED < len(self._text) or not self._more():
                    self._at = end
                    return value
            except (ValueError, RecursionError) as error:
                long = len(self._text) - self._at > MAX_ITEM_CHARACTERS
                if isinstance(error, RecursionError) or long or not self._more():
                    at_end = not long and not isinstance(error, RecursionError)
                    raise InvalidManifest(
                        f"Item {number} of the manifest is not JSON: {why(error)}.", at_end=at_end
                    ) from error

    def _more(self) -> bool:
        piece = self._file.read(CHARACTERS)
        if piece:
            self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)


def _number(digits: str) -> int | float:
    if len(digits) > 300:
        raise ValueError(f"a number of {len(digits)} digits")
    if digits.lstrip("-").isdigit():
        return int(digits)
    number = float(digits)
    if not math.isfinite(number):  # NaN and Infinity are Python's, not JSON's
        raise ValueError(f"{digits} is no number")
    return number


def error_text(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def write_array(items: Iterable[Any]) -> Iterator[str]:
    """An array, an item a line."""
    before = "[\n"
    for item in items:
        yield before + json.dumps(item, ensure_ascii=False)
        before = ",\n"
    yield "\n]\n" if before != "[\n" else "[]\n"


def numbered_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    """Each line that is not blank, with its number. Raises InvalidManifest."""
    with open_text(chunks) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    item = parse_json(line)
                except (ValueError, RecursionError) as error:
                    raise InvalidManifest(f"Line {number} of the manifest is not JSON: {why(error)}.") from error
                yield number, item


def parse_json(line: str) -> Any:
    """Raises ValueError, RecursionError."""
    return json.loads(line, parse_int=_number, parse_float=_number, parse_constant=_number)


def write_lines(items: Iterable[Any]) -> Iterator[str]:
    """One value a line."""
    for item in items:
        yield json.dumps(item, ensure_ascii=False) + "\n"
