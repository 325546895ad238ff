"""Paths: `$` refers to the data of a state, `$$` to the context object.

A path that can match at most one node returns that node; a path that can match several returns a list.
Of the latter, one that matches nothing returns an empty list. Of the former, one
without a match fails with `States.Runtime`, which cannot be caught. The service does so in payload templates
too, although the specification has `States.ParameterPathFailure` for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any

import jsonpath
from jsonpath.segments import JSONPathChildSegment, JSONPathSegment
from jsonpath.selectors import Filter, IndexSelector, NameSelector, SliceSelector, WildcardSelector

from local.states.base import payloads
from local.states.base.errors import (
    RESULT_PATH_MATCH_FAILURE,
    RUNTIME,
    InvalidDefinitionError,
    StatesError,
    UnsupportedDefinitionError,
)
from local.states.base.payloads import JsonObject, JsonValue

Step = str | int
"""A name of an object member, or an index of an array element."""

_SUPPORTED_SELECTORS = (NameSelector, IndexSelector, SliceSelector, WildcardSelector, Filter)
_MAX_QUOTED_INPUT = 2_000
"""Characters of the input that an error message quotes."""
_QUOTING_FIELDS = ("ErrorPath", "CausePath")
_MESSAGES = {
    "Variable": "Invalid path '{path}': The choice state's condition path references an invalid value.",
    "SecondsPath": "The SecondsPath parameter does not reference an input value: {path}",
    "TimestampPath": "The TimestampPath parameter does not reference an input value: {path}",
}
"""What an error says about a path of these fields that matches nothing."""
_environment = jsonpath.JSONPathEnvironment()


@dataclass(frozen=True)
class Sources:
    """What paths refer to: the data of the state (`$`) and the context object (`$$`)."""

    data: JsonValue
    context: JsonObject


@dataclass(frozen=True)
class Path:
    text: str
    from_context: bool
    steps: tuple[Step, ...]
    """The leading names and indices. They match at most one node, which must exist if there is no query."""
    query: jsonpath.JSONPath | None
    """The rest of the path, which can match several nodes."""

    def value(self, sources: Sources, field: str) -> JsonValue:
        """Raises `States.Runtime` if nothing matches. `field` is the name of the field, for the message."""
        exists, value = self.find(sources)
        if not exists:
            raise StatesError(RUNTIME, self._not_found(field, sources))
        return value

    def find(self, sources: Sources) -> tuple[bool, JsonValue]:
        """Returns (True, value), or (False, None) if nothing matches."""
        node: JsonValue = sources.context if self.from_context else sources.data
        for step in self.steps:
            exists, node = _descend(node, step)
            if not exists:
                return (False, None) if self.query is None else (True, [])
        if self.query is None:
            return True, node
        matches: list[Any] = self.query.findall(node) if isinstance(node, (dict, list)) else []
        return True, matches

    def _not_found(self, field: str, sources: Sources) -> str:
        """The sentence of the service, which depends on the field."""
        if field in _MESSAGES:
            return _MESSAGES[field].format(path=self.text)
        if field.endswith(".$") or field in _QUOTING_FIELDS:
            data = payloads.to_text(sources.data)[:_MAX_QUOTED_INPUT]
            return (
                f"The JSONPath '{self.text}' specified for the field '{field}' could not be found in the input '{data}'"
            )
        return f"Invalid path '{self.text}' : {self._first_missing(sources)}"

    def _first_missing(self, sources: Sources) -> str:
        node: JsonValue = sources.context if self.from_context else sources.data
        for depth, step in enumerate(self.steps, 1):
            exists, node = _descend(node, step)
            if not exists and depth < len(self.steps):
                return f"Missing property in path {_bracketed(self.steps[:depth])}"
        return f"No results for path: {_bracketed(self.steps)}"


@lru_cache(maxsize=4096)
def path(text: str) -> Path:
    """Parses a path. Raises InvalidDefinitionError, or UnsupportedDefinitionError for JSONPath that the service
    has and this interpreter has not."""
    if not isinstance(text, str) or not text.startswith("$"):
        raise InvalidDefinitionError(f"{text!r} is not a path: it must begin with $")
    from_context = text.startswith("$$")
    try:
        query = _environment.compile(text[1:] if from_context else text)
    except jsonpath.JSONPathError as error:
        raise UnsupportedDefinitionError(f"JSONPath {text!r} is not implemented") from error
    if not isinstance(query, jsonpath.JSONPath) or not all(map(_is_supported, query.segments)):
        raise UnsupportedDefinitionError(f"JSONPath {text!r} is not implemented")
    leading = list(takewhile(_is_step, query.segments))
    rest = query.segments[len(leading) :]
    if rest and "$" in text.lstrip("$"):
        raise UnsupportedDefinitionError(f"JSONPath {text!r} with a filter that refers to the root is not implemented")
    return Path(
        text,
        from_context,
        tuple(map(_to_step, leading)),
        jsonpath.JSONPath(env=_environment, segments=rest) if rest else None,
    )


@lru_cache(maxsize=1024)
def reference_steps(text: str) -> tuple[Step, ...]:
    """Parses a reference path, such as a ResultPath, which identifies exactly one node.

    Raises InvalidDefinitionError or UnsupportedDefinitionError.
    """
    parsed = path(text)
    if parsed.from_context or parsed.query is not None:
        raise InvalidDefinitionError(f"{text!r} is not a reference path")
    return parsed.steps


def set_value(document: JsonValue, text: str, value: JsonValue) -> JsonValue:
    """A copy of the document with the value at a reference path; missing objects on the way are created.

    Raises `States.ResultPathMatchFailure`.
    """
    return _set_value(document, reference_steps(text), value, text)


def _set_value(document: JsonValue, steps: tuple[Step, ...], value: JsonValue, text: str) -> JsonValue:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, str) and isinstance(document, dict):
        return {**document, step: _set_value(document.get(step, {}), rest, value, text)}
    if isinstance(step, int) and isinstance(document, list) and 0 <= step < len(document):
        return [*document[:step], _set_value(document[step], rest, value, text), *document[step + 1 :]]
    raise StatesError(
        RESULT_PATH_MATCH_FAILURE,
        f"Unable to apply ResultPath '{text}' to input '{payloads.to_text(document)[:_MAX_QUOTED_INPUT]}'",
    )


def _bracketed(steps: tuple[Step, ...]) -> str:
    return "$" + "".join(f"['{step}']" if isinstance(step, str) else f"[{step}]" for step in steps)


def _descend(node: JsonValue, step: Step) -> tuple[bool, JsonValue]:
    if isinstance(step, str):
        return (True, node[step]) if isinstance(node, dict) and step in node else (False, None)
    return (True, node[step]) if isinstance(node, list) and -len(node) <= step < len(node) else (False, None)


def _is_supported(segment: JSONPathSegment) -> bool:
    return all(isinstance(selector, _SUPPORTED_SELECTORS) for selector in segment.selectors)


def _is_step(segment: JSONPathSegment) -> bool:
    return (
        isinstance(segment, JSONPathChildSegment)
        and len(segment.selectors) == 1
        and isinstance(segment.selectors[0], (NameSelector, IndexSelector))
    )


def _to_step(segment: JSONPathSegment) -> Step:
    selector = segment.selectors[0]
    return selector.index if isinstance(selector, IndexSelector) else getattr(selector, "name", "")
