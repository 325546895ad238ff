"""Checks of one field's value, and `fields`, which makes a check of an object out of a table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from local.states.base.errors import InvalidDefinition, UnsupportedDefinition
from local.states.language.choices import LOGICAL, OPERATORS, PATH_COMPARISONS, TYPE_TESTS
from local.states.language.dataflow import expression
from local.states.language.paths import path, reference


@dataclass(frozen=True)
class Place:
    """Where in the definition, for the message: a state and the dotted name of a field."""

    state: str
    field: str = ""

    def at(self, name: str) -> Place:
        return Place(self.state, f"{self.field}.{name}" if self.field else name)

    def __str__(self) -> str:
        return f"{self.state}: field '{self.field}'" if self.field else self.state

    def wrong(self, why: str) -> InvalidDefinition:
        return InvalidDefinition(f"{self} {why}")

    def unsupported(self, what: str = "") -> UnsupportedDefinition:
        return UnsupportedDefinition(f"{self} {what}is not implemented")


Check = Callable[[Any, Place], None]


def anything(value: Any, place: Place) -> None:
    pass


def text(value: Any, place: Place) -> None:
    if not isinstance(value, str) or not value:
        raise place.wrong("must be a string")


def comment(value: Any, place: Place) -> None:
    if not isinstance(value, str):
        raise place.wrong("must be a string")


def boolean(value: Any, place: Place) -> None:
    if not isinstance(value, bool):
        raise place.wrong("must be true or false")


def _text_at(value: Any, place: Place, read: Callable[[str], Any]) -> None:
    try:
        read(value)
    except InvalidDefinition as error:
        raise type(error)(f"{place}: {error}") from error


def a_path(value: Any, place: Place) -> None:
    _text_at(value, place, path)


def path_or_null(value: Any, place: Place) -> None:
    if value is not None:
        a_path(value, place)


def reference_or_null(value: Any, place: Place) -> None:
    if value is not None:
        _text_at(value, place, reference)


def path_or_intrinsic(value: Any, place: Place) -> None:
    _text_at(value, place, expression)


def template(value: Any, place: Place) -> None:
    """Everything under a name ending in `.$` must be readable."""
    if isinstance(value, dict):
        for name, each in value.items():
            (path_or_intrinsic if name.endswith(".$") else template)(each, place.at(name))
    elif isinstance(value, list):
        for each in value:
            template(each, place)


def object_template(value: Any, place: Place) -> None:
    if not isinstance(value, dict):
        raise place.wrong("must be an object")
    template(value, place)


def integer(least: int, most: int = 99_999_999) -> Check:
    def check(value: Any, place: Place) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise place.wrong(f"must be an integer from {least} to {most}")

    return check


def number(least: float, most: float) -> Check:
    def check(value: Any, place: Place) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
            raise place.wrong(f"must be a number from {least:g} to {most:g}")

    return check


def one_of(*known: str) -> Check:
    def check(value: Any, place: Place) -> None:
        if value not in known:
            raise place.unsupported(f"with {value!r} ")

    return check


def list_of(check_each: Check, least: int = 1) -> Check:
    def check(value: Any, place: Place) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise place.wrong("must be an array" + (" that is not empty" if least else ""))
        for index, each in enumerate(value):
            check_each(each, Place(place.state, f"{place.field}[{index}]"))

    return check


def fields(known: Mapping[str, Check], required: Iterable[str] = ()) -> Check:
    """`required` names alternatives as `A|B`: exactly one of them must be there."""
    groups = [set(group.split("|")) for group in required]
    pairs = [{name, name + end} for name in known for end in ("Path", ".$") if name + end in known]
    pairs = [pair for pair in pairs if "Result" not in pair]  # ResultPath is no path to a Result

    def check(value: Any, place: Place) -> None:
        if not isinstance(value, dict):
            raise place.wrong("must be an object")
        for name, each in value.items():
            if name not in known:
                raise place.at(name).unsupported()
            known[name](each, place.at(name))
        _together(value.keys(), groups, pairs, place)

    return check


def _together(names: Set[str], groups: list[set[str]], pairs: list[set[str]], place: Place) -> None:
    for group in groups:
        if len(group & names) != 1:
            raise place.wrong(f"needs {' or '.join(sorted(group))}")
    for pair in pairs:
        if pair <= names:
            raise place.wrong(f"has both {' and '.join(sorted(pair))}")


def choice_rule(*, top: bool) -> Check:
    def check(value: Any, place: Place) -> None:
        if not isinstance(value, dict):
            raise place.wrong("must be an object")
        operators = [name for name in value if name not in ("Variable", "Next", "Comment")]
        if len(operators) != 1:
            raise place.wrong(f"needs one operator, has {operators}")
        if ("Next" in value) is not top:
            raise place.wrong("must have a Next" if top else "must not have a Next")
        _operator(operators[0], value, place)

    return check


def _operator(name: str, rule: dict[str, Any], place: Place) -> None:
    at = place.at(name)
    if name in LOGICAL:
        (choice_rule(top=False) if name == "Not" else list_of(choice_rule(top=False)))(rule[name], at)
        return
    if name not in OPERATORS:
        raise at.unsupported()
    a_path(rule.get("Variable"), place.at("Variable"))
    if name in PATH_COMPARISONS:
        a_path(rule[name], at)
    elif name in TYPE_TESTS or name in ("IsPresent", "BooleanEquals"):
        boolean(rule[name], at)
    elif not name.startswith("Numeric"):
        text(rule[name], at) if rule[name] else comment(rule[name], at)
