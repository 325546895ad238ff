"""Wildcards of policies: `*` is any text and `?` one character."""

from __future__ import annotations

import re
from collections.abc import Callable

Matches = Callable[[str], bool]

ARN_PARTS = 6
"""arn:partition:service:region:account:resource"""


def pattern(text: str) -> Matches:
    """Most patterns are a whole text or a prefix, which need no regular expression."""
    plain = text.removesuffix("*")
    if "*" in plain or "?" in plain:
        return _expression(text)
    if plain == text:
        return text.__eq__
    return lambda value: value.startswith(plain)


def action_pattern(text: str) -> Matches:
    """Names of actions are matched in any case."""
    matches = pattern(text.lower())
    return lambda value: matches(value.lower())


def arn_pattern(text: str) -> Matches:
    """The operators ArnEquals and ArnLike: each of the six parts of an ARN is matched separately."""
    parts = [pattern(part) for part in text.split(":", ARN_PARTS - 1)]

    def matches(value: str) -> bool:
        values = value.split(":", ARN_PARTS - 1)
        return len(values) == len(parts) and all(part(each) for part, each in zip(parts, values, strict=True))

    return matches


def _expression(text: str) -> Matches:
    wildcards = {"*": ".*", "?": "."}
    compiled = re.compile("".join(wildcards.get(character) or re.escape(character) for character in text), re.DOTALL)
    return lambda value: compiled.fullmatch(value) is not None
