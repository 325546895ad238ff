"""`python -m local.commands run|up|watch|plan`, which the targets of `make` with these names call.

Exit status: 0 all is well, 1 the run failed, 2 wrong usage.
"""

import argparse
import signal
import sys
from pathlib import Path

from local.commands.usage import UsageError, networks, options

ASSEMBLY = Path("cdk.out")


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        out = Path(getattr(arguments, "out", "") or "out")
        if arguments.command == "watch":
            from local.commands.watch import watch  # these take seconds to import: wrong usage is told at once

            return watch(out=out, run=arguments.run)
        if arguments.command == "plan":
            from local.commands.plan import plan

            return plan(manifest=arguments.manifest, options=options(arguments.options))
        allow = networks(arguments.allow)
        if arguments.command == "up":
            from local.commands.up import up

            return up(assembly=ASSEMBLY, out=out, allow=allow, port=arguments.port)
        asked = options(arguments.options)
        from local.commands.run import run

        return run(assembly=ASSEMBLY, out=out, allow=allow, manifest=arguments.manifest or None, options=asked)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; only a run that has ended is written to the folder.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.commands", description="Image Mirror on this machine")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("watch", help="follow a run of `up`, or of your AWS account")
    command.add_argument("--run", default="", help="the run's name (the latest)")
    command.add_argument("--out", default="", help="folder of the `up` that it runs in (out)")
    command = commands.add_parser("plan", help="what a run of a manifest would be; nothing is fetched")
    command.add_argument("--manifest", default="", help="a manifest of your own")
    command.add_argument("--options", default="", help='options of the run, "name=value name=value"')
    for name, meaning in (("run", "mirror one manifest, then end"), ("up", "stay until you press Ctrl-C")):
        command = commands.add_parser(name, help=meaning)
        command.add_argument("--out", default="", help="folder for images and reports (out)")
        command.add_argument("--allow", default="", help="networks that may be reached although they are not public")
        if name == "run":
            command.add_argument("--manifest", default="", help="a manifest of your own instead of the demo")
            command.add_argument("--options", default="", help='options of the run, "name=value name=value"')
        else:
            command.add_argument("--port", type=int, default=4566, help="another is taken where it is in use (4566)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
