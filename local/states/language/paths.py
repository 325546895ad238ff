"""Paths: `$` into a state's data, `$$` into the context object.

A path that can match one node only gives that node; one that can match many gives the list of matches.
Nothing there fails with `States.Runtime`, which nothing catches: that is what the service does, in
templates too, though the specification has `States.ParameterPathFailure` for them.
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
from local.states.base.errors import InvalidDefinition, StatesError, UnsupportedDefinition

_SELECTORS = (NameSelector, IndexSelector, SliceSelector, WildcardSelector, Filter)
_SHOWN_INPUT = 2_000
_environment = jsonpath.JSONPathEnvironment()


@dataclass(frozen=True)
class Sources:
    """What a path can look into."""

    data: Any
    context: Any


@dataclass(frozen=True)
class Path:
    text: str
    of_context: bool
    steps: tuple[str | int, ...]
    """The leading names and indices, which can match one node only: it must be there, or nothing is."""
    rest: jsonpath.JSONPath | None
    """What follows them and can match many."""

    def value(self, sources: Sources, field: str) -> Any:
        """Raises `States.Runtime` where nothing is found."""
        found, value = self.find(sources)
        if not found:
            raise StatesError("States.Runtime", self._not_found(field, sources))
        return value

    def find(self, sources: Sources) -> tuple[bool, Any]:
        node = sources.context if self.of_context else sources.data
        for step in self.steps:
            if not _has(node, step):
                return False, None
            node = node[step]
        if self.rest is None:
            return True, node
        return True, self.rest.findall(node) if isinstance(node, (dict, list)) else []

    def _not_found(self, field: str, sources: Sources) -> str:
        shown = payloads.text(sources.data)[:_SHOWN_INPUT]
        return f"The JSONPath '{self.text}' specified for the field '{field}' could not be found in the input '{shown}'"


@lru_cache(maxsize=4096)
def path(text: str) -> Path:
    """Raises InvalidDefinition, or UnsupportedDefinition for JSONPath the service has and this has not."""
    if not isinstance(text, str) or not text.startswith("$"):
        raise InvalidDefinition(f"{text!r} is not a path: it must begin with $")
    of_context = text.startswith("$$")
    try:
        query = _environment.compile(text[1:] if of_context else text)
    except jsonpath.JSONPathError as error:
        raise UnsupportedDefinition(f"JSONPath {text!r} is not implemented") from error
    if not isinstance(query, jsonpath.JSONPath) or not all(map(_known, query.segments)):
        raise UnsupportedDefinition(f"JSONPath {text!r} is not implemented")
    leading = list(takewhile(_single, query.segments))
    rest = query.segments[len(leading) :]
    if rest and "$" in text.lstrip("$"):
        raise UnsupportedDefinition(f"JSONPath {text!r}, a filter that looks at the root, is not implemented")
    return Path(
        text,
        of_context,
        tuple(map(_step, leading)),
        jsonpath.JSONPath(env=_environment, segments=rest) if rest else None,
    )


@lru_cache(maxsize=1024)
def reference(text: str) -> tuple[str | int, ...]:
    """The names and indices of a path that can be written to, such as a ResultPath."""
    where = path(text)
    if where.of_context or where.rest is not None:
        raise InvalidDefinition(f"{text!r} is not a reference path")
    return where.steps


def put(document: Any, text: str, value: Any) -> Any:
    """A copy with the value at that place. Raises `States.ResultPathMatchFailure`."""
    return _put(document, reference(text), value, text)


def _put(document: Any, steps: tuple[str | int, ...], value: Any, text: str) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, str) and isinstance(document, dict):
        return {**document, step: _put(document.get(step, {}), rest, value, text)}
    if isinstance(step, int) and isinstance(document, list) and 0 <= step < len(document):
        return [*document[:step], _put(document[step], rest, value, text), *document[step + 1 :]]
    raise StatesError(
        "States.ResultPathMatchFailure",
        f"Unable to apply ResultPath '{text}' to input '{payloads.text(document)[:_SHOWN_INPUT]}'",
    )


def _has(node: Any, step: str | int) -> bool:
    if isinstance(step, str):
        return isinstance(node, dict) and step in node
    return isinstance(node, list) and -len(node) <= step < len(node)


def _known(segment: JSONPathSegment) -> bool:
    return all(isinstance(selector, _SELECTORS) for selector in segment.selectors)


def _single(segment: JSONPathSegment) -> bool:
    return (
        isinstance(segment, JSONPathChildSegment)
        and len(segment.selectors) == 1
        and isinstance(segment.selectors[0], (NameSelector, IndexSelector))
    )


def _step(segment: JSONPathSegment) -> str | int:
    selector = segment.selectors[0]
    return selector.index if isinstance(selector, IndexSelector) else getattr(selector, "name", "")
