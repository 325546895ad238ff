"""The options of a run that are not the defaults, and where each came from."""

import json
from dataclasses import dataclass
from typing import Any

from functions.core.model.options import OPTION_DEFAULTS
from functions.core.model.runs import LocalRun
from functions.core.model.types import JsonValue, RunFields
from functions.core.model.urls import redact

ORIGINS = {"stack": "setting of the stack", "manifest": "metadata of the manifest", "request": "request of the API"}
"""Where the value of an option comes from, by its name in `option_sources` of the run record."""

COMMAND_LINE = "command line"
FOUND = "found in the manifest"
"""Origin of an option that was not given: the URL column, and columns of the user."""


@dataclass(frozen=True, slots=True)
class OptionValue:
    """`origin` is empty where it is not known."""

    name: str
    value: str
    origin: str


def run_options(record: RunFields, local_run: LocalRun | None) -> list[OptionValue]:
    """The options that were set, or that differ from the defaults."""
    sources = record.get("option_sources")
    options = record.get("options") or {}
    return [
        OptionValue(name, _text(name, value), _origin(sources, name, local_run))
        for name, value in options.items()
        if name in (sources or ()) or _differs(name, value)
    ]


def _differs(name: str, value: JsonValue) -> bool:
    return bool(_plain(value) != _plain(OPTION_DEFAULTS.get(name)))


def _plain(value: Any) -> Any:  # Any: a value of an option, of any type
    return list(value) if isinstance(value, tuple) else value


def _origin(sources: dict[str, str] | None, name: str, local_run: LocalRun | None) -> str:
    if sources is None:
        return ""
    if name not in sources:
        return FOUND
    if sources[name] == "manifest" and local_run and local_run.command == "run":
        return COMMAND_LINE
    return ORIGINS.get(sources[name], "")


def _text(name: str, value: JsonValue) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, str):
        return redact(value) if name == "base_url" else value
    return json.dumps(value, ensure_ascii=False)
