"""The mutants of a source file: a comparison, condition, constant, operator, call or return value is changed."""

import ast
import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.mutation.places import Place, places

COMPARISONS: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
NEGATED_BY_COMPARISON = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
"""A condition that is one of these comparisons is not negated once more."""

OPERATORS: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitAnd,
}
"""Without `|`, which joins types and dictionaries."""


@dataclass(frozen=True)
class Mutant:
    """One fault in one file. `number` is its place among the mutants of the file."""

    path: str
    number: int
    kind: str
    line: int
    function: str
    """Qualified name of the function. Empty if the changed code runs at import, or once because of a cache."""

    before: str
    after: str

    def __str__(self) -> str:
        before, after = _around_change(self.before, self.after)
        return f"{self.path}:{self.line} {self.kind}\n    - {before}\n    + {after}"


def _around_change(before: str, after: str, context: int = 60) -> tuple[str, str]:
    """Both texts around the place where they differ: a dictionary can have a hundred lines."""
    start = max(0, _common_length(before, after) - context)
    end = max(0, _common_length(before[::-1], after[::-1]) - context)
    cut = [f"{'…' if start else ''}{text[start : len(text) - end]}{'…' if end else ''}" for text in (before, after)]
    return cut[0], cut[1]


def _common_length(one: str, other: str) -> int:
    """The number of characters at the start of both."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def mutants(root: Path, path: str) -> Iterator[Mutant]:
    """The mutants of a file. `path` is relative to the root."""
    for number, (kind, place, node) in enumerate(_changes(root / path)):
        before = ast.unparse(place.statement)
        place.put(node)
        after = ast.unparse(place.statement if place.node is not place.statement else node)
        place.put(place.node)
        yield Mutant(path, number, kind, place.line, place.scope.function, *_difference(before, after))


def mutated(root: Path, mutant: Mutant) -> str:
    """The source of the mutant's file with its fault. Comments are lost."""
    path = root / mutant.path
    tree = ast.parse(path.read_text())
    _, place, node = next(islice(_changes_of(tree), mutant.number, None))
    place.put(node)
    return ast.unparse(ast.fix_missing_locations(tree))


def _changes(path: Path) -> Iterator[tuple[str, Place, ast.AST]]:
    return _changes_of(ast.parse(path.read_text()))


def _changes_of(tree: ast.Module) -> Iterator[tuple[str, Place, ast.AST]]:
    for place in places(tree):
        for kind, change in KINDS.items():
            for node in change(place):
                yield kind, place, node


def _difference(before: str, after: str) -> tuple[str, str]:
    """The lines that differ."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    removed, added = (" ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return removed, added


def _comparisons(place: Place) -> Iterator[ast.AST]:
    if isinstance(place.node, ast.cmpop):
        yield COMPARISONS[type(place.node)]()


def _conditions(place: Place) -> Iterator[ast.AST]:
    """A condition is negated; `and` becomes `or`, and the other way round."""
    match place.node:
        case ast.And():
            yield ast.Or()
        case ast.Or():
            yield ast.And()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.expr() as test if place.field in ("test", "ifs", "guard") and not _is_negated_by_comparison(test):
            yield ast.UnaryOp(ast.Not(), test)


def _is_negated_by_comparison(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], NEGATED_BY_COMPARISON)


def _constants(place: Place) -> Iterator[ast.AST]:
    """Numbers, truth values, bytes, and text without spaces: with spaces it is a message, whose words may change."""
    node = place.node
    if not isinstance(node, ast.Constant) or _is_message(place.parent):
        return
    match node.value:
        case bool():
            yield ast.Constant(not node.value)
        case int() | float():
            yield ast.Constant(node.value + 1)
        case bytes():
            yield ast.Constant(b"X" + node.value)
        case str() if " " not in node.value:
            yield ast.Constant("X" + node.value)


def _is_message(node: ast.AST) -> bool:
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return any(isinstance(part, ast.Constant) and " " in str(part.value) for part in parts)


def _operators(place: Place) -> Iterator[ast.AST]:
    if isinstance(place.node, ast.operator) and type(place.node) in OPERATORS:
        yield OPERATORS[type(place.node)]()


def _calls(place: Place) -> Iterator[ast.AST]:
    """A statement that is a call is dropped."""
    if isinstance(place.node, ast.Expr) and isinstance(place.node.value, ast.Call):
        yield ast.Pass()


def _returns(place: Place) -> Iterator[ast.AST]:
    """A value is not returned."""
    node = place.node
    if isinstance(node, ast.Return) and node.value and not _is_constant(node.value, None):
        yield ast.Return()


def _is_constant(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


KINDS: Mapping[str, Callable[[Place], Iterator[ast.AST]]] = {
    "comparison": _comparisons,
    "condition": _conditions,
    "constant": _constants,
    "operator": _operators,
    "dropped call": _calls,
    "dropped value": _returns,
}
