"""Loads the definition of a state machine: parses it, and checks every field, name and transition."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local.states.base import quotas
from local.states.base.errors import InvalidDefinitionError
from local.states.language.checks import Location
from local.states.language.dataflow import State
from local.states.language.fields import BRANCH, MACHINE, PROCESSOR, STATES, check_task_parameters

Definition = Mapping[str, Any]
"""A machine, a branch or an item processor. `Any`, because its fields have been checked when it was loaded."""


def load_definition(definition: str | Definition, kind: str) -> Definition:
    """Returns the definition, parsed and checked. `kind` is STANDARD or EXPRESS.

    Raises InvalidDefinitionError, or UnsupportedDefinitionError for parts of the language that this interpreter lacks.
    """
    if isinstance(definition, str):
        definition = _parse(definition)
    location = Location("the state machine")
    MACHINE(definition, location)
    _check_states(definition, location, kind, set())
    return definition


def map_mode(state: State) -> str:
    """INLINE or DISTRIBUTED."""
    return str(_processor_config(state).get("Mode", "INLINE"))


def child_kind(state: State) -> str:
    """STANDARD or EXPRESS: the type of the child executions of a distributed Map."""
    return str(_processor_config(state).get("ExecutionType", "STANDARD"))


def _processor_config(state: State) -> Mapping[str, Any]:
    # This is called for states that have not been checked yet, too.
    processor = state.get("ItemProcessor")
    config = processor.get("ProcessorConfig", {}) if isinstance(processor, dict) else {}
    return config if isinstance(config, dict) else {}


def _parse(text: str) -> Definition:
    if len(text) > quotas.MAX_DEFINITION_LENGTH:
        raise InvalidDefinitionError(f"the definition is longer than {quotas.MAX_DEFINITION_LENGTH} characters")
    try:
        definition = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidDefinitionError(f"the definition is not JSON: {error}") from error
    if not isinstance(definition, dict):
        raise InvalidDefinitionError("the definition is not a JSON object")
    return definition


def _check_states(definition: Definition, location: Location, kind: str, names: set[str]) -> None:
    """`names` collects the names of all states of the machine."""
    states = definition["States"]
    if not isinstance(states, dict) or not states:
        raise location.invalid("needs States")
    for name, state in states.items():
        _check_name(name, names)
        names.add(name)
        _check_state(name, state, kind, names)
    _check_transitions(definition, location)


def _check_name(name: str, names: set[str]) -> None:
    if name in names:
        raise InvalidDefinitionError(f"{name}: state names must be unique in the whole state machine")
    if len(name) > quotas.MAX_NAME_LENGTH:
        raise InvalidDefinitionError(f"{name}: state names have at most {quotas.MAX_NAME_LENGTH} characters")


def _check_state(name: str, state: Any, kind: str, names: set[str]) -> None:
    location = Location(name)
    if not isinstance(state, dict):
        raise location.invalid("must be an object")
    variant = f"Map {map_mode(state)}" if state.get("Type") == "Map" else str(state.get("Type"))
    if variant not in STATES:
        raise location.child("Type").unsupported_value(variant)
    STATES[variant](state, location)
    if state["Type"] == "Task":
        check_task_parameters(state, location)
    if state.get("End") is False:
        raise location.child("End").invalid("must be true")
    if variant == "Map DISTRIBUTED" and kind == "EXPRESS":
        raise location.invalid("is a distributed Map, which needs a STANDARD workflow around it")
    _check_nested(state, location, kind, names)


def _check_nested(state: State, location: Location, kind: str, names: set[str]) -> None:
    if state["Type"] == "Map":
        PROCESSOR(state["ItemProcessor"], location.child("ItemProcessor"))
        nested_kind = child_kind(state) if map_mode(state) == "DISTRIBUTED" else kind
        _check_states(state["ItemProcessor"], location.child("ItemProcessor"), nested_kind, names)
    if state["Type"] == "Parallel":
        if not isinstance(state["Branches"], list) or not state["Branches"]:
            raise location.child("Branches").invalid("must be an array that is not empty")
        for branch in state["Branches"]:
            BRANCH(branch, location.child("Branches"))
            _check_states(branch, location.child("Branches"), kind, names)


def _check_transitions(definition: Definition, location: Location) -> None:
    states = definition["States"]
    reached: set[str] = set()
    pending = [definition["StartAt"]]
    while pending:
        name = pending.pop()
        if name not in states:
            raise location.invalid(f"has a transition to {name!r}, but no state of that name")
        if name not in reached:
            reached.add(name)
            pending.extend(_next_states(states[name]))
    if unreachable := states.keys() - reached:
        raise location.invalid(f"has the unreachable state {min(unreachable)!r}")


def _next_states(state: State) -> Iterator[str]:
    for field in ("Next", "Default"):
        if field in state:
            yield state[field]
    for entry in [*state.get("Choices", []), *state.get("Catch", [])]:
        yield entry["Next"]
