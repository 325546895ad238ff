"""The nodes of a syntax tree that are executed, each with its place in the tree, its statement and its function."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

CACHES = frozenset({"cache", "lru_cache"})
TYPING_CALLS = frozenset({"TypeVar", "NewType", "cast"})


@dataclass(frozen=True)
class Scope:
    """What surrounds a node."""

    function: str = ""
    """Qualified name of the function that executes it. Empty if it runs at import, or once because of a cache."""

    prefix: str = ""
    """Start of the qualified names of the functions that are defined here."""

    def within(self, node: ast.AST) -> "Scope":
        """The scope of the body of this node. A lambda belongs to the function around it."""
        if isinstance(node, ast.ClassDef):
            return Scope(self.function, f"{self.prefix}{node.name}.")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{self.prefix}{node.name}"
            cached = any(called_name(decorator) in CACHES for decorator in node.decorator_list)
            return Scope("" if cached else name, f"{name}.<locals>.")
        return self


@dataclass(frozen=True)
class Place:
    """A node and where it hangs: at `parent.field`, or as an element of that list."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    statement: ast.stmt
    scope: Scope

    @property
    def line(self) -> int:
        return int(getattr(self.node, "lineno", self.statement.lineno))

    def put(self, node: ast.AST) -> None:
        """Replace what is at this place."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def places(tree: ast.Module) -> list[Place]:
    """All places of a module, in the order of the source."""
    return list(_below(tree, tree.body[0], Scope()))


def _below(parent: ast.AST, statement: ast.stmt, scope: Scope) -> Iterator[Place]:
    for field, value in ast.iter_fields(parent):
        if _is_left_out(parent, field):
            continue
        inner = scope.within(parent) if field == "body" else scope
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST) and not _is_declaration(node):
                nearest = node if isinstance(node, ast.stmt) else statement
                yield Place(node, parent, field, index, nearest, inner)
                yield from _below(node, nearest, inner)


def _is_left_out(parent: ast.AST, field: str) -> bool:
    """Annotations, which nothing executes, and the names of type variables and casts."""
    if isinstance(parent, ast.Call) and called_name(parent) in TYPING_CALLS:
        return field == "args"
    return field in ("annotation", "returns")


def _is_declaration(node: ast.AST) -> bool:
    """Code for readers and the type checker: docstrings, protocols, `Literal[...]`, `@dataclass(...)`, and imports."""
    return (
        (isinstance(node, ast.ClassDef) and any(called_name(base) == "Protocol" for base in node.bases))
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Subscript) and called_name(node.value) == "Literal")
        or (isinstance(node, ast.Call) and called_name(node) == "dataclass")
        or (isinstance(node, ast.If) and called_name(node.test) == "TYPE_CHECKING")
    )


def called_name(node: ast.AST) -> str:
    """`name` of `name`, `name()`, `module.name` and `module.name()`."""
    inner = node.func if isinstance(node, ast.Call) else node
    return inner.id if isinstance(inner, ast.Name) else inner.attr if isinstance(inner, ast.Attribute) else ""
