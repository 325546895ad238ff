"""The setting `host_limits`: limits of hosts by the ends of their names, in addition to those of `host_limits.json`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from annotated_types import Interval
from pydantic import Strict, TypeAdapter, ValidationError

from functions.core.model.errors import RowError
from functions.core.model.host_limits import HostLimits, HostRule
from functions.core.model.urls import ascii_host
from functions.core.model.validation import FieldNames

SHIPPED = Path(__file__).with_name("host_limits.json")
"""Limits that the operators of hosts have published, each with its source and the date on which it was read."""

MAX_BYTES = 2000
"""Maximum size of all limits as an environment variable of PrepareRun, in bytes: Lambda allows 4 KB for all variables
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimitEntry:
    """An entry of the setting. `source` and `date` say where the limit is from, and are not used."""

    host_concurrency: Annotated[int, Strict(), Interval(ge=0, le=256)] | None = None
    host_rate: Annotated[float, Strict(), Interval(ge=0, le=1000)] | None = None
    override: Annotated[bool, Strict()] = False
    source: str = ""
    date: str = ""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic alone

    def rule(self) -> HostRule:
        return HostRule(self.host_concurrency, self.host_rate, self.override)


_ENTRY = TypeAdapter(HostLimitEntry)


def validate_host_limits(value: object) -> Mapping[str, object]:
    """The entries of the setting. Raises ValueError with a sentence about the entry that is invalid."""
    try:
        entries = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError(f"The text is not JSON: {error.msg} at character {error.pos}") from error
    if not isinstance(entries, Mapping):
        raise ValueError
    if (size := len(host_limits(entries).as_text().encode())) > MAX_BYTES:
        raise ValueError(
            f"The limits have {size:,} bytes as JSON, with those of cdk/host_limits.json; at most {MAX_BYTES:,} are "
            "possible. Remove some entries, or name a common suffix"
        )
    return dict(entries)


def host_limits(entries: Mapping[str, object]) -> HostLimits:
    """The shipped limits, replaced and completed by those of the setting; an entry that is null removes a limit.

    Raises ValueError.
    """
    rules: dict[str, HostRule | None] = {}
    for name, entry in entries.items():
        suffix = _suffix(name)
        if suffix in rules:
            raise ValueError(f"The host '{suffix}' has two entries. Remove one of them")
        rules[suffix] = None if entry is None else _rule(suffix, entry)
    return HostLimits({name: rule for name, rule in {**_shipped(), **rules}.items() if rule is not None})


def _shipped() -> Mapping[str, HostRule]:
    entries = json.loads(SHIPPED.read_text())
    return {suffix: _ENTRY.validate_python(entry).rule() for suffix, entry in entries.items()}


def _suffix(name: object) -> str:
    try:
        suffix = ascii_host(str(name).strip()).removesuffix(".")
    except RowError as error:
        raise ValueError(f"'{name}' is no host name: {error.message}") from error
    last_label = suffix.rpartition(".")[2]
    if not _is_address(suffix) and (not _NAME.fullmatch(suffix) or last_label.isdecimal()):
        raise ValueError(
            f"'{name}' is no host name. Write it without scheme, port, path and wildcard, such as example.org: that is "
            "the host of this name and every host under it"
        )
    return suffix


def _is_address(name: str) -> bool:
    try:
        return ip_address(name.removeprefix("[").removesuffix("]")).version == (6 if name.startswith("[") else 4)
    except ValueError:
        return False


def _rule(suffix: str, value: object) -> HostRule:
    if not isinstance(value, Mapping):
        raise ValueError(f"The entry of '{suffix}' must be a JSON object, or null to remove a limit")
    fields = FieldNames("field", HostLimitEntry, place=f" of '{suffix}'")
    try:
        entry = _ENTRY.validate_python(value)
    except ValidationError as error:
        raise ValueError(fields.explain(error.errors()[0], value)) from error
    if entry.host_concurrency is None and entry.host_rate is None:
        raise ValueError(f"The entry of '{suffix}' has neither host_concurrency nor host_rate. Add one of them")
    if not entry.override and 0 in (entry.host_concurrency, entry.host_rate):
        raise ValueError(
            f"The entry of '{suffix}' has a limit of 0, which is no limit: it has no effect without override. Remove "
            "it, or add override"
        )
    return entry.rule()
