"""The intrinsic functions, `States.Format('{}-{}', $.a, States.UUID())`: parsed once, then evaluated.

They are the eighteen of the developer guide, "Intrinsic functions for JSONPath states". Whatever goes
wrong inside one is `States.IntrinsicFailure`; a path that finds nothing is `States.Runtime`, as elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from local.states.base import payloads
from local.states.base.errors import InvalidDefinition, StatesError, UnsupportedDefinition
from local.states.language.paths import Path, Sources, path

MAX_FUNCTIONS = 10
MAX_TEXT = 10_000
MAX_RANGE = 1_000


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Template:
    """A string in quotes, with its escapes: States.Format has to tell `{}` from `\\{\\}`."""

    raw: str


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple[Expression, ...]

    def value(self, sources: Sources, field: str) -> Any:
        arguments = [_value(argument, sources, field, self.name) for argument in self.arguments]
        try:
            return FUNCTIONS[self.name](*arguments)
        except (TypeError, ValueError, IndexError, RecursionError) as error:
            raise StatesError("States.IntrinsicFailure", f"{self.name} for '{field}': {error}") from error


Expression = Literal | Template | Path | Call


def _value(argument: Expression, sources: Sources, field: str, function: str) -> Any:
    if isinstance(argument, Literal):
        return argument.value
    if isinstance(argument, Template):
        return argument.raw if function == "States.Format" else _unescaped(argument.raw)
    return argument.value(sources, field)


# ---- reading ----

_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z][\w.]*")
_PATH = re.compile(r"""\$(?:\[(?:[^\]'"]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")*\]|[^,()\[\]\s])*""")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPABLE = "'{}\\"
_WORDS = {"null": None, "true": True, "false": False}


@lru_cache(maxsize=1024)
def intrinsic(text: str) -> Call:
    """Raises InvalidDefinition or UnsupportedDefinition."""
    reader = _Reader(text)
    call = reader.expression()
    if not isinstance(call, Call) or not reader.at_end():
        raise InvalidDefinition(f"{text!r} is neither a path nor an intrinsic function")
    if reader.functions > MAX_FUNCTIONS:
        raise InvalidDefinition(f"{text!r} nests more than {MAX_FUNCTIONS} intrinsic functions")
    return call


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.functions = 0

    def at_end(self) -> bool:
        return not self._text[self._at :].strip()

    def expression(self) -> Expression:
        self._skip_space()
        if found := self._take(_STRING):
            return Template(_checked(found.group(1)))
        if found := self._take(_PATH):
            return path(found.group())
        if found := self._take(_NUMBER):
            return Literal(json.loads(found.group()))
        if found := self._take(_WORD):
            return self._word(found.group())
        raise InvalidDefinition(f"intrinsic {self._text!r}: nothing readable at {self._at}")

    def _word(self, word: str) -> Expression:
        if word in _WORDS:
            return Literal(_WORDS[word])
        if word not in FUNCTIONS:
            raise UnsupportedDefinition(f"intrinsic function {word!r} is not implemented")
        self.functions += 1
        return Call(word, tuple(self._arguments()))

    def _arguments(self) -> list[Expression]:
        self._expect("(")
        if self._next() == ")":
            self._expect(")")
            return []
        arguments = [self.expression()]
        while self._next() == ",":
            self._expect(",")
            arguments.append(self.expression())
        self._expect(")")
        return arguments

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _skip_space(self) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1

    def _next(self) -> str:
        self._skip_space()
        return self._text[self._at : self._at + 1]

    def _expect(self, sign: str) -> None:
        if self._next() != sign:
            raise InvalidDefinition(f"intrinsic {self._text!r}: {sign!r} expected at {self._at}")
        self._at += 1


def _checked(raw: str) -> str:
    for escape in _ESCAPE.finditer(raw):
        if escape.group(1) not in _ESCAPABLE:
            raise UnsupportedDefinition(f"escape {escape.group()!r} in an intrinsic is not implemented")
    return raw


def _unescaped(raw: str) -> str:
    return _ESCAPE.sub(r"\1", raw)


# ---- the functions ----


def _format(template: str, *arguments: Any) -> str:
    _must(isinstance(template, str), "the first argument must be a string")
    pieces = re.split(r"(?<!\\)((?:\\\\)*)\{\}", template)
    texts, backslashes = pieces[::2], [*pieces[1::2], ""]
    _must(len(texts) - 1 == len(arguments), f"{len(texts) - 1} places for {len(arguments)} arguments")
    shown = [*(value if isinstance(value, str) else payloads.text(value) for value in arguments), ""]
    return "".join(
        _unescaped(text + slashes) + value for text, slashes, value in zip(texts, backslashes, shown, strict=True)
    )


def _array(*values: Any) -> list[Any]:
    return list(values)


def _array_partition(array: Any, size: Any) -> list[list[Any]]:
    items, step = _list(array), _integer(size)
    _must(step > 0, "the chunk size must be positive")
    return [items[start : start + step] for start in range(0, len(items), step)]


def _array_contains(array: Any, value: Any) -> bool:
    return any(same(item, value) for item in _list(array))


def _array_range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, stride = _integer(first), _integer(last), _integer(step)
    _must(stride != 0, "the step must not be 0")
    numbers = range(start, end + (1 if stride > 0 else -1), stride)
    _must(len(numbers) <= MAX_RANGE, f"more than {MAX_RANGE} elements")
    return list(numbers)


def _array_get_item(array: Any, index: Any) -> Any:
    at = _integer(index)
    _must(at >= 0, "the index must not be negative")
    return _list(array)[at]


def _array_length(array: Any) -> int:
    return len(_list(array))


def _array_unique(array: Any) -> list[Any]:
    unique: dict[str, Any] = {}
    for item in _list(array):
        unique.setdefault(json.dumps(item, sort_keys=True), item)
    return list(unique.values())


def _base64_encode(text: Any) -> str:
    return base64.b64encode(_short(text).encode()).decode()


def _base64_decode(text: Any) -> str:
    return base64.b64decode(_short(text), validate=True).decode()


_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _hash(data: Any, algorithm: Any) -> str:
    _must(algorithm in _HASHES, f"unknown algorithm {algorithm!r}")
    text = _short(data if isinstance(data, str) else payloads.text(data))
    return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _json_merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    _must(deep is False, "only a shallow merge (false) exists")
    _must(isinstance(first, dict) and isinstance(second, dict), "both must be objects")
    return {**first, **second}


def _string_to_json(text: Any) -> Any:
    return json.loads(_string(text))


def _math_random(start: Any, end: Any, seed: Any = None) -> int:
    first, last = _integer(start), _integer(end)
    generator = random.Random(None if seed is None else _integer(seed))
    return generator.randrange(first, last)


def _math_add(first: Any, second: Any) -> int:
    return _integer(first) + _integer(second)


def _string_split(text: Any, delimiters: Any) -> list[str]:
    """Every character of the second argument splits; empty pieces are dropped."""
    _must(_string(delimiters) != "", "no delimiter")
    pieces = re.split(f"[{re.escape(delimiters)}]", _string(text))
    return [piece for piece in pieces if piece]


def _uuid() -> str:
    return str(uuid.uuid4())


def _must(fine: bool, message: str) -> None:
    if not fine:
        raise ValueError(message)


def _list(value: Any) -> list[Any]:
    _must(isinstance(value, list), "not an array")
    return list(value)


def _string(value: Any) -> str:
    _must(isinstance(value, str), "not a string")
    return str(value)


def _short(value: Any) -> str:
    text = _string(value)
    _must(len(text) <= MAX_TEXT, f"longer than {MAX_TEXT} characters")
    return text


def _integer(value: Any) -> int:
    """Other numbers are rounded, as documented."""
    _must(isinstance(value, (int, float)) and not isinstance(value, bool), "not a number")
    return math.floor(value + 0.5) if isinstance(value, float) else int(value)


def same(left: Any, right: Any) -> bool:
    """Equality of JSON: true is not 1."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "States.Format": _format,
    "States.StringToJson": _string_to_json,
    "States.JsonToString": payloads.text,
    "States.Array": _array,
    "States.ArrayPartition": _array_partition,
    "States.ArrayContains": _array_contains,
    "States.ArrayRange": _array_range,
    "States.ArrayGetItem": _array_get_item,
    "States.ArrayLength": _array_length,
    "States.ArrayUnique": _array_unique,
    "States.Base64Encode": _base64_encode,
    "States.Base64Decode": _base64_decode,
    "States.Hash": _hash,
    "States.JsonMerge": _json_merge,
    "States.MathRandom": _math_random,
    "States.MathAdd": _math_add,
    "States.StringSplit": _string_split,
    "States.UUID": _uuid,
}
