import uuid
from typing import Any

import pytest

from local.states.base.errors import InvalidDefinitionError, StatesError
from local.states.language.intrinsic_functions import FUNCTIONS
from local.states.language.intrinsics import intrinsic
from local.states.language.paths import Sources

NESTED = {"a": {"b": None, "c": "x"}, "d": [1, "y"], "e": True}
SOURCES = Sources(
    {"n": 7, "t": "x,y", "a": [1, 2, 2], "o": {"k": "v"}, "odd name)": 1, "nested": NESTED}, {"E": {"N": "run"}}
)

VALUES: list[tuple[str, Any]] = [
    ("States.Format('{} is {}', $.t, $.n)", "x,y is 7"),
    ("States.Format('{}', $.o)", "{k=v}"),
    ("States.Format('{}', $.nested)", '{a={b=null, c=x}, d=[1,"y"], e=true}'),
    ("States.Format('{}', $.a)", "[1,2,2]"),
    ("States.StringToJson('')", None),
    ("States.StringToJson(' ')", None),
    ("States.Format('{}', null)", "null"),
    ("States.Format('{}', true)", "true"),
    (r"States.Format('\{\} it\'s \\')", "{} it's \\"),
    (r"States.Format('\\{}', $.n)", "\\7"),
    ("States.Format('{}', $$.E.N)", "run"),
    ("States.Format('{}', $['odd name)'])", "1"),
    ("States.Format('no place')", "no place"),
    ("States.StringToJson('{\"a\": 1}')", {"a": 1}),
    ("States.JsonToString($.o)", '{"k":"v"}'),
    ("States.Array()", []),
    ("States.Array($.n, 'b', -1.5, null, false)", [7, "b", -1.5, None, False]),
    ("States.ArrayPartition($.a, 2)", [[1, 2], [2]]),
    ("States.ArrayContains($.a, 2)", True),
    ("States.ArrayContains($.a, true)", False),
    ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
    ("States.ArrayGetItem($.a, 1)", 2),
    ("States.ArrayLength($.a)", 3),
    ("States.ArrayUnique($.a)", [1, 2]),
    ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
    ("States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "Data to encode"),
    ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ("States.JsonMerge($.o, States.StringToJson('{\"k\":1}'), false)", {"k": 1}),
    ("States.MathRandom(5, 6)", 5),
    ("States.MathAdd(111, -1)", 110),
    ("States.MathAdd(1.5, 1)", 3),
    ("States.StringSplit($.t, ',')", ["x", "y"]),
    ("States.StringSplit('This.is+a,test=string', '.+,=')", ["This", "is", "a", "test", "string"]),
    ("States.ArrayGetItem(States.StringSplit(States.Format('{}/z', $.t), '/'), 1)", "z"),
]

FAILURES = [
    "States.Format('{}')",
    "States.Format('{}', 1, 2)",
    "States.StringToJson('{')",
    "States.ArrayPartition($.a, 0)",
    "States.ArrayRange(1, 2, 0)",
    "States.ArrayRange(1, 2000, 1)",
    "States.ArrayGetItem($.a, 3)",
    "States.ArrayGetItem($.a, -1)",
    "States.ArrayLength($.o)",
    "States.Base64Decode('?')",
    "States.Hash('x', 'CRC')",
    "States.JsonMerge($.o, $.o, true)",
    "States.JsonMerge($.o, $.a, false)",
    "States.MathAdd('1', 1)",
    "States.MathAdd(true, 1)",
    "States.MathAdd(1)",
    "States.MathRandom(2, 2)",
    "States.StringSplit(1, ',')",
    "States.UUID(1)",
]

UNREADABLE = [
    "States.Format('a'",
    "States.Format('a) ",
    "States.Format('a' 'b')",
    "States.UUID() + 1",
    "'text'",
    "7",
    "States.UUID",
    "",
    "States.Array(" * 11 + ")" * 11,
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_the_function_gives(text: str, value: Any) -> None:
    assert intrinsic(text).value(SOURCES, "field") == value


@pytest.mark.parametrize("text", FAILURES)
def test_what_a_function_cannot_do_fails_by_that_name(text: str) -> None:
    with pytest.raises(StatesError, match=r"^States\.IntrinsicFailure"):
        intrinsic(text).value(SOURCES, "field")


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidDefinitionError):
        intrinsic(text)


def test_an_argument_that_is_not_there_is_a_runtime_error() -> None:
    with pytest.raises(StatesError, match=r"^States\.Runtime"):
        intrinsic("States.ArrayLength($.x)").value(SOURCES, "field")


def test_a_uuid_is_a_random_one() -> None:
    assert uuid.UUID(intrinsic("States.UUID()").value(SOURCES, "field")).version == 4


def test_a_seed_repeats_the_number() -> None:
    assert len({intrinsic("States.MathRandom(1, 999999, 5)").value(SOURCES, "f") for _ in range(9)}) == 1


def test_all_eighteen_are_there_and_tested() -> None:
    tested = {name for name in FUNCTIONS if any(name in text for text in (*FAILURES, *(v[0] for v in VALUES)))}
    assert len(FUNCTIONS) == 18
    assert tested == FUNCTIONS.keys()
