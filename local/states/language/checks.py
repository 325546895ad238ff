"""Checks of one value in a definition, and `fields`, which builds the check of an object from a table of fields.

A check returns nothing and raises InvalidDefinitionError or UnsupportedDefinitionError, whose message names the state
and the field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from local.states.base import payloads, quotas
from local.states.base.errors import InvalidDefinitionError, UnsupportedDefinitionError
from local.states.language.choices import LOGICAL_OPERATORS, OPERATORS, PATH_COMPARISONS, TYPE_TESTS
from local.states.language.dataflow import expression
from local.states.language.paths import path, reference_steps


@dataclass(frozen=True)
class Location:
    """A place in the definition, for messages: the name of a state, and the dotted name of a field."""

    state: str
    field: str = ""

    def child(self, name: str) -> Location:
        return Location(self.state, f"{self.field}.{name}" if self.field else name)

    def element(self, index: int) -> Location:
        return Location(self.state, f"{self.field}[{index}]")

    def __str__(self) -> str:
        return f"{self.state}: field '{self.field}'" if self.field else self.state

    def invalid(self, reason: str) -> InvalidDefinitionError:
        return InvalidDefinitionError(f"{self} {reason}")

    def unsupported(self) -> UnsupportedDefinitionError:
        return UnsupportedDefinitionError(f"{self} is not implemented")

    def unsupported_value(self, value: object) -> UnsupportedDefinitionError:
        return UnsupportedDefinitionError(f"{self} with {value!r} is not implemented")


# The value can be any JSON; `Any` spares every check a cast after its test.
Check = Callable[[Any, Location], None]


def any_value(value: Any, location: Location) -> None:
    """Accepts everything: a value without rules, or one that `definition` checks afterwards."""


def string(value: Any, location: Location) -> None:
    if not isinstance(value, str):
        raise location.invalid("must be a string")


def non_empty_string(value: Any, location: Location) -> None:
    if not isinstance(value, str) or not value:
        raise location.invalid("must be a string that is not empty")


def boolean(value: Any, location: Location) -> None:
    if not isinstance(value, bool):
        raise location.invalid("must be true or false")


def _parsable(value: Any, location: Location, parse: Callable[[str], object]) -> None:
    string(value, location)
    try:
        parse(value)
    except InvalidDefinitionError as error:
        raise type(error)(f"{location}: {error}") from error


def json_path(value: Any, location: Location) -> None:
    _parsable(value, location, path)


def json_path_or_null(value: Any, location: Location) -> None:
    if value is not None:
        json_path(value, location)


def reference_path_or_null(value: Any, location: Location) -> None:
    if value is not None:
        _parsable(value, location, reference_steps)


def path_or_intrinsic(value: Any, location: Location) -> None:
    _parsable(value, location, expression)


def template(value: Any, location: Location) -> None:
    """A payload template: the value of every field whose name ends in `.$` must be a path or an intrinsic function."""
    if isinstance(value, dict):
        for name, nested in value.items():
            (path_or_intrinsic if name.endswith(".$") else template)(nested, location.child(name))
    elif isinstance(value, list):
        for nested in value:
            template(nested, location)


def object_template(value: Any, location: Location) -> None:
    if not isinstance(value, dict):
        raise location.invalid("must be an object")
    template(value, location)


def integer(minimum: int, maximum: int = quotas.MAX_WAIT_SECONDS) -> Check:
    def check(value: Any, location: Location) -> None:
        if not payloads.is_integer(value) or not minimum <= value <= maximum:
            raise location.invalid(f"must be an integer from {minimum} to {maximum}")

    return check


def number(minimum: float, maximum: float) -> Check:
    def check(value: Any, location: Location) -> None:
        if not payloads.is_number(value) or not minimum <= value <= maximum:
            raise location.invalid(f"must be a number from {minimum:g} to {maximum:g}")

    return check


def one_of(*supported: str) -> Check:
    def check(value: Any, location: Location) -> None:
        if value not in supported:
            raise location.unsupported_value(value)

    return check


def list_of(check_element: Check, minimum_length: int = 1) -> Check:
    def check(value: Any, location: Location) -> None:
        if not isinstance(value, list) or len(value) < minimum_length:
            raise location.invalid("must be an array" + (" that is not empty" if minimum_length else ""))
        for index, element in enumerate(value):
            check_element(element, location.element(index))

    return check


class Fields:
    """The check of an object by a table of its fields; see `fields`. `names` are all that it accepts."""

    def __init__(self, checks: Mapping[str, Check], required: Iterable[str]) -> None:
        self.names = tuple(checks)
        self._checks = checks
        self._alternatives = [set(group.split("|")) for group in required]
        exclusive = [{name, name + suffix} for name in checks for suffix in ("Path", ".$") if name + suffix in checks]
        self._exclusive = [pair for pair in exclusive if "Result" not in pair]  # ResultPath is no variant of Result

    def __call__(self, value: Any, location: Location) -> None:
        if not isinstance(value, dict):
            raise location.invalid("must be an object")
        for name, nested in value.items():
            if name not in self._checks:
                raise location.child(name).unsupported()
            self._checks[name](nested, location.child(name))
        _check_presence(value.keys(), self._alternatives, self._exclusive, location)


def fields(checks: Mapping[str, Check], required: Iterable[str] = ()) -> Fields:
    """Checks an object by a table of its fields. Any other field is unsupported.

    `required` lists alternatives as `A|B`: exactly one of them must be present. A field and its variant with a path
    (`Seconds` and `SecondsPath`, `Bucket` and `Bucket.$`) exclude each other.
    """
    return Fields(checks, required)


def _check_presence(
    names: Set[str], alternatives: list[set[str]], exclusive: list[set[str]], location: Location
) -> None:
    for group in alternatives:
        if len(group & names) != 1:
            raise location.invalid(f"needs {' or '.join(sorted(group))}")
    for pair in exclusive:
        if pair <= names:
            raise location.invalid(f"has both {' and '.join(sorted(pair))}")


_RULE_FIELDS_OF_JSONATA = {"Assign", "Condition", "Output"}


def choice_rule(*, top_level: bool) -> Check:
    """A rule of a Choice: only top-level rules have a Next."""

    def check(value: Any, location: Location) -> None:
        if not isinstance(value, dict):
            raise location.invalid("must be an object")
        for name in _RULE_FIELDS_OF_JSONATA & value.keys():
            raise location.child(name).unsupported()
        operators = [name for name in value if name not in ("Variable", "Next", "Comment")]
        if len(operators) != 1:
            raise location.invalid(f"needs one operator, has {operators}")
        if ("Next" in value) is not top_level:
            raise location.invalid("must have a Next" if top_level else "must not have a Next")
        _check_operator(operators[0], value, location)

    return check


def _check_operator(name: str, rule: Mapping[str, Any], location: Location) -> None:
    value, operand = rule[name], location.child(name)
    nested = choice_rule(top_level=False)
    if name in LOGICAL_OPERATORS:
        (nested if name == "Not" else list_of(nested))(value, operand)
        return
    if name not in OPERATORS:
        raise operand.unsupported()
    json_path(rule.get("Variable"), location.child("Variable"))
    if name in PATH_COMPARISONS:
        json_path(value, operand)
    elif name in TYPE_TESTS or name in ("IsPresent", "BooleanEquals"):
        boolean(value, operand)
    elif not name.startswith("Numeric"):
        string(value, operand)
