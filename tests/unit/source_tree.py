"""The modules of the repository and their imports, read from the source, for the tests of the architecture."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("functions", "cdk", "local", "bench", "docs")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def sources(*folders: str) -> Mapping[str, Path]:
    """Paths by module name. Without arguments, of the product and its tests."""
    chosen = folders or (*PRODUCT, "tests")
    return {module_of(path): path for folder in chosen for path in sorted((ROOT / folder).rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """Names as they are imported, `package.module.name`, also those imported within functions.

    Imports for type checkers alone are left out: they are never executed.
    """
    tree = ast.parse(path.read_text())
    skipped = {id(inner) for node in ast.walk(tree) if _is_type_checking(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """The modules of the repository that each of them imports."""
    known = sources()
    return {module: frozenset(_resolved(path, known) - {module}) for module, path in known.items()}


def _resolved(path: Path, known: Mapping[str, Path]) -> set[str]:
    return {
        next(candidate for candidate in (full, full.rpartition(".")[0]) if candidate in known)
        for full in imported(path)
        if full in known or full.rpartition(".")[0] in known
    }


def cycle(graph: Mapping[str, frozenset[str]]) -> list[str]:
    """A cycle of imports, its first module repeated at its end; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
