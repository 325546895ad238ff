"""The mutants of a file, and the tests that can see them."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mutation.__main__ import SOURCES, sample
from tests.mutation.equivalents import EQUIVALENTS, Change
from tests.mutation.mutants import KINDS, mutants, mutated
from tests.mutation.plugin import Order, function_name
from tests.mutation.selection import Record, importers
from tests.unit.source_tree import ROOT


def changes(folder: Path, source: str) -> list[tuple[str, str]]:
    """The kind of each mutant, and its last line."""
    (folder / "a.py").write_text(source)
    return [(mutant.kind, mutated(folder, mutant).splitlines()[-1].strip()) for mutant in mutants(folder, "a.py")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x < y", [("comparison", "x <= y")]),
        ("x is not y", [("comparison", "x is y")]),
        ("x < y <= z", [("comparison", "x <= y <= z"), ("comparison", "x < y < z")]),
        ("x = 3", [("constant", "x = 4")]),
        ("x = True", [("constant", "x = False")]),
        ("x = b'a'", [("constant", "x = b'Xa'")]),
        ("x = 'a'", [("constant", "x = 'Xa'")]),
        ("x = ''", [("constant", "x = 'X'")]),
        ("x = 'It failed.'", []),
        ("x = f'It failed: {y}.'", []),
        ("x = f'{y}/'", [("constant", "x = f'{y}X/'")]),
        ("x = None", []),
        ("x if y else z", [("condition", "x if not y else z")]),
        ("x if not y else z", [("condition", "x if y else z")]),
        ("x if y == z else 5", [("comparison", "x if y != z else 5"), ("constant", "x if y == z else 6")]),
        ("x and y", [("condition", "x or y")]),
        ("[x for x in y if x]", [("condition", "[x for x in y if not x]")]),
        ("x + y", [("operator", "x - y")]),
        ("x //= y", [("operator", "x *= y")]),
        ("x | y", []),
        ("f(x)", [("dropped call", "pass")]),
        ("def f():\n    return x", [("dropped value", "return")]),
        ("def f():\n    return None", []),
        ('"""Text."""', []),
        ("x: Literal['a'] = y", []),
        ("x = Literal['a', 'b']", []),
        ("T = TypeVar('T')", []),
        ("class A(Protocol):\n    def f(self, x=1): ...", []),
        ("def f(x: 'A') -> 'B': x", []),
    ],
)
def test_a_source_has_these_mutants(source: str, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    assert changes(tmp_path, source) == expected


def test_a_mutant_shows_its_line_its_function_and_what_differs(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("class A:\n    def f(self):\n        def g():\n            return lambda: x < 1\n")

    comparison, *_ = mutants(tmp_path, "a.py")

    assert str(comparison).startswith("a.py:4 dropped value")
    assert comparison.function == "A.f.<locals>.g"
    assert (comparison.before, comparison.after) == ("return lambda: x < 1", "return")


@pytest.mark.parametrize("source", ["x = 1", "class A:\n    x = 1", "@cache\ndef f():\n    x = 1", "def f(x=1): x"])
def test_what_runs_at_import_or_is_cached_belongs_to_no_function(source: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(source)

    assert [mutant.function for mutant in mutants(tmp_path, "a.py")] == [""]


def test_every_mutant_can_be_compiled_and_differs() -> None:
    path = "functions/core/api/control.py"
    original = ast.unparse(ast.parse((ROOT / path).read_text()))
    found = [mutated(ROOT, mutant) for mutant in mutants(ROOT, path)]

    assert len(found) > 10
    assert original not in found
    for source in found:
        compile(source, path, "exec")


def test_a_seed_draws_the_same_mutants_again(capsys: pytest.CaptureFixture[str]) -> None:
    sources = ("functions/core/cost",)

    assert sample(7, 20, sources) == sample(7, 20, sources) != sample(8, 20, sources)
    assert "seed 7" in capsys.readouterr().out


def test_every_equivalent_is_a_mutant_and_has_a_reason() -> None:
    paths = {change.path for change in EQUIVALENTS}
    known = {Change(m.path, m.function, m.before, m.after) for path in paths for m in mutants(ROOT, path)}

    assert set(EQUIVALENTS) - known == set()
    assert all(path.startswith(SOURCES) for path in paths)
    assert all(reason.endswith(".") for reason in EQUIVALENTS.values())


def test_every_kind_occurs_in_the_code() -> None:
    assert {mutant.kind for mutant in mutants(ROOT, "functions/core/web/response.py")} == set(KINDS)


RECORD = Record(
    calls={
        "": ["functions/core/web/guard.py:at_import"],
        "tests/hostile/test_a.py::test_slow": ["functions/core/web/guard.py:Guard.connect"],
        "tests/unit/test_guard.py::test_fast": ["functions/core/web/guard.py:Guard.connect"],
        "tests/unit/test_guard.py::test_other": [],
    },
    seconds={
        "tests/hostile/test_a.py::test_slow": 0.5,
        "tests/unit/test_guard.py::test_fast": 1.0,
        "tests/unit/test_guard.py::test_other": 0.1,
    },
)


def test_the_tests_of_a_mutant_call_its_function_and_those_of_its_module_are_first() -> None:
    mutant = next(
        mutant for mutant in mutants(ROOT, "functions/core/web/guard.py") if mutant.function == "Guard.connect"
    )
    tests = RECORD.tests(mutant)

    assert tests == ["tests/unit/test_guard.py::test_fast", "tests/hostile/test_a.py::test_slow"]
    assert RECORD.others(tests) == ["tests/unit/test_guard.py::test_other"]
    assert RECORD.limit(tests) == 60 + 5 * 1.5


def test_what_runs_at_import_is_seen_by_the_modules_that_import_it_also_through_others() -> None:
    graph = {
        "guard": frozenset({"errors"}),
        "session": frozenset({"guard"}),
        "tests.test_session": frozenset({"session"}),
        "tests.test_cost": frozenset({"cost", "errors"}),
    }

    assert importers("guard", graph) == {"guard", "session", "tests.test_session"}


def test_a_lambda_belongs_to_the_function_around_it() -> None:
    def inner() -> Callable[[], object]:
        return lambda: [None for _ in ""]

    name = "test_a_lambda_belongs_to_the_function_around_it.<locals>.inner"
    for function in (inner, inner()):
        assert function_name(function.__code__) == f"tests/unit/mutation/test_mutants.py:{name}"
    assert function_name(Record.limit.__code__) == "tests/mutation/selection.py:Record.limit"


def test_tests_run_in_their_order_then_those_that_are_new() -> None:
    class Item:
        def __init__(self, nodeid: str) -> None:
            self.nodeid = nodeid

    items = [Item(name) for name in ("a", "new", "b", "c")]

    Order(run=["c", "a"], leave_out=["b"]).pytest_collection_modifyitems(items)  # type: ignore[arg-type]

    assert [item.nodeid for item in items] == ["c", "a", "new"]
