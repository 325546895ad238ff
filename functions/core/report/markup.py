"""HTML by construction: text is escaped wherever it goes, and only `tag` makes markup."""

import html
import re
from dataclasses import dataclass
from typing import Any

VOID = frozenset({"link", "meta"})

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""What HTML forbids, what no reader sees, and what turns text around; marks that Arabic and Hebrew need stay."""


@dataclass(frozen=True, slots=True)
class Markup:
    """HTML that may be written as it is."""

    text: str


Child = Markup | str | int | None


def tag(name: str, /, *children: Child, **attributes: Any) -> Markup:
    """An element. Attributes that are None are left out; `class_` is `class`, `aria_label` is `aria-label`."""
    given = {_name(key): value for key, value in attributes.items() if value is not None}
    opened = "".join(f' {key}="{_escaped(str(value))}"' for key, value in given.items())
    if name in VOID:
        return Markup(f"<{name}{opened}>")
    return Markup(f"<{name}{opened}>{joined(*children).text}</{name}>")


def joined(*children: Child) -> Markup:
    """Children in a row; None is nothing, anything but markup is text."""
    return Markup("".join(_child(child) for child in children))


def style(css: str) -> Markup:
    """A style sheet, in which nothing may be escaped; ours alone."""
    return Markup(f"<style>{css}</style>")


def foreign(text: object, limit: int = 200) -> Markup:
    """Text from the internet or the user: isolated from the direction of ours, cut, what is unseen made visible."""
    shown = str(text)
    if len(shown) > limit:
        shown = f"{shown[: limit - 1]}…"
    return tag("bdi", _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", shown))


def _child(child: Child) -> str:
    if child is None:
        return ""
    return child.text if isinstance(child, Markup) else _escaped(str(child))


def _escaped(text: str) -> str:
    return html.escape(text)


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
