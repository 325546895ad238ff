"""The options of a run as fields of a form, from the one table of options."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pydantic import TypeAdapter

from functions.core.model.option_validation import validate_options
from functions.core.model.options import LIST_CHOICES, OPTION_DEFAULTS, Options
from functions.core.model.types import OptionValues
from local.parameters import option_choices

FIELD_PREFIX = "option-"
FREQUENT = ("on_existing", "concurrency", "per_host", "max_concurrency", "allowed_types", "robots")
"""The options that are shown first."""

_OPTIONS: TypeAdapter[Any] = TypeAdapter(Options)  # Any: the dumped values have the types of JSON


@dataclass(frozen=True, slots=True)
class OptionField:
    """`choices` are the values of an option that has a fixed set of them, and `parts` those of an option that is a
    list. `value` is what the user has entered."""

    name: str
    meaning: str
    default: str
    choices: tuple[str, ...]
    parts: tuple[str, ...]
    value: str

    @property
    def field(self) -> str:
        return FIELD_PREFIX + self.name


def option_fields(form: Mapping[str, str]) -> list[OptionField]:
    """All options, the frequent ones first."""
    names = [option.name for option in fields(Options)]
    meanings = {option.name: str(option.metadata["meaning"]) for option in fields(Options)}
    return [
        OptionField(
            name=name,
            meaning=meanings[name],
            default=option_text(OPTION_DEFAULTS[name]),
            choices=option_choices(name),
            parts=LIST_CHOICES.get(name, ()),
            value=form.get(FIELD_PREFIX + name, ""),
        )
        for name in sorted(names, key=lambda name: FREQUENT.index(name) if name in FREQUENT else len(FREQUENT))
    ]


def options_of(form: Mapping[str, str]) -> OptionValues:
    """The options that the user has entered, with the types of JSON. Raises InvalidManifest."""
    names = (option.name for option in fields(Options))
    given = {name: text.strip() for name in names if (text := form.get(FIELD_PREFIX + name, "")).strip()}
    values = _OPTIONS.dump_python(validate_options(given), mode="json")
    return {name: values[name] for name in given}


def option_text(value: object) -> str:
    """A value as people enter it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(value) or "none"  # names of headers: their values may be secret
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"
