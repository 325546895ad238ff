from typing import Any

import pytest

from local.states.language.choices import OPERATORS, matches
from local.states.language.paths import Sources

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+00:00"

HOLDS: list[tuple[str, Any, Any, bool]] = [
    ("StringEquals", "a", "a", True),
    ("StringEquals", 1, "1", False),
    ("StringLessThan", "a", "b", True),
    ("StringGreaterThan", "a", "b", False),
    ("StringLessThanEquals", "b", "b", True),
    ("StringGreaterThanEquals", "a", "b", False),
    ("StringMatches", "log-2026.txt", "log-*.txt", True),
    ("StringMatches", "log.txt", "log-*.txt", False),
    ("StringMatches", "a*b", "a\\*b", True),
    ("StringMatches", "axb", "a\\*b", False),
    ("StringMatches", "a\\b", "a\\\\b", True),
    ("StringMatches", "a.b\nc", "a.b*", True),
    ("StringMatches", 1, "*", False),
    ("NumericEquals", 1.0, 1, True),
    ("NumericEquals", True, 1, False),
    ("NumericLessThan", 1, 2, True),
    ("NumericGreaterThan", 1, 2, False),
    ("NumericLessThanEquals", 2, 2, True),
    ("NumericGreaterThanEquals", 2, 2, True),
    ("BooleanEquals", True, True, True),
    ("BooleanEquals", 1, True, False),
    ("TimestampEquals", EARLY, "2026-01-01T01:00:00+01:00", True),
    ("TimestampLessThan", EARLY, LATE, True),
    ("TimestampGreaterThan", EARLY, LATE, False),
    ("TimestampLessThanEquals", EARLY, EARLY, True),
    ("TimestampGreaterThanEquals", LATE, EARLY, True),
    ("TimestampEquals", "yesterday", EARLY, False),
    ("IsNull", None, True, True),
    ("IsNull", 0, True, False),
    ("IsString", "", True, True),
    ("IsString", 1, False, True),
    ("IsNumeric", 1.5, True, True),
    ("IsNumeric", True, True, False),
    ("IsBoolean", False, True, True),
    ("IsTimestamp", EARLY, True, True),
    ("IsTimestamp", "2026-01-01", True, False),
    ("IsTimestamp", "2026-13-01T00:00:00Z", True, False),
    ("IsPresent", None, True, True),
    ("IsPresent", None, False, False),
]


@pytest.mark.parametrize(("operator", "value", "expected", "holds"), HOLDS)
def test_the_comparison_holds_or_not(operator: str, value: Any, expected: Any, holds: bool) -> None:
    sources = Sources({"v": value, "e": expected}, {})
    assert matches({"Variable": "$.v", operator: expected}, sources) is holds
    if f"{operator}Path" in OPERATORS:
        assert matches({"Variable": "$.v", f"{operator}Path": "$.e"}, sources) is holds


def test_every_operator_is_tested() -> None:
    assert {name.removesuffix("Path") for name in OPERATORS} == {row[0] for row in HOLDS}


YES, NO = {"Variable": "$.v", "IsPresent": True}, {"Variable": "$.x", "IsPresent": True}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"And": [YES, YES]}, True),
        ({"And": [YES, NO]}, False),
        ({"Or": [NO, YES]}, True),
        ({"Or": [NO, NO]}, False),
        ({"Not": NO}, True),
        ({"Not": {"And": [YES, {"Not": NO}]}}, False),
        ({"Variable": "$.x[0]", "IsPresent": False}, True),
    ],
)
def test_rules_combine(rule: dict[str, Any], holds: bool) -> None:
    assert matches(rule, Sources({"v": 1}, {})) is holds
