"""JSON values, and counts."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"


JsonObject: TypeAlias = Mapping[str, JsonValue]


OptionValues: TypeAlias = Mapping[str, JsonValue]


"""Options of a run by name, as in JSON (`allowed_types` is a list). Options with their default may be missing."""


BatchCounts: TypeAlias = Mapping[str, int]


"""Number of rows for each OutcomeKind, and the total `bytes` stored."""


Signals: TypeAlias = Mapping[str, Sequence[str]]


"""What the owner of an image says about its use: raw values by the name of a header or of a property of the file."""
