"""The syntax of intrinsic functions, `States.Format('{}-{}', $.a, States.UUID())`: parsed once, evaluated often.

DG "Intrinsic functions for JSONPath states". A function that fails is `States.IntrinsicFailure`; a path without a match
is `States.Runtime`, as everywhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache

from local.states.base import quotas
from local.states.base.errors import (
    INTRINSIC_FAILURE,
    InvalidDefinitionError,
    StatesError,
    UnsupportedDefinitionError,
)
from local.states.base.payloads import JsonValue
from local.states.language.intrinsic_functions import FUNCTIONS, unescape, unsupported_escape
from local.states.language.paths import Path, Sources, path


@dataclass(frozen=True)
class Literal:
    """A number, true, false or null."""

    value: JsonValue


@dataclass(frozen=True)
class QuotedString:
    """The text between quotes, escapes included: States.Format must distinguish `{}` from `\\{\\}`."""

    raw: str


@dataclass(frozen=True)
class Call:
    """A call of a function. Its arguments can be calls."""

    name: str
    arguments: tuple[Expression, ...]

    def value(self, sources: Sources, field: str) -> JsonValue:
        """Raises `States.IntrinsicFailure`, or `States.Runtime` for a path without a match."""
        arguments = [_argument_value(argument, sources, field, self.name) for argument in self.arguments]
        try:
            return FUNCTIONS[self.name](*arguments)
        except (TypeError, ValueError, IndexError, RecursionError) as error:
            raise StatesError(INTRINSIC_FAILURE, f"{self.name} for '{field}': {error}") from error


Expression = Literal | QuotedString | Path | Call


def _argument_value(argument: Expression, sources: Sources, field: str, function: str) -> JsonValue:
    if isinstance(argument, Literal):
        return argument.value
    if isinstance(argument, QuotedString):
        return argument.raw if function == "States.Format" else unescape(argument.raw)
    return argument.value(sources, field)


@lru_cache(maxsize=1024)
def intrinsic(text: str) -> Call:
    """Parses a call. Raises InvalidDefinitionError or UnsupportedDefinitionError."""
    parser = _Parser(text)
    call = parser.parse_expression()
    if not isinstance(call, Call) or not parser.at_end():
        raise InvalidDefinitionError(f"{text!r} is neither a path nor an intrinsic function")
    if parser.call_count > quotas.MAX_NESTED_INTRINSICS:
        raise InvalidDefinitionError(f"{text!r} nests more than {quotas.MAX_NESTED_INTRINSICS} intrinsic functions")
    return call


_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z][\w.]*")
_PATH = re.compile(r"""\$(?:\[(?:[^\]'"]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")*\]|[^,()\[\]\s])*""")
_CONSTANTS = {"null": None, "true": True, "false": False}


class _Parser:
    """A recursive descent parser of one text. `call_count` is the number of calls parsed so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.call_count = 0

    def at_end(self) -> bool:
        return not self._text[self._position :].strip()

    def parse_expression(self) -> Expression:
        self._skip_space()
        if match := self._match(_STRING):
            return self._quoted_string(match.group(1))
        if match := self._match(_PATH):
            return path(match.group())
        if match := self._match(_NUMBER):
            return Literal(json.loads(match.group()))
        if match := self._match(_WORD):
            return self._parse_word(match.group())
        raise InvalidDefinitionError(f"intrinsic {self._text!r}: syntax error at position {self._position}")

    def _quoted_string(self, raw: str) -> QuotedString:
        if escape := unsupported_escape(raw):
            raise UnsupportedDefinitionError(f"escape {escape!r} in an intrinsic function is not implemented")
        return QuotedString(raw)

    def _parse_word(self, word: str) -> Expression:
        if word in _CONSTANTS:
            return Literal(_CONSTANTS[word])
        if word not in FUNCTIONS:
            raise UnsupportedDefinitionError(f"intrinsic function {word!r} is not implemented")
        self.call_count += 1
        return Call(word, tuple(self._parse_arguments()))

    def _parse_arguments(self) -> list[Expression]:
        self._expect("(")
        if self._next_character() == ")":
            self._expect(")")
            return []
        arguments = [self.parse_expression()]
        while self._next_character() == ",":
            self._expect(",")
            arguments.append(self.parse_expression())
        self._expect(")")
        return arguments

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._position)
        if match:
            self._position = match.end()
        return match

    def _skip_space(self) -> None:
        while self._text[self._position : self._position + 1].isspace():
            self._position += 1

    def _next_character(self) -> str:
        self._skip_space()
        return self._text[self._position : self._position + 1]

    def _expect(self, character: str) -> None:
        if self._next_character() != character:
            raise InvalidDefinitionError(
                f"intrinsic {self._text!r}: expected {character!r} at position {self._position}"
            )
        self._position += 1
