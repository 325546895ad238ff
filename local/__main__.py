"""`python -m local run|up`, which `make run` and `make up` call.

Exit status: 0 all is well, 1 the run failed, 2 wrong usage.
"""

import argparse
import signal
import sys
from pathlib import Path

from local.usage import UsageError, networks, options

ASSEMBLY = Path("cdk.out")


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        out, allow = Path(arguments.out or "out"), networks(arguments.allow)
        if arguments.command == "up":
            from local.up import up  # these take seconds to import: wrong usage is told at once

            return up(assembly=ASSEMBLY, out=out, allow=allow, port=arguments.port)
        asked = options(arguments.options)
        from local.run import run

        return run(assembly=ASSEMBLY, out=out, allow=allow, manifest=arguments.manifest or None, options=asked)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; only a run that has ended is written to the folder.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Image Mirror on this machine")
    commands = parser.add_subparsers(dest="command", required=True)
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
