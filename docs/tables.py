"""The table of options in docs/manifests.md, made from the model: `python -m docs.tables` writes it anew."""

import re
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Interval, MaxLen

from functions.core.model.options import IMAGE_TYPES, MEBIBYTE, Options

PAGE = Path(__file__).with_name("manifests.md")
BEGIN, END = "<!-- options: made by python -m docs.tables -->", "<!-- end of options -->"
_HINTS = get_type_hints(Options, include_extras=True)


def table() -> str:
    rows = (
        f"| `{each.name}` | {_takes(each)} | {_default(each)} | {each.metadata['meaning']} |" for each in _options()
    )
    return "\n".join(("| option | takes | default | meaning |", "|---|---|---|---|", *rows))


def page(text: str) -> str:
    """The page with its table as it should be."""
    return re.sub(f"(?s){BEGIN}.*{END}", lambda _: f"{BEGIN}\n{table()}\n{END}", text)


def _options() -> Iterator[Field[Any]]:
    yield from fields(Options)


def _takes(option: Field[Any]) -> str:
    hint = _HINTS[option.name]
    kind, *bounds = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if kind is bool:
        return "`true`, `false`"
    if kind not in (int, float, str):
        return f"names parted by commas: {', '.join(IMAGE_TYPES)}, svg"
    for bound in bounds:
        if isinstance(bound, Interval):
            return f"{_number(bound.ge)} to {_number(bound.le)}"
        if isinstance(bound, MaxLen):
            return f"text, up to {_number(bound.max_length)} characters"
    raise TypeError(f"{option.name} has no bounds")


def _default(option: Field[Any]) -> str:
    if isinstance(option.default, tuple):
        return "all but svg"
    if isinstance(option.default, bool):
        return f"`{str(option.default).lower()}`"
    if isinstance(option.default, str):
        return f"`{option.default}`" if option.default else ""
    return _number(option.default)


def _number(value: Any) -> str:
    return f"{value} ({value // MEBIBYTE} MiB)" if value >= MEBIBYTE else f"{value:g}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
