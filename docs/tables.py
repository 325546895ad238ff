"""Tables of the documentation that are generated from the code: `python -m docs.tables` writes them to their pages.

A table is placed between `<!-- NAME: made by python -m docs.tables -->` and `<!-- end of NAME -->`. Tests compare
every table with the code. TABLES are made without the CDK, STACK_TABLES need it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import botocore.session
from annotated_types import Interval, MaxLen

from cdk.settings import MEANINGS, SETTING_NAMES, Settings
from functions.core.manifests.columns.url_columns import AMBIGUOUS, EXPORTS
from functions.core.model.keys.fields import FIELDS
from functions.core.model.options import IMAGE_TYPES, LIST_CHOICES, MEBIBYTE, Options
from functions.core.model.outcomes import OUTCOME_MEANINGS
from functions.core.model.reasons import REASON_MEANINGS, Reason
from functions.core.summary.index.columns import COLUMNS
from functions.telemetry.names import Metric
from local.states.language.features import features
from local.states.service.api import ACTIONS

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Table:
    """`page` is the name of a file of this folder."""

    page: str
    columns: Sequence[str]
    rows: Callable[[], Iterable[Sequence[str]]]

    def text(self) -> str:
        lines = (self.columns, ["---"] * len(self.columns), *self.rows())
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _options() -> Iterator[Sequence[str]]:
    for option in fields(Options):
        yield f"`{option.name}`", _accepted(option), _default_option(option), str(option.metadata["meaning"])


def _accepted(option: Field[object]) -> str:
    hint = get_type_hints(Options, include_extras=True)[option.name]
    kind, *bounds = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if kind is bool:
        return "`true`, `false`"
    if option.name == "headers":
        return "a JSON object of names and values, or `Name: value`"
    if kind not in (int, float, str):
        return f"comma-separated names: {', '.join(LIST_CHOICES[option.name])}"
    for bound in bounds:
        if isinstance(bound, Interval):
            return f"{_number(option, bound.ge)} to {_number(option, bound.le)}"
        if isinstance(bound, MaxLen):
            return f"text, up to {bound.max_length} characters"
    raise TypeError(f"{option.name} has no bounds")


def _default_option(option: Field[object]) -> str:
    if option.default is MISSING:
        return ""
    if isinstance(option.default, tuple):
        return (
            "all images but svg"
            if option.default == IMAGE_TYPES
            else f"`{','.join(option.default)}`"
            if option.default
            else ""
        )
    if isinstance(option.default, bool):
        return f"`{str(option.default).lower()}`"
    if isinstance(option.default, str):
        return f"`{option.default}`" if option.default else ""
    return _number(option, option.default)


def _number(option: Field[object], value: object) -> str:
    assert isinstance(value, int | float)
    if option.name.endswith("_bytes") and value >= MEBIBYTE:
        return f"{value} ({value // MEBIBYTE} MiB)"
    return f"{value}" if isinstance(value, int) else f"{value:g}"


def _key_fields() -> Iterator[Sequence[str]]:
    for name, meaning in FIELDS.items():
        yield f"`{{{name}}}`", meaning


def _outcomes() -> Iterator[Sequence[str]]:
    for outcome, meaning in OUTCOME_MEANINGS.items():
        yield f"`{outcome}`", meaning


def _exports() -> Iterator[Sequence[str]]:
    for program, names in EXPORTS.items():
        yield program, ", ".join(f"`{name}`" for name in names)
    yield "if nearly all of the values are URLs", ", ".join(f"`{name}`" for name in AMBIGUOUS)


def _results() -> Iterator[Sequence[str]]:
    for column in COLUMNS:
        yield f"`{column.name}`", column.kind, column.meaning


def _reasons() -> Iterator[Sequence[str]]:
    for reason in Reason:
        yield f"`{reason}`", "yes" if reason.retryable else "no", REASON_MEANINGS[reason]


def _metrics() -> Iterator[Sequence[str]]:
    for metric in Metric:
        yield f"`{metric}`", metric.unit.lower(), metric.meaning


def _settings() -> Iterator[Sequence[str]]:
    for setting in fields(Settings):
        accepted = SETTING_NAMES.accepted_values[setting.name]
        yield f"`{setting.name}`", accepted, _default_setting(setting), MEANINGS[setting.name]


def _default_setting(setting: Field[object]) -> str:
    if setting.default is MISSING:
        return "`{}`"
    if setting.default is None or setting.default == "":
        return "none"
    if isinstance(setting.default, bool):
        return f"`{str(setting.default).lower()}`"
    return f"`{setting.default}`"


def _alarms() -> Iterator[Sequence[str]]:
    from cdk.monitoring.alarms import ALARMS

    for alarm in ALARMS:
        minutes = f"{5 * alarm.periods} minutes"
        yield f"[{alarm.kind}](#{alarm.anchor})", minutes, alarm.description.format(resource="the resource")


def _outputs() -> Iterator[Sequence[str]]:
    from cdk.stack import OUTPUTS

    for name, description in OUTPUTS.items():
        yield f"`{name}`", description


def _states_features() -> Iterator[Sequence[str]]:
    for place, running, refused in features():
        yield place, _names(running), _names(refused)


def _states_actions() -> Iterator[Sequence[str]]:
    """The actions of the service are those that the SDK knows."""
    known = sorted(botocore.session.get_session().get_service_model("stepfunctions").operation_names)
    yield _names([name for name in known if name in ACTIONS]), _names([name for name in known if name not in ACTIONS])


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


TABLES: Mapping[str, Table] = {
    "options": Table("manifests.md", ("option", "accepts", "default", "meaning"), _options),
    "key-fields": Table("manifests.md", ("field", "value"), _key_fields),
    "exports": Table("manifests.md", ("export of", "names of the URL column"), _exports),
    "outcomes": Table("manifests.md", ("outcome", "meaning"), _outcomes),
    "results": Table("results.md", ("column", "type", "meaning"), _results),
    "reasons": Table("manifests.md", ("reason", "retryable", "meaning"), _reasons),
    "metrics": Table("operations.md", ("metric", "unit", "meaning"), _metrics),
    "settings": Table("tutorial.md", ("setting", "accepts", "default", "meaning"), _settings),
    "states": Table("states.md", ("where", "runs", "refused by name"), _states_features),
    "actions": Table("states.md", ("runs", "refused by name"), _states_actions),
}
STACK_TABLES: Mapping[str, Table] = {
    "alarms": Table("operations.md", ("alarm", "raised after", "description"), _alarms),
    "outputs": Table("tutorial.md", ("output", "value"), _outputs),
}


def written(name: str, table: Table, text: str) -> str:
    """The text of a page with its table as the code has it, with the indentation of its marker. Raises ValueError."""
    begin, end = f"<!-- {name}: made by python -m docs.tables -->", f"<!-- end of {name} -->"
    match = re.search(rf"(?ms)^( *){re.escape(begin)}\n.*?^ *{re.escape(end)}$", text)
    if match is None:
        raise ValueError(f"{table.page} has no place for the table {name}: {begin} ... {end}")
    lines = [begin, *table.text().splitlines(), end]
    return text[: match.start()] + "\n".join(match[1] + line for line in lines) + text[match.end() :]


def main() -> None:
    for name, table in {**TABLES, **STACK_TABLES}.items():
        page = FOLDER / table.page
        page.write_text(written(name, table, page.read_text()))


if __name__ == "__main__":
    main()
