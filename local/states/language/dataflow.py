"""The five data-flow fields: InputPath, Parameters, ResultSelector, ResultPath, OutputPath."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.states.base.errors import StatesError
from local.states.language.intrinsics import Call, intrinsic
from local.states.language.paths import Path, Sources, path, put

State = Mapping[str, Any]


def expression(text: str) -> Path | Call:
    """What stands behind a name that ends in `.$`. Raises InvalidDefinition."""
    return path(text) if isinstance(text, str) and text.startswith("$") else intrinsic(text)


def filled(template: Any, sources: Sources) -> Any:
    """A payload template with its `.$` names replaced by what they stand for."""
    if isinstance(template, dict):
        return dict(_filled_field(name, value, sources) for name, value in template.items())
    if isinstance(template, list):
        return [filled(value, sources) for value in template]
    return template


def _filled_field(name: str, value: Any, sources: Sources) -> tuple[str, Any]:
    if name.endswith(".$"):
        return name[:-2], expression(value).value(sources, name)
    return name, filled(value, sources)


def at_path(state: State, field: str, data: Any, context: Any) -> Any:
    """InputPath or OutputPath: null selects nothing, which is an empty object."""
    where = state.get(field, "$")
    return {} if where is None else path(where).value(Sources(data, context), field)


def templated(state: State, field: str, data: Any, context: Any) -> Any:
    """Parameters or ResultSelector, where the state has one."""
    return filled(state[field], Sources(data, context)) if field in state else data


def merged(raw: Any, result: Any, where: str | None) -> Any:
    """ResultPath: null drops the result."""
    return raw if where is None else put(raw, where, result)


def setting(state: Mapping[str, Any], field: str, sources: Sources) -> Any:
    """`Field`, or what `FieldPath` points at, or None."""
    if f"{field}Path" not in state:
        return state.get(field)
    value = path(state[f"{field}Path"]).value(sources, f"{field}Path")
    if value is None:
        raise StatesError("States.Runtime", f"{field}Path must not give null")
    return value


def whole(value: Any, field: str, least: int = 0) -> int | None:
    """A setting that is a number of things. Raises `States.Runtime`."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        raise StatesError("States.Runtime", f"{field} must be an integer, {least} or more, not {value!r}")
    return value
