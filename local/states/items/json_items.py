"""Streams the elements of a JSON array, without holding the array in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TextIO

from local.states.base.errors import ITEM_READER_FAILED, StatesError
from local.states.base.payloads import JsonValue

CHUNK_LENGTH = 64 * 1024
"""Characters to read at a time."""

MAX_ITEM_LENGTH = 16 * 1024 * 1024
"""Characters of one element. Far above the 256 KiB that a state can have as input; it bounds the memory."""


def _reject_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")


_ELEMENT_END = re.compile(r"[ \t\r\n]*[,\]]")
_NOT_AN_ARRAY = tuple('{"-0123456789tfn')
"""First characters of JSON that is not an array."""
_decoder = json.JSONDecoder(parse_constant=_reject_constant)


def loads(text: str) -> JsonValue:
    """Like `json.loads`, but NaN and Infinity raise ValueError."""
    value: JsonValue = json.loads(text, parse_constant=_reject_constant)
    return value


def array_items(stream: TextIO) -> Iterator[JsonValue]:
    """The elements of the array that the stream contains. Raises ValueError if it contains anything else."""
    scanner = _Scanner(stream)
    if scanner.peek() in _NOT_AN_ARRAY:
        raise StatesError(ITEM_READER_FAILED, "Attempting to map over non-iterable node.")
    if scanner.peek() != "[":
        raise ValueError("the document is not an array")
    scanner.skip()
    if scanner.peek() == "]":
        scanner.skip()
    else:
        yield from _elements(scanner)
    if scanner.peek():
        raise ValueError("the document has text after the array")


def _elements(scanner: _Scanner) -> Iterator[JsonValue]:
    while True:
        yield scanner.read_value()
        character = scanner.peek()
        if character not in (",", "]"):
            raise ValueError("a comma or the end of the array is missing")
        scanner.skip()
        if character == "]":
            return


class _Scanner:
    """Reads values from a text stream through a window, which holds the part of the text that is needed."""

    def __init__(self, stream: TextIO) -> None:
        self._read: Callable[[int], str] = stream.read
        self._window = ""
        self._position = 0
        self._at_end = False

    def peek(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            while self._position < len(self._window) and self._window[self._position] in " \t\r\n":
                self._position += 1
            if self._position < len(self._window) or self._at_end:
                return self._window[self._position : self._position + 1]
            self._extend()

    def skip(self) -> None:
        self._position += 1

    def read_value(self) -> JsonValue:
        self.peek()
        length = CHUNK_LENGTH
        while True:
            try:
                value, end = _decoder.raw_decode(self._window, self._position)
            except json.JSONDecodeError:
                if self._at_end:
                    raise
            else:
                if self._at_end or _ELEMENT_END.match(self._window, end):  # else a number may continue: `1.` of `1.5`
                    self._position = end
                    parsed: JsonValue = value
                    return parsed
            self._extend(length)
            length *= 2  # so that a long element is not decoded many times

    def _extend(self, length: int = CHUNK_LENGTH) -> None:
        text = self._read(length)
        self._at_end = not text
        self._window, self._position = self._window[self._position :] + text, 0
        if len(self._window) > MAX_ITEM_LENGTH:
            raise ValueError(f"an element is longer than {MAX_ITEM_LENGTH} characters, or not JSON")
