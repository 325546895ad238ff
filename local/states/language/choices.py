"""Choice rules: the comparison operators as a table.

Specification, "Choice State"; DG "Choice workflow state".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from local.states.base import payloads
from local.states.base.payloads import JsonValue
from local.states.language.paths import Sources, path

Rule = Mapping[str, Any]
"""A Choice rule. `Any`, because `checks.choice_rule` has checked it when the definition was loaded."""

# What an operator compares depends on its type of value, hence `Any` on both sides.
Comparison = Callable[[JsonValue, JsonValue], bool]
Reader = Callable[[JsonValue], Any]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def parse_timestamp(value: JsonValue) -> datetime | None:
    """The profile of RFC 3339 that the language has: capital T, and capital Z or an offset. None if it is not one."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _number(value: JsonValue) -> int | float | None:
    return value if payloads.is_number(value) else None


def _string(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _boolean(value: JsonValue) -> bool | None:
    return value if isinstance(value, bool) else None


_READERS: dict[str, Reader] = {
    "String": _string,
    "Numeric": _number,
    "Boolean": _boolean,
    "Timestamp": parse_timestamp,
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}


def _comparison(read: Reader, compare_values: Callable[[Any, Any], bool]) -> Comparison:
    """A value of another type makes the rule false; it is not an error."""

    def compare(value: JsonValue, expected: JsonValue) -> bool:
        left, right = read(value), read(expected)
        return left is not None and right is not None and compare_values(left, right)

    return compare


def _string_matches(value: JsonValue, pattern: JsonValue) -> bool:
    """`*` matches any characters; `\\*` and `\\\\` match themselves."""
    if not isinstance(value, str):
        return False
    pieces = re.findall(r"\\.|\*|[^*\\]+|\\", str(pattern), re.DOTALL)
    expression = "".join(
        ".*" if piece == "*" else re.escape(piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece)
        for piece in pieces
    )
    return re.fullmatch(expression, value, re.DOTALL) is not None


COMPARISONS: dict[str, Comparison] = {
    f"{type_name}{order}": _comparison(read, compare_values)
    for type_name, read in _READERS.items()
    for order, compare_values in _ORDERS.items()
    if type_name != "Boolean" or order == "Equals"
}
PATH_COMPARISONS = {f"{name}Path": compare for name, compare in COMPARISONS.items()}
COMPARISONS["StringMatches"] = _string_matches  # has no variant with a path
TYPE_TESTS: dict[str, Callable[[JsonValue], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: _string(value) is not None,
    "IsNumeric": lambda value: _number(value) is not None,
    "IsBoolean": lambda value: _boolean(value) is not None,
    "IsTimestamp": lambda value: parse_timestamp(value) is not None,
}
OPERATORS = {*COMPARISONS, *PATH_COMPARISONS, *TYPE_TESTS, "IsPresent"}
LOGICAL_OPERATORS = {"And", "Or", "Not"}


def matches(rule: Rule, sources: Sources) -> bool:
    """Raises `States.Runtime` for a Variable without a match, unless the operator is IsPresent."""
    if "And" in rule:
        return all(matches(nested, sources) for nested in rule["And"])
    if "Or" in rule:
        return any(matches(nested, sources) for nested in rule["Or"])
    if "Not" in rule:
        return not matches(rule["Not"], sources)
    return _compare(rule, sources)


def _compare(rule: Rule, sources: Sources) -> bool:
    name = next(iter(OPERATORS.intersection(rule)))
    expected = rule[name]
    variable = path(rule["Variable"])
    if name == "IsPresent":
        return payloads.equal(variable.find(sources)[0], expected)
    value = variable.value(sources, "Variable")
    if name in TYPE_TESTS:
        return TYPE_TESTS[name](value) is expected
    if name in PATH_COMPARISONS:
        return PATH_COMPARISONS[name](value, path(expected).value(sources, name))
    return COMPARISONS[name](value, expected)
