"""The data flow of a state: InputPath, Parameters, ResultSelector, ResultPath, OutputPath.

DG "Processing input and output in Step Functions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.states.base.errors import RUNTIME, StatesError
from local.states.base.payloads import JsonObject, JsonValue, is_integer, to_plain_text
from local.states.language.intrinsics import Call, intrinsic
from local.states.language.paths import Path, Sources, path, set_value

State = Mapping[str, Any]
"""A state, or a part of one. `Any`, because `fields` has checked the type of every field when it was loaded."""


def expression(text: str) -> Path | Call:
    """Parses the value of a field whose name ends in `.$`. Raises InvalidDefinitionError."""
    return path(text) if isinstance(text, str) and text.startswith("$") else intrinsic(text)


def evaluate(template: JsonValue, sources: Sources) -> JsonValue:
    """A payload template with every `.$` field replaced by its value.

    Raises `States.Runtime` for a path without a match, `States.IntrinsicFailure` for a function that fails.
    """
    if isinstance(template, dict):
        return evaluate_object(template, sources)
    if isinstance(template, list):
        return [evaluate(value, sources) for value in template]
    return template


def evaluate_object(template: JsonObject, sources: Sources) -> dict[str, JsonValue]:
    """A payload template that is an object; see `evaluate`."""
    return dict(_evaluate_field(name, value, sources) for name, value in template.items())


def _evaluate_field(name: str, value: JsonValue, sources: Sources) -> tuple[str, JsonValue]:
    if name.endswith(".$"):
        return name[:-2], expression(str(value)).value(sources, name)
    return name, evaluate(value, sources)


def apply_path(state: State, field: str, data: JsonValue, context: JsonObject) -> JsonValue:
    """InputPath or OutputPath: null selects nothing, which is an empty object."""
    text = state.get(field, "$")
    return {} if text is None else path(text).value(Sources(data, context), field)


def apply_template(state: State, field: str, data: JsonValue, context: JsonObject) -> JsonValue:
    """Parameters or ResultSelector; `data` unchanged if the state does not have that field."""
    return evaluate(state[field], Sources(data, context)) if field in state else data


def apply_result_path(raw_input: JsonValue, result: JsonValue, result_path: str | None) -> JsonValue:
    """ResultPath: null discards the result."""
    return raw_input if result_path is None else set_value(raw_input, result_path, result)


def setting(state: State, field: str, sources: Sources) -> JsonValue:
    """The value of `field`, or the value that `fieldPath` refers to; None if the state has neither.

    Raises `States.Runtime` if the path refers to nothing or to null.
    """
    if f"{field}Path" not in state:
        value: JsonValue = state.get(field)
        return value
    value = path(state[f"{field}Path"]).value(sources, f"{field}Path")
    if value is None:
        raise StatesError(RUNTIME, f"{field}Path must not refer to null")
    return value


def integer_setting(state: State, field: str, sources: Sources, minimum: int = 0) -> int | None:
    """A setting that is an integer, or None. Raises `States.Runtime` for any other value."""
    value = setting(state, field, sources)
    if value is None:
        return None
    if not is_integer(value):
        raise not_a_number(state, field, value, "integer")
    if value < minimum:
        raise StatesError(RUNTIME, f"{field} " + ("must be positive." if minimum else "cannot be negative."))
    return value


def not_a_number(state: State, field: str, value: JsonValue, kind: str) -> StatesError:
    """The error for a path of a setting that refers to something else. `kind` is integer or float."""
    text, place = to_plain_text(value), state.get(f"{field}Path")
    return StatesError(RUNTIME, f'The {field}Path field refers to value "{text}" which is not a valid {kind}: {place}')
