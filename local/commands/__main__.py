"""`python -m local.commands run|up|watch|plan`: the make targets of the same names call it.

Exit status: 0 success, 1 the run failed or would be rejected, 2 wrong usage, 130 interrupted.
"""

import argparse
import shlex
import signal
import sys
from pathlib import Path

from local.commands.usage import UsageError, networks, options, out_folder, port_number, print_error

ASSEMBLY = Path("cdk.out")


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _execute(arguments)
    except UsageError as error:
        print_error(error)
        return 2
    except KeyboardInterrupt:
        print_error("Interrupted. A run that has not ended is not written to the output folder.")
        return 130


def _execute(arguments: argparse.Namespace) -> int:
    """Check the arguments before importing a command: the imports take seconds, a usage error must not."""
    if arguments.command == "plan":
        return _plan(arguments)
    out = out_folder(arguments.out)
    if arguments.command == "watch":
        from local.commands.watch import watch

        return watch(out=out, run_id=arguments.run)
    allow = networks(arguments.allow)
    if arguments.command == "up":
        port = port_number(arguments.port)
        from local.commands.up import up

        return up(assembly=ASSEMBLY, out=out, allow=allow, port=port)
    run_options = options(arguments.options) | options(shlex.join(arguments.option))
    from local.commands.run import run

    manifest = arguments.file or arguments.manifest or None
    return run(assembly=ASSEMBLY, out=out, allow=allow, manifest=manifest, options=run_options, demo=arguments.demo)


def _plan(arguments: argparse.Namespace) -> int:
    run_options = options(arguments.options)
    from local.commands.plan import plan

    return plan(manifest=arguments.manifest, options=run_options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.commands", description="Image Mirror on this machine")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("watch", help="follow a run of `up`, or of your AWS account")
    command.add_argument("--run", default="", help="ID of the run (default: the latest run)")
    command.add_argument("--out", default="", help="output folder of `up` (default: out)")
    command = commands.add_parser("plan", help="show rows, duplicates, time and cost of a run; nothing is downloaded")
    _add_manifest(command, "path of the manifest")
    for name, meaning in (("run", "mirror one manifest, then exit"), ("up", "serve until you press Ctrl-C")):
        command = commands.add_parser(name, help=meaning)
        command.add_argument("--out", default="", help="folder for images and reports (default: out)")
        command.add_argument("--allow", default="", help="non-public networks that may be reached, as CIDR blocks")
        if name == "run":
            _add_manifest(command, "path of the manifest (default: the demo)")
            command.add_argument("file", nargs="?", metavar="MANIFEST", help="the same as --manifest")
            command.add_argument("--option", action="append", default=[], help="one option of the run: name=value")
            command.add_argument("--demo", action="store_true", help="serve the demo's site, for its retry manifest")
        else:
            command.add_argument(
                "--port", default="4566", help="replaced by a free port if it is in use (default: 4566)"
            )
    return parser


def _add_manifest(command: argparse.ArgumentParser, meaning: str) -> None:
    command.add_argument("--manifest", default="", help=meaning)
    command.add_argument("--options", default="", help='options of the run: "name=value name=value"')


if __name__ == "__main__":
    sys.exit(main())
