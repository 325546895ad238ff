"""The table of what runs and what is refused by name."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from local.states import UnsupportedDefinitionError
from local.states.language.definition import load_definition
from local.states.language.features import REFUSED, features
from tests.unit.local.states.harness import INVOKE, single_state
from tests.unit.local.states.run.test_distributed_map import distributed, reader
from tests.unit.local.states.run.test_nested_executions import starting
from tests.unit.local.states.run.test_rules import caught, choosing, failing, mapping

END = {"Type": "Pass", "End": True}
Extend = Callable[[str], dict[str, Any]]
"""A definition that is valid but for the given name."""


def field_of(definition: dict[str, Any]) -> Extend:
    state = definition["States"]["S"]
    return lambda name: {**definition, "States": {**definition["States"], "S": {**state, name: {}}}}


def invoking(name: str) -> dict[str, Any]:
    return single_state({"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f", name: "x"}})


def nested(name: str) -> dict[str, Any]:
    parameters = starting()["States"]["S"]["Parameters"]
    return starting(Parameters={**parameters, name: "x"})


def configured(**config: Any) -> dict[str, Any]:
    return distributed(ItemReader={**reader(), "ReaderConfig": {"InputType": "JSON", **config}})


PLACES: dict[str, Extend] = {
    "QueryLanguage": lambda name: {**single_state({"Type": "Pass"}), "QueryLanguage": name},
    "Pass": field_of(single_state({"Type": "Pass"})),
    "Task": field_of(single_state({"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f"}})),
    "Choice": field_of(choosing({"Variable": "$.a", "IsNull": True})),
    "Choice rule": lambda name: choosing({"Variable": "$.a", "IsNull": True, name: {}}),
    "Wait": field_of(single_state({"Type": "Wait", "Seconds": 1})),
    "Succeed": field_of(single_state({"Type": "Succeed"})),
    "Parallel": field_of(failing("E")),
    "Map INLINE": field_of(mapping(END)),
    "Map DISTRIBUTED": field_of(distributed()),
    "Catch": lambda name: failing("E", **caught("E", **{name: {}})),
    "Resource of a Task": lambda name: single_state({"Type": "Task", "Resource": name}),
    "InputType of an ItemReader": lambda name: configured(InputType=name),
    "ReaderConfig of s3:getObject": lambda name: configured(**{name: "x"}),
    "Parameters of lambda:invoke": invoking,
    "Parameters of states:startExecution.sync:2": nested,
}


@pytest.mark.parametrize(("place", "name"), [(place, name) for place, names in REFUSED.items() for name in names])
def test_what_the_table_refuses_is_refused_by_name(place: str, name: str) -> None:
    with pytest.raises(UnsupportedDefinitionError, match=re.escape(name)):
        load_definition(PLACES[place](name), "STANDARD")


def test_nothing_both_runs_and_is_refused() -> None:
    rows = list(features())
    assert {place for place, _, _ in rows} >= REFUSED.keys()
    assert [place for place, running, refused in rows if set(running) & set(refused)] == []
