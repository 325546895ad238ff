"""Plain sentences for the errors of pydantic: the field, the values it accepts, and the value received.

Imports pydantic, so the download path must not import this module.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from pydantic import TypeAdapter
from pydantic_core import ErrorDetails

from functions.core.model.types import JsonObject, JsonValue

MAX_SHOWN_CHARACTERS = 60
"""Maximum length of a received value in a message."""

UNKNOWN_NAME = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
"""Error types for a name that the model does not have."""

ACCEPTED: Mapping[str, str] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a JSON object",
    "enum": "one of {expected}",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than_equal": "{ge} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "less_than_equal": "{le} or less",
    "list_type": "a list",
    "literal_error": "one of {expected}",
    "missing": "present",
    "model_attributes_type": "a JSON object",
    "predicate_failed": "valid",
    "string_pattern_mismatch": "text that matches the pattern {pattern}",
    "string_too_long": "text of up to {max_length} characters",
    "string_too_short": "text of {min_length} or more characters",
    "string_type": "text",
    "string_unicode": "valid Unicode text",
    "too_long": "a list of up to {max_length} items",
    "too_short": "a list of {min_length} or more items",
    "tuple_type": "a list",
    "value_error": "valid",
}
"""Error type of pydantic → the values that the field accepts, with placeholders for the `ctx` of the error."""

_MODEL_WIDE = frozenset({"missing", "model_attributes_type", "string_unicode"})
"""Error types for which the schema of the field says less than the table."""

ModelType: TypeAlias = type[object]


@dataclass(frozen=True)
class FieldNames:
    """The fields of a model, as messages name them.

    `noun` is what a field is called, such as "option", and `place` where it is set. `accepted` describes the values of
    those fields whose JSON schema does not say it all.
    """

    noun: str
    model: ModelType | None = None
    accepted: Mapping[str, str] = field(default_factory=dict)
    place: str = ""

    @cached_property
    def accepted_values(self) -> Mapping[str, str]:
        """What each field accepts, in words."""
        schema = TypeAdapter(self.model).json_schema() if self.model else {}
        properties: Mapping[str, JsonObject] = schema.get("properties", {})
        return {name: describe_schema(values) for name, values in properties.items()} | dict(self.accepted)

    def explain(self, error: ErrorDetails, values: Mapping[str, object]) -> str:
        """A sentence that names the field: "Option 'concurrency' must be ...; received ..."."""
        if error["type"] in UNKNOWN_NAME:
            return self.unknown(str(error["loc"][-1]))
        name = ".".join(map(str, error["loc"]))
        if name in values:
            error = {**error, "input": values[name]}  # as it was before any conversion
        return f"{self._subject(name)} must be {self._requirement(error)}"

    def explain_value(self, error: ErrorDetails) -> str:
        """The same sentence for output that names the field beside it: "Must be ...; received ..."."""
        if error["type"] in UNKNOWN_NAME:
            return self.unknown(str(error["loc"][-1]))
        return f"Must be {self._requirement(error)}"

    def reject(self, name: str, value: object) -> str:
        """The sentence for a value that passes pydantic and fails a check of the application."""
        return f"{self._subject(name)} must be {self.accepted_values[name]}; received {show_value(value)}."

    def unknown(self, name: str) -> str:
        """A sentence about a name that the model does not have."""
        known = sorted(self.accepted_values)
        similar = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean '{similar[0]}'?" if similar else f"The {self.noun}s are: {', '.join(known)}."
        return f"There is no {self.noun} {show_value(name)}{self.place}. {hint}"

    def _subject(self, name: str) -> str:
        return f"{self.noun.capitalize()} {show_value(name)}{self.place}"

    def _requirement(self, error: ErrorDetails) -> str:
        accepted = self.accepted_values.get(str(error["loc"][0])) if len(error["loc"]) == 1 else None
        if accepted is None or error["type"] in _MODEL_WIDE:
            accepted = ACCEPTED.get(error["type"], "valid").format_map(error.get("ctx", {}))
        return f"{accepted}{_received(error)}.{_reason(error)}"


def describe_schema(schema: JsonObject) -> str:
    """The values that a JSON schema accepts, in words, such as "a whole number from 1 to 256"."""
    alternatives = schema.get("anyOf")
    if isinstance(alternatives, list):
        return describe_schema(next(each for each in alternatives if each.get("type") != "null"))
    choices = schema.get("enum")
    if isinstance(choices, list):
        return f"one of {join_choices(map(str, choices))}"
    kind = str(schema.get("type", "object"))
    if kind in ("integer", "number"):
        noun = "a whole number" if kind == "integer" else "a number"
        return noun + _range(schema.get("minimum"), schema.get("maximum"), "")
    if kind == "string":
        return "text" + _range(schema.get("minLength"), schema.get("maxLength"), " characters")
    if kind == "array":
        return "a list" + _range(schema.get("minItems"), schema.get("maxItems"), " items")
    return {"boolean": "true or false"}.get(kind, "a JSON object")


def join_choices(choices: Iterable[str]) -> str:
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last


def show_value(value: object) -> str:
    """A received value, short enough for a message and printable."""
    if isinstance(value, str):
        return repr(_shorten(value))
    try:
        return _shorten(json.dumps(value, default=repr))
    except (RecursionError, ValueError):  # nested too deeply, or an integer of more than 4,300 digits
        return f"a value of type {type(value).__name__}"


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…"


def _range(least: JsonValue, most: JsonValue, unit: str) -> str:
    link = " of " if unit else " from "
    if least is not None and most is not None:
        return f"{link}{_number(least)} to {_number(most)}{unit}"
    if most is not None:
        return f" of up to {_number(most)}{unit}"
    return f" of {_number(least)} or more{unit}" if least is not None else ""


def _number(value: JsonValue) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _received(error: ErrorDetails) -> str:
    value = error["input"]
    if error["type"] == "missing":
        return ""
    if error["type"] == "string_too_long" and isinstance(value, str):
        return f"; received {len(value):,} characters"
    if error["type"] in ("too_long", "too_short") and isinstance(value, list | tuple):
        return f"; received {len(value):,} items"
    return f"; received {show_value(value)}"


def _reason(error: ErrorDetails) -> str:
    """The text of a ValueError that a validator raised, as a second sentence."""
    reason = str(error.get("ctx", {}).get("error", "")) if error["type"] == "value_error" else ""
    return f" {reason.rstrip('.')}." if reason and not reason.endswith("?") else f" {reason}".rstrip()
