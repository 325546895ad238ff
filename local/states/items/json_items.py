"""The items of a JSON array, one after the other, without holding the array."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TextIO

CHUNK = 64 * 1024
MAX_ITEM = 16 * 1024 * 1024
"""Characters; far above the 256 KiB a state may hold, and far below what would hurt."""


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_ENDED = re.compile(r"[ \t\r\n]*[,\]]")
_decoder = json.JSONDecoder(parse_constant=_no_constant)


def array_items(stream: TextIO) -> Iterator[Any]:
    """Raises ValueError where the text is not a JSON array."""
    window = _Window(stream)
    if window.next() != "[":
        raise ValueError("the document is not an array")
    window.skip()
    if window.next() == "]":
        window.skip()
    else:
        yield from _rest(window)
    if window.next():
        raise ValueError("something follows the array")


def _rest(window: _Window) -> Iterator[Any]:
    while True:
        yield window.value()
        sign = window.next()
        if sign not in (",", "]"):
            raise ValueError("a comma or the end of the array is missing")
        window.skip()
        if sign == "]":
            return


def loads(line: str) -> Any:
    return json.loads(line, parse_constant=_no_constant)


class _Window:
    """The part of the text that is being looked at."""

    def __init__(self, stream: TextIO) -> None:
        self._read: Callable[[int], str] = stream.read
        self._text = ""
        self._at = 0
        self._ended = False

    def next(self) -> str:
        """The next character that is no space, "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def skip(self) -> None:
        self._at += 1

    def value(self) -> Any:
        self.next()
        step = CHUNK
        while True:
            try:
                value, end = _decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if self._ended:
                    raise
            else:
                if self._ended or _ENDED.match(self._text, end):  # else a number may go on: `1.` of `1.5`
                    self._at = end
                    return value
            self._more(step)
            step *= 2  # so that a long item is not decoded over and over again

    def _more(self, step: int = CHUNK) -> None:
        more = self._read(step)
        self._ended = not more
        self._text, self._at = self._text[self._at :] + more, 0
        if len(self._text) > MAX_ITEM:
            raise ValueError(f"an item is longer than {MAX_ITEM} characters, or not JSON")
