"""A state machine's definition, read and checked. What passes here is executed as the language says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local.states.base.errors import InvalidDefinition
from local.states.language.checks import Place
from local.states.language.fields import BRANCH, MACHINE, PROCESSOR, STATES, task_parameters

MAX_LENGTH = 1_048_576
MAX_STATE_NAME = 80
Definition = Mapping[str, Any]


def load(definition: str | Definition, kind: str) -> Definition:
    """Raises InvalidDefinition; UnsupportedDefinition, by name, for what is not implemented."""
    if isinstance(definition, str):
        definition = _parsed(definition)
    place = Place("the state machine")
    MACHINE(definition, place)
    seen: set[str] = set()
    _check_states(definition, place, kind, seen)
    return definition


def mode(state: Mapping[str, Any]) -> str:
    """INLINE or DISTRIBUTED, of a Map."""
    return str(_config(state).get("Mode", "INLINE"))


def child_kind(state: Mapping[str, Any]) -> str:
    return str(_config(state).get("ExecutionType", "STANDARD"))


def processors(definition: Definition) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every Map state in it, at any depth, with its name."""
    for name, state in definition["States"].items():
        if state["Type"] == "Map":
            yield name, state
        for inner in _inner(state):
            yield from processors(inner)


def _config(state: Mapping[str, Any]) -> Mapping[str, Any]:
    processor = state.get("ItemProcessor")
    config = processor.get("ProcessorConfig", {}) if isinstance(processor, dict) else {}
    return config if isinstance(config, dict) else {}


def _inner(state: Mapping[str, Any]) -> list[Definition]:
    return [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]


def _parsed(definition: str) -> Definition:
    if len(definition) > MAX_LENGTH:
        raise InvalidDefinition(f"the definition is longer than {MAX_LENGTH} characters")
    try:
        parsed = json.loads(definition)
    except (ValueError, RecursionError) as error:
        raise InvalidDefinition(f"the definition is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise InvalidDefinition("the definition is not a JSON object")
    return parsed


def _check_states(definition: Definition, place: Place, kind: str, seen: set[str]) -> None:
    states = definition["States"]
    if not isinstance(states, dict) or not states:
        raise place.wrong("needs States")
    for name, state in states.items():
        if name in seen or len(name) > MAX_STATE_NAME:
            raise InvalidDefinition(f"{name}: state names are unique in the whole machine, and 80 characters")
        seen.add(name)
        _check_state(name, state, kind, seen)
    _check_transitions(definition, place)


def _check_state(name: str, state: Any, kind: str, seen: set[str]) -> None:
    place = Place(name)
    if not isinstance(state, dict):
        raise place.wrong("must be an object")
    variant = f"Map {mode(state)}" if state.get("Type") == "Map" else str(state.get("Type"))
    if variant not in STATES:
        raise place.at("Type").unsupported(f"with {variant!r} ")
    STATES[variant](state, place)
    if state["Type"] == "Task":
        task_parameters(state, place)
    if state.get("End") is False:
        raise place.at("End").wrong("must be true")
    if variant == "Map DISTRIBUTED" and kind == "EXPRESS":
        raise place.wrong("is a distributed Map, which needs a STANDARD workflow around it")
    _check_inner(state, place, kind, seen)


def _check_inner(state: Definition, place: Place, kind: str, seen: set[str]) -> None:
    if state["Type"] == "Map":
        PROCESSOR(state["ItemProcessor"], place.at("ItemProcessor"))
        inner_kind = child_kind(state) if mode(state) == "DISTRIBUTED" else kind
        _check_states(state["ItemProcessor"], place.at("ItemProcessor"), inner_kind, seen)
    if state["Type"] == "Parallel":
        if not isinstance(state["Branches"], list) or not state["Branches"]:
            raise place.at("Branches").wrong("must be an array that is not empty")
        for branch in state["Branches"]:
            BRANCH(branch, place.at("Branches"))
            _check_states(branch, place.at("Branches"), kind, seen)


def _check_transitions(definition: Definition, place: Place) -> None:
    states = definition["States"]
    reached: set[str] = set()
    waiting = [definition["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in states:
            raise place.wrong(f"has no state {name!r} to go to")
        if name not in reached:
            reached.add(name)
            waiting.extend(_targets(states[name]))
    if lost := states.keys() - reached:
        raise place.wrong(f"never reaches {min(lost)!r}")


def _targets(state: Mapping[str, Any]) -> Iterator[str]:
    for field in ("Next", "Default"):
        if field in state:
            yield state[field]
    for each in [*state.get("Choices", []), *state.get("Catch", [])]:
        yield each["Next"]
