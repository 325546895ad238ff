"""The command line, `./image-mirror COMMAND`; the make targets call it.

Exit status: 0 success, 1 the run failed, 2 wrong usage, 130 interrupted. A command is imported when its arguments have
been checked: the imports take seconds, a usage error must not.
"""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from functions.core.model.options import MAX_PROBE_ROWS
from functions.version import VERSION
from local import preflight
from local.account_commands import ACCOUNT_COMMANDS, stack_name
from local.commands import usage
from local.commands.env_file import read_env_file
from local.console import CONSOLE_PORT
from local.errors import UsageError
from local.log_file import keep_off_terminal
from local.parameters import (
    PREFIX,
    Command,
    PathType,
    manifest,
    option,
    option_flags,
    probe_options,
    run_options,
    shown_name,
)
from local.parquet import InstallationError
from local.startup import fast_imports, owned, synthesize

PROGRAM = "image-mirror"
PROBE_ROWS = "300"
PROBE_OUT = f"{usage.DEFAULT_OUT}/probe"
"""Default folder of `probe`: not that of `run`, whose images it does not have."""

SETTINGS: dict[str, Any] = {  # Any: the settings of click
    "help_option_names": ["-h", "--help"],
    "token_normalize_func": lambda name: name.replace("_", "-"),
    "max_content_width": 100,
}

version = click.version_option(VERSION, prog_name=PROGRAM)
out = option("out", metavar="FOLDER", help="folder of images and reports (default: out)", type=PathType("dir"))
allow = option("allow", metavar="CIDR", help="network to allow that is not public; may be repeated", multiple=True)


def main(arguments: Sequence[str] | None = None) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    keep_off_terminal()
    try:
        return int(commands.main(arguments, PROGRAM, standalone_mode=False) or 0)
    except click.ClickException as error:
        usage.print_error(usage.message_of(error))
        return error.exit_code
    except UsageError as error:
        usage.print_error(error)
        return 2
    except InstallationError as error:
        usage.print_error(error)
        return 1
    except click.Abort:
        usage.print_error("Interrupted.")
        return 130


def _numbers(numbers: Mapping[str, usage.NumberArgument]) -> Callable[[Command], Command]:
    """An option for each number."""

    def decorate(command: Command) -> Command:
        for name, number in reversed([*numbers.items()]):
            command = option(name, metavar="NUMBER", help=f"{number.meaning} (default: {number.shown_default})")(
                command
            )
        return command

    return decorate


@click.group(context_settings=SETTINGS)
@version
def commands() -> None:
    """Copy images from the web into S3, or into a folder of this machine.

    run, probe, plan, cost and up need no AWS account. bootstrap, deploy and destroy change the AWS account of your
    credentials. watch, console, index and verify are for runs of "up", otherwise of that account.
    "image-mirror COMMAND --help" explains a command. Exit status: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
    """


@commands.command()
@manifest("[MANIFEST]")
@out
@allow
@click.option("--demo", is_flag=True, help="serve the images of the demo again, for its retry manifest")
@_numbers(usage.LIMITS)
@run_options
@version
def run(manifest: str, out: str, allow: Sequence[str], demo: bool, pairs: Sequence[str], **flags: str | None) -> int:
    """Mirror a manifest on this machine.

    Without MANIFEST, the demo is mirrored: its images are served on this machine.
    """
    file, options = usage.manifest_file(manifest) if manifest else None, usage.given_options(pairs, flags)
    return _mirror("run", file, options, flags, allow, out, demo)


@commands.command()
@manifest("MANIFEST")
@option("out", metavar="FOLDER", help=f"folder of the report (default: {PROBE_OUT})", type=PathType("dir"))
@allow
@_numbers(usage.LIMITS)
@probe_options
@version
def probe(manifest: str, out: str, allow: Sequence[str], pairs: Sequence[str], **flags: str | None) -> int:
    """Estimate a run of a manifest by a random sample of its rows.

    Downloads the rows of the sample on this machine as a run does, keeps no image, and shows the success rate with its
    95 % interval, sizes, times, hosts with failures, and time and cost of the run.
    """
    options = {"probe": PROBE_ROWS, **usage.given_options(pairs, flags)}
    return _mirror("probe", usage.manifest_file(manifest), options, flags, allow, out or PROBE_OUT)


@commands.command()
@out
@allow
@option("port", metavar="NUMBER", help="preferred port; 0 for a free one (default: 4566)", default="4566")
@_numbers(usage.LIMITS)
@version
def up(out: str, allow: Sequence[str], port: str, **numbers: str | None) -> int:
    """Run the local AWS until you press Ctrl-C.

    It serves the aws command and your own programs: "source out/local.env" sets their variables.
    """
    number, networks = usage.port_number(port, shown_name("port")), usage.given_networks(allow)
    folder = usage.given_out(out)
    limits = usage.given_limits(numbers)
    with owned(folder, "up"):
        assembly = synthesize()
        with fast_imports():
            from local.commands.up import up

        return up(assembly=assembly, out=folder, allow=networks, port=number, limits=limits)


@commands.command()
@option("run", metavar="ID", help="ID of the run (default: the latest run)", default="")
@out
@stack_name
@version
def watch(run: str, out: str, stack_name: str) -> int:
    """Follow a run.

    If "up" is running in the folder, it is a run of that local AWS, otherwise one of the stack in your AWS account.
    """
    folder = usage.out_folder(out, shown_name("out"))
    name = stack_name or usage.stack_settings().stack_name
    from local.commands.watch import watch

    return watch(out=folder, run_id=run, stack_name=name)


@commands.command()
@option("port", metavar="NUMBER", help="preferred port; 0 for a free one (default: 4567)", default=str(CONSOLE_PORT))
@out
@stack_name
@version
def console(port: str, out: str, stack_name: str) -> int:
    """Show runs and images in a browser.

    If "up" is running in the folder, those of that local AWS, otherwise those of the stack in your AWS account: its
    requests are signed with your credentials. The page can be opened on this machine only. Ctrl-C stops the console;
    runs continue.
    """
    number = usage.port_number(port, shown_name("port"))
    folder = usage.out_folder(out, shown_name("out"))
    name = stack_name or usage.stack_settings().stack_name
    with fast_imports():
        from local.console.command import console

    return console(out=folder, variables=read_env_file(folder), stack_name=name, port=number)


@commands.command()
@click.argument("run", metavar="RUN", envvar=f"{PREFIX}RUN")
@out
@stack_name
@version
def index(run: str, out: str, stack_name: str) -> int:
    """Make the index of a run again.

    RUN is the ID of a run of the local AWS if "up" is running in the folder, otherwise of a run whose files are in the
    folder, otherwise of a run of the stack in your AWS account.
    """
    folder = usage.out_folder(out, shown_name("out"))
    variables = read_env_file(folder)
    if variables is None and (folder / "runs" / run).is_dir():
        with owned(folder, "index"):
            assembly = synthesize()
            from local.index_command import index_in_folder

            return index_in_folder(run, folder, assembly, click.echo)
    from local.index_command import index_remotely

    return index_remotely(run, variables, stack_name or usage.stack_settings().stack_name, click.echo)


@commands.command()
@stack_name
@option("only", metavar="LINE", help="check only this line and what it needs; may be repeated", multiple=True)
@out
@version
def verify(stack_name: str, only: Sequence[str], out: str) -> int:
    """Check a deployed stack with runs of its own, which it removes.

    If "up" is running in the folder, it is that local AWS, otherwise the stack of your AWS account.
    """
    folder = usage.out_folder(out, shown_name("out"))
    from local.verify.command import verify

    name = stack_name or usage.stack_settings().stack_name
    return verify(stack_name=name, variables=read_env_file(folder), only=only)


@commands.command()
@manifest("MANIFEST")
@_numbers(usage.PLAN_LIMITS)
@run_options
@version
def plan(manifest: str, lambda_concurrency: str | None, pairs: Sequence[str], **flags: str | None) -> int:
    """Check a manifest and estimate its run.

    Shows rows, duplicates, hosts, time and cost; nothing is downloaded. Exit status 1: the run would be rejected.
    """
    options = usage.given_options(pairs, flags)
    names = {name: shown_name(name) for name in usage.PLAN_LIMITS}
    limits = usage.limits({"lambda_concurrency": lambda_concurrency or ""}, names)
    from local.commands.plan import plan

    return plan(manifest=manifest, options=options, lambda_concurrency=limits.lambda_concurrency)


@commands.command()
@_numbers(usage.COST_NUMBERS)
@option_flags(usage.COST_OPTIONS)
@click.option("--chart", metavar="FILE.svg", help="draw dollars per million images by batch size instead")
@version
def cost(chart: str | None, **values: str | None) -> int:
    """Estimate the time and the cost of a run."""
    texts = {name: value for name, value in values.items() if value}
    names = {name: shown_name(name) for name in usage.COST_NUMBERS}
    from local.commands.cost import cost

    return cost(texts, names, Path(chart) if chart else None)


for account_command in ACCOUNT_COMMANDS:
    commands.add_command(version(account_command))


def _mirror(
    command: str,
    file: Path | None,
    options: Mapping[str, str],
    numbers: Mapping[str, str | None],
    allow: Sequence[str],
    out: str,
    demo: bool = False,
) -> int:
    """Run a manifest, by default the demo, after its arguments were checked. Raises UsageError."""
    settings, limits = usage.stack_settings(), usage.given_limits(numbers)
    run_options = preflight.check_options(settings, options)
    if command == "probe" and not run_options.probe:
        raise UsageError(f"{shown_name('probe')} takes a number from 1 to {MAX_PROBE_ROWS:,}.")
    if file:
        preflight.check_manifest(file, run_options)
    if file and demo:
        usage.demo_port(file)
    networks, folder = usage.given_networks(allow), usage.given_out(out)
    with owned(folder, command):
        assembly = synthesize()
        with fast_imports():
            from local.commands.run import run

        path = str(file) if file else None
        return run(
            assembly=assembly, out=folder, allow=networks, manifest=path, options=options, demo=demo, limits=limits
        )


if __name__ == "__main__":
    sys.exit(main())
