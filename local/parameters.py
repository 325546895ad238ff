"""Parameters of the commands: each is an option on the command line and a variable of the environment.

The make targets set the variables: MANIFEST=f of `make run` arrives as IMAGE_MIRROR_MANIFEST.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from functions.core.model.options import OPTION_DEFAULTS, Options
from local.errors import UsageError

PREFIX = "IMAGE_MIRROR_"
"""Start of the names of the environment variables."""

OPTION_FIELDS: Mapping[str, Field[Any]] = {option.name: option for option in fields(Options)}
"""The options of a run by name. Any: the type of the value."""

Command = TypeVar("Command", bound=Callable[..., Any])
"""A function that becomes a command. Any: its parameters are those that click passes."""


class PathType(click.ParamType[str]):
    """A path, which a shell completes. The command checks it."""

    def __init__(self, kind: Literal["file", "dir"]) -> None:
        self.name = kind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type=self.name)]


class PairType(click.ParamType[str]):
    """A pair `name=value` with one of these names. The variable of make has several pairs, separated by spaces."""

    name = "name=value"

    def __init__(self, variable: str, names: Iterable[str]) -> None:
        self._variable = variable
        self._names = tuple(names)

    def split_envvar_value(self, rv: str) -> list[str]:
        """Quotes protect spaces. Raises UsageError."""
        try:
            return shlex.split(rv)
        except ValueError as error:
            message = f"{self._variable} takes name=value pairs separated by spaces; in {rv!r}: {error}."
            raise UsageError(message) from error

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _starting_with(incomplete, (f"{name}=" for name in self._names))


def option(name: str, *, metavar: str, help: str, **settings: Any) -> Callable[[Command], Command]:  # noqa: A002
    """An option whose value is text. Any: the settings are those of `click.option`."""
    variable = f"{PREFIX}{name.upper()}"
    return click.option(f"--{name.replace('_', '-')}", name, metavar=metavar, help=help, envvar=variable, **settings)


def manifest(meaning: str) -> Callable[[Command], Command]:
    """The path of a manifest. click has no help text for arguments: the docstring of the command explains it."""
    return click.argument("manifest", metavar=meaning, default="", envvar=f"{PREFIX}MANIFEST", type=PathType("file"))


def pairs(*flags: str, variable: str, names: Iterable[str], help: str) -> Callable[[Command], Command]:  # noqa: A002
    """An option for pairs `name=value`, which may be repeated."""
    return click.option(
        *flags,
        "pairs",
        type=PairType(variable, names),
        multiple=True,
        envvar=f"{PREFIX}{variable}",
        metavar="NAME=VALUE",
        help=help,
    )


class HeaderType(click.ParamType[str]):
    """A header `Name: value`. The variable of make has one in each line."""

    name = "Name: value"

    def split_envvar_value(self, rv: str) -> list[str]:
        return rv.splitlines()


HEADER = click.option(
    "--header",
    "--headers",
    "headers",
    type=HeaderType(),
    multiple=True,
    envvar=f"{PREFIX}HEADERS",
    metavar="'NAME: VALUE'",
    help=f"{OPTION_FIELDS['headers'].metadata['meaning']}; may be repeated",
    callback=lambda context, parameter, lines: "\n".join(lines) or None,
)
"""Instead of a flag for the option `headers`: a header is a line of its text."""


def run_options(command: Command) -> Command:
    """`--option name=value`, `--header`, and a flag for each other option of a run."""
    several = pairs("--option", variable="OPTIONS", names=OPTION_FIELDS, help="option of the run; may be repeated")
    return several(HEADER(option_flags(name for name in OPTION_FIELDS if name != "headers")(command)))


PROBE_FLAGS = {"probe": ("--rows", "rows to draw at random (default: 300)"), "probe_seed": ("--seed", "")}
"""A short name for each option of a probe, and its help, by default the meaning of the option."""


def probe_options(command: Command) -> Command:
    """As for a run, with short names for the options of a probe."""
    for name, (flag, meaning) in PROBE_FLAGS.items():
        flags, shown = (flag, f"--{name.replace('_', '-')}"), meaning or OPTION_FIELDS[name].metadata["meaning"]
        command = click.option(*flags, name, metavar="NUMBER", help=shown, envvar=f"{PREFIX}{name.upper()}")(command)
    several = pairs("--option", variable="OPTIONS", names=OPTION_FIELDS, help="option of the run; may be repeated")
    names = (name for name in OPTION_FIELDS if name not in {"headers", *PROBE_FLAGS})
    return several(HEADER(option_flags(names)(command)))


def option_flags(names: Iterable[str]) -> Callable[[Command], Command]:
    """A flag for each of these options of a run. Values are text: `validate_options` checks them."""

    def decorate(command: Command) -> Command:
        for name in reversed([*names]):
            choices = option_choices(name)
            command = option(
                name,
                metavar="|".join(choices) or _kind(name),
                help=f"{OPTION_FIELDS[name].metadata['meaning']} (default: {_default(name)})",
                shell_complete=lambda context, parameter, incomplete, choices=choices: _starting_with(
                    incomplete, choices
                ),
            )(command)
        return command

    return decorate


def option_choices(name: str) -> tuple[str, ...]:
    """The values of an option that has a fixed set of them."""
    hint = get_type_hints(Options)[name]
    if hint is bool:
        return ("true", "false")
    return get_args(hint) if get_origin(hint) is Literal else ()


def shown_name(name: str) -> str:
    """The name under which the user gave the parameter to the current command: `--out`, or OUT with make."""
    context = click.get_current_context()
    parameter = next(parameter for parameter in context.command.params if parameter.name == name)
    if context.get_parameter_source(name) is ParameterSource.ENVIRONMENT:
        return str(parameter.envvar).removeprefix(PREFIX)
    return parameter.opts[0]


def _kind(name: str) -> str:
    hint = get_type_hints(Options)[name]
    return {int: "INTEGER", float: "NUMBER", str: "TEXT"}.get(hint, "NAME,NAME,...")


DEFAULTS_BY_PLACE = {"passes": f"0 on this machine, {OPTION_DEFAULTS['passes']} in AWS"}
"""The default of an option that a local run has another one of."""


def _default(name: str) -> str:
    if name in DEFAULTS_BY_PLACE:
        return DEFAULTS_BY_PLACE[name]
    value = OPTION_DEFAULTS[name]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"


def _starting_with(start: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(start)]
