"""Choice rules: the comparison operators as a table."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from local.states.language.intrinsics import same
from local.states.language.paths import Sources, path

Rule = Mapping[str, Any]
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def moment(value: Any) -> datetime | None:
    """The profile of RFC 3339 that the language takes: capital T, and capital Z or an offset."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_TYPES: dict[str, Callable[[Any], Any]] = {
    "String": _string,
    "Numeric": _number,
    "Boolean": _boolean,
    "Timestamp": moment,
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}


def _comparison(read: Callable[[Any], Any], holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A value of another type makes the rule false, not wrong."""

    def compare(value: Any, expected: Any) -> bool:
        left, right = read(value), read(expected)
        return left is not None and right is not None and holds(left, right)

    return compare


def _string_matches(value: Any, pattern: Any) -> bool:
    """`*` stands for any characters; `\\*` and `\\\\` for themselves."""
    if not isinstance(value, str):
        return False
    pieces = re.findall(r"\\.|\*|[^*\\]+|\\", pattern, re.DOTALL)
    expression = "".join(
        ".*" if piece == "*" else re.escape(piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece)
        for piece in pieces
    )
    return re.fullmatch(expression, value, re.DOTALL) is not None


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    f"{kind}{order}": _comparison(read, holds)
    for kind, read in _TYPES.items()
    for order, holds in _ORDERS.items()
    if kind != "Boolean" or order == "Equals"
}
PATH_COMPARISONS = {f"{name}Path": compare for name, compare in COMPARISONS.items()}
COMPARISONS["StringMatches"] = _string_matches
TYPE_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: _string(value) is not None,
    "IsNumeric": lambda value: _number(value) is not None,
    "IsBoolean": lambda value: _boolean(value) is not None,
    "IsTimestamp": lambda value: moment(value) is not None,
}
OPERATORS = {*COMPARISONS, *PATH_COMPARISONS, *TYPE_TESTS, "IsPresent"}
LOGICAL = {"And", "Or", "Not"}


def matches(rule: Rule, sources: Sources) -> bool:
    """Raises `States.Runtime` for a Variable that is not there, unless the rule is IsPresent."""
    if "And" in rule:
        return all(matches(each, sources) for each in rule["And"])
    if "Or" in rule:
        return any(matches(each, sources) for each in rule["Or"])
    if "Not" in rule:
        return not matches(rule["Not"], sources)
    return _compares(rule, sources)


def _compares(rule: Rule, sources: Sources) -> bool:
    name = next(iter(OPERATORS.intersection(rule)))
    expected = rule[name]
    variable = path(rule["Variable"])
    if name == "IsPresent":
        return same(variable.find(sources)[0], expected)
    value = variable.value(sources, "Variable")
    if name in TYPE_TESTS:
        return TYPE_TESTS[name](value) is expected
    if name in PATH_COMPARISONS:
        return PATH_COMPARISONS[name](value, path(expected).value(sources, name))
    return COMPARISONS[name](value, expected)
