"""`./image-mirror console`: serves the console until it is interrupted."""

import sys
from collections.abc import Mapping
from pathlib import Path

from local.aws_settings import aws_requests
from local.console.server import ConsoleServer
from local.console.stack import deployed_stack, stack_of_up
from local.log_file import log_to
from local.startup import wait_for_interrupt


def console(*, out: Path, variables: Mapping[str, str] | None, stack_name: str, port: int) -> int:
    """`variables` are those of a running `up` in `out`; None for the stack of the account. Returns 0.

    Raises UsageError.
    """
    with log_to(out), aws_requests(variables):
        stack = deployed_stack(stack_name) if variables is None else stack_of_up(variables)
        with ConsoleServer(stack, port) as server:
            if server.moved:
                _print(f"Port {port} is in use; using a free port instead.")
            _print(f"The console of the {stack.title}. Open this address on this machine:")
            _print(f"  {server.address}")
            _print("Press Ctrl-C to stop; runs continue.")
            try:
                wait_for_interrupt()
            except KeyboardInterrupt:
                return 0


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
